"""A copy under a shorter lock is no copy: a restore and a repair extend it, or put it again."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from tests.support.clocks import ManualClock
from tests.support.lab import Lab
from tests.support.memory_site import MemorySite
from tests.support.names import batch_key, large_key, segment_key
from vanvault.archiver.stores import StoredVersion
from vanvault.recovery.objects import Copies, write_good
from vanvault.recovery.restore import restore_site
from vanvault.recovery.restore.archive import survey
from vanvault.recovery.restore.plan import CopyLocks, is_restored
from vanvault.recovery.work import Effort

DATA = b"the right bytes"
DIGEST = hashlib.sha256(DATA).digest()
WRITER = "1m80yt0rdsqw5e1d"
KEY = large_key(WRITER, 4, DIGEST)


def site_with(name: str, days: int, key: str = KEY) -> MemorySite:
    clock = ManualClock()
    site = MemorySite(name, clock=clock)
    until = clock.now().replace(microsecond=0) + timedelta(days=days)
    site.put(key, DATA, sha256=DIGEST, retain_until=until)
    return site


def days_of(version: StoredVersion) -> int:
    assert version.retain_until is not None
    return (version.retain_until - ManualClock().now().replace(microsecond=0)).days


def test_a_good_copy_under_a_shorter_lock_is_extended_and_not_put_again() -> None:
    site = site_with("primary", 9)
    wanted = ManualClock().now().replace(microsecond=0) + timedelta(days=10)
    assert write_good(site, KEY, DATA, wanted)
    (version,) = site.versions(KEY)
    assert version.retain_until == wanted
    assert not write_good(site, KEY, DATA, wanted)
    assert not write_good(site, KEY, DATA, wanted - timedelta(days=1))
    assert [call.operation for call in site.calls].count("extend") == 1
    site.check()


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        batch_key(WRITER, 4, "messages", DIGEST),
        segment_key(WRITER, 0, "log", DIGEST),
    ],
    ids=["large", "batch", "segment"],
)
@pytest.mark.parametrize(("ours", "there"), [(8, False), (9, True), (10, True)])
def test_an_object_is_restored_when_its_lock_is_as_long_as_at_the_source(
    key: str, ours: int, there: bool
) -> None:
    sites = {"primary": site_with("primary", ours, key), "standby": site_with("standby", 9, key)}
    copies = Copies(key, {name: tuple(site.versions(key)) for name, site in sites.items()})
    now = ManualClock().now()
    assert is_restored(copies, sites, "standby", "primary", CopyLocks(), now) == there


def test_an_object_without_a_lock_is_not_restored_whatever_the_source_shows() -> None:
    sites = {"primary": site_with("primary", 9), "standby": site_with("standby", 9)}
    for damaged in (["primary"], ["primary", "standby"]):
        for name in damaged:
            sites[name].damage.add(KEY, DATA)
        copies = Copies(KEY, {name: tuple(site.versions(KEY)) for name, site in sites.items()})
        assert not is_restored(copies, sites, "standby", "primary", CopyLocks(), ManualClock().now())


def test_a_restore_extends_locks_that_are_shorter_than_at_its_source(lab: Lab) -> None:
    chosen = [*lab.keys(family="large")[:1], lab.chain(0)[1]]
    for key in chosen:
        lab.shorten("primary", key)
    with lab.open() as archive:
        plan = survey(archive, "standby", create=False)
        assert plan.todo.objects == len(chosen)
        restore_site(plan, archive.sites["standby"], archive.sites["primary"], effort=Effort(workers=1))
        for key in chosen:
            here, there = (archive.sites[site].stat(key).retain_until for site in ("primary", "standby"))
            assert here is not None
            assert there is not None
            assert here >= there
    assert lab.verify().whole
