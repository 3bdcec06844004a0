"""Reconciliation brings any two sites level that hold objects of the archive, whatever their family."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.archives import SITES
from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite
from tests.support.names import NO_SIGNATURE
from vanvault.archiver.core.errors import SiteFull, SiteUnavailable
from vanvault.archiver.core.names import Family, ObjectKind, ObjectName, new_writer_id
from vanvault.archiver.core.object_limits import LockRules
from vanvault.archiver.replicas import Lag
from vanvault.archiver.stores import (
    StoredVersion,
)
from vanvault.recovery.objects import Copies, nothing_signed
from vanvault.recovery.reconcile import ReconcileReport, reconcile_sites
from vanvault.recovery.reconcile.plan import DueLocks, Fetch, Prolong, add, decide

START = datetime(2026, 11, 22, tzinfo=UTC)
WRITER = new_writer_id(START, bytes(5))
KINDS: tuple[tuple[Family, ObjectKind], ...] = (
    ("batch", "messages"),
    ("batch", "events"),
    ("large", "framed"),
    ("segment", "log"),
)


def data_of(number: int) -> bytes:
    return b"object %d" % number * (number + 1)


def key_of(number: int) -> str:
    family, kind = KINDS[number % len(KINDS)]
    digest = hashlib.sha256(data_of(number)).digest()
    return ObjectName(family, WRITER, number, kind, digest, NO_SIGNATURE).key


class Pair:
    """Two sites in memory, filled by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sites = {name: MemorySite(name, clock=self.clock) for name in SITES}

    def put(self, site: str, number: int, *, days: int = 100) -> str:
        until = (self.clock.now() + timedelta(days=days)).replace(microsecond=0)
        data = data_of(number)
        digest = hashlib.sha256(data).digest()
        self.sites[site].put(key_of(number), data, sha256=digest, retain_until=until)
        return key_of(number)

    def reconcile_sites(self, *, dry_run: bool = False) -> ReconcileReport:
        return reconcile_sites(self.sites, dry_run=dry_run, pause=lambda: None)

    def held(self, site: str) -> dict[str, tuple[bytes, datetime | None]]:
        found = {}
        for version in self.sites[site].list():
            data = self.sites[site].get(version.key, version.version)
            found[version.key] = (data, version.retain_until)
        return found


@pytest.fixture
def pair() -> Pair:
    return Pair()


@given(st.lists(st.tuples(st.sets(st.sampled_from(SITES), min_size=1), st.integers(30, 40)), max_size=12))
def test_any_two_sites_come_level_with_the_later_lock(held: list[tuple[set[str], int]]) -> None:
    pair = Pair()
    for number, (sites, days) in enumerate(held):
        for offset, site in enumerate(sorted(sites)):
            # The lock of a large object is not prolonged by what another site shows.
            later = offset * (number % 3) * (KINDS[number % len(KINDS)][0] != "large")
            pair.put(site, number, days=days + later)
    union = {**pair.held("primary"), **pair.held("standby")}
    latest = {
        key: max(pair.held(site)[key][1] for site in SITES if key in pair.held(site))  # type: ignore[type-var]
        for key in union
    }
    dry = pair.reconcile_sites(dry_run=True)
    report = pair.reconcile_sites()
    assert report.level
    assert dry.lags == report.lags
    for site in SITES:
        assert pair.held(site) == {key: (union[key][0], latest[key]) for key in union}
        missing = [number for number, (sites, _) in enumerate(held) if site not in sites]
        assert report.lags[site].objects == len(missing)
        assert report.lags[site].bytes == sum(len(data_of(number)) for number in missing)
        assert report.left[site] == Lag()
    assert report.compared == len(held)
    again = pair.reconcile_sites()
    assert again.level
    assert (again.fetched.objects, again.prolonged, again.shorter_locks) == (0, 0, 0)
    for memory in pair.sites.values():
        memory.check()


def test_the_lag_is_as_old_as_the_oldest_missing_object(pair: Pair) -> None:
    pair.put("primary", 0)
    pair.clock.advance(timedelta(hours=2))
    pair.put("primary", 1)
    pair.clock.advance(timedelta(hours=1))
    lag = pair.reconcile_sites().lags["standby"]
    assert lag.objects == 2
    assert lag.seconds == pytest.approx(3 * 3600, abs=1)


def test_what_is_no_object_is_left_alone(pair: Pair) -> None:
    pair.put("primary", 0)
    pair.sites["primary"].damage.add("notes/readme", b"foreign")
    report = pair.reconcile_sites()
    assert (report.level, report.compared, report.ignored) == (True, 1, 1)
    assert "notes/readme" not in pair.held("standby")


def test_a_damaged_only_copy_is_reported_and_the_rest_is_copied(pair: Pair) -> None:
    bad, good = pair.put("primary", 0), pair.put("primary", 1)
    pair.sites["primary"].damage.flip(bad)
    report = pair.reconcile_sites()
    assert not report.level
    assert (report.failures, [failure.action.key for failure in report.named]) == (1, [bad])
    assert report.left["standby"].objects == 1
    assert set(pair.held("standby")) == {good}


def test_a_failure_halfway_is_mended_by_the_next_run(pair: Pair) -> None:
    keys = {pair.put("primary", number) for number in range(6)}
    pair.sites["standby"].fail_next("put", times=2, error=SiteFull("no room", site="standby"))
    first = pair.reconcile_sites()
    assert not first.level
    assert first.left["standby"].objects == 2
    assert pair.reconcile_sites().level
    assert set(pair.held("standby")) == keys


@pytest.mark.parametrize("site", SITES)
def test_a_site_that_cannot_be_listed_is_not_filled(pair: Pair, site: str) -> None:
    """What it holds is not known, so nothing is copied to it in the blind."""
    pair.put("primary", 0)
    pair.put("standby", 1)
    pair.sites[site].fail_next("list")
    with pytest.raises(SiteUnavailable):
        pair.reconcile_sites()
    assert all(len(pair.held(name)) == 1 for name in SITES)


def test_an_object_on_its_way_is_waited_for(pair: Pair) -> None:
    key = pair.put("primary", 0)

    def arrive() -> None:
        pair.put("standby", 0)

    report = reconcile_sites(pair.sites, pause=arrive)
    assert report.level
    assert report.lags["standby"].objects == 0
    assert len(pair.sites["standby"].versions(key)) == 1
    pair.sites["standby"].check()


def version(key: str, days: int | None, *, size: int = 5) -> StoredVersion:
    until = START + timedelta(days=days) if days is not None else None
    return StoredVersion(key, f"v{days}", size, until, START)


KEY = key_of(0)


@pytest.mark.parametrize(
    ("at", "actions"),
    [
        ({}, ()),
        ({"primary": 10, "standby": 10}, ()),
        ({"primary": 10}, (Fetch(KEY, "primary", "standby", 5, START),)),
        ({"standby": None}, (Fetch(KEY, "standby", "primary", 5, START),)),
        (
            {"primary": 10, "standby": 12},
            (Prolong(KEY, "primary", "v10", START + timedelta(days=12)),),
        ),
        ({"primary": None, "standby": 12}, ()),
    ],
)
def test_what_is_decided_for_one_name(at: dict[str, int | None], actions: tuple[object, ...]) -> None:
    copies = Copies(KEY, {site: (version(KEY, days),) for site, days in at.items()})
    assert decide(copies, SITES, DueLocks(LockRules(), nothing_signed, START)) == actions


def test_the_lag_grows_with_each_missing_object() -> None:
    lag = Lag()
    for size in (5, 7):
        lag = add(lag, Fetch(KEY, "primary", "standby", size, START), START + timedelta(seconds=9))
    assert lag == Lag(2, 12, 9.0)
