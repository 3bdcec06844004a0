"""A restore asks for nothing twice: listings of each site once, and three requests an object."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest

from tests.support.clocks import ManualClock
from tests.support.compacted import CompactedLab
from tests.support.counting import CountingSite
from tests.support.names import batch_key, segment_key
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import MachineLimit, SettingsError, SiteUnavailable
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.stores import Incoming, StoredVersion
from vanvault.recovery.objects import Copies
from vanvault.recovery.restore import RestorePlan, Trusted, plan_restore, restore_site, work_list
from vanvault.recovery.restore.archive import ensure_site
from vanvault.recovery.restore.plan import NEW_S
from vanvault.recovery.restore.work_list import KEPT_BYTES, ToCopy, WorkList
from vanvault.recovery.work import Effort

#: Strangers before, between and behind the families, each family once; segments before, to know the replaced.
LISTINGS = 4 + 3 + 1
FAILED = 3  # objects in a row that could not be put while they came


class Lost:
    """An archive whose primary is gone, with both sites counting."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.source = CountingSite(archive.sites["standby"])
        self.target = CountingSite(archive.sites["primary"])
        self.passed = 0.0
        ensure_site(archive, "primary")

    def plan(self) -> RestorePlan:
        trusted = Trusted(self.archive.settings.archive, self.archive.signing.public)
        return plan_restore(
            self.source,  # type: ignore[arg-type]
            self.target,  # type: ignore[arg-type]
            name="primary",
            trusted=trusted,
            timer=lambda: self.passed,
        )

    def copy(
        self, plan: RestorePlan, step: Callable[..., None] = lambda items=1, size=0: None, workers: int = 2
    ) -> int:
        source: Any = self.source
        target: Any = self.target
        report = restore_site(plan, source, target, effort=Effort(workers), step=step)
        assert report.whole
        return report.copied.objects


class Unable(CountingSite):
    """A site that says it passes objects on, and fails at each."""

    def passes_on(self) -> bool:
        return True

    def open_locked(self, key: str, version: str, *, most: int | None = None) -> Incoming:
        self.asked["open_locked"] += 1
        raise SiteUnavailable("it broke off", site=self.site)

    def put_from(
        self, key: str, incoming: Incoming, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        raise AssertionError("nothing came")


def test_passing_on_is_given_up_where_it_fails_again_and_again(compacted: CompactedLab) -> None:
    """Each object would be moved twice; so all are read and put as wholes, and none is lost."""
    shutil.rmtree(compacted.root("primary"))
    with compacted.open() as archive:
        lost = Lost(archive)
        lost.source, lost.target = (Unable(archive.sites[site]) for site in ("standby", "primary"))
        plan = lost.plan()
        copied = lost.copy(plan, workers=1)
        assert copied == plan.todo.objects > FAILED
        assert lost.source.asked["open_locked"] == FAILED
        assert lost.source.asked["get_locked"] == copied
    assert compacted.verify().findings == ()


def test_both_sites_are_listed_once_and_each_object_costs_three_requests(compacted: CompactedLab) -> None:
    shutil.rmtree(compacted.root("primary"))
    with compacted.open() as archive:
        lost = Lost(archive)
        plan = lost.plan()
        manifests = len(compacted.segments())
        assert lost.source.asked == {"list": LISTINGS, "get_locked": manifests, "now": 1}
        assert lost.target.asked == {"list": LISTINGS}
        copied = lost.copy(plan)
        assert copied == plan.todo.objects == plan.total.objects > manifests
        # The bytes with their lock; and a put, which reads its lock back.
        assert lost.source.asked == {"list": LISTINGS, "get_locked": copied, "now": 2}
        assert lost.target.asked == {"list": LISTINGS, "put": copied, "now": 1}
    assert compacted.verify().findings == ()


def test_copies_of_a_site_whose_listings_tell_no_locks_get_the_locks_of_the_source(
    compacted: CompactedLab,
) -> None:
    shutil.rmtree(compacted.root("primary"))
    with compacted.open() as archive:
        lost = Lost(archive)
        lost.copy(lost.plan())
        locks = [
            {version.key: version.retain_until for version in archive.sites[site].list()}
            for site in ("primary", "standby")
        ]
    assert locks[0] == locks[1]


@pytest.mark.parametrize("passed", [0.0, NEW_S], ids=["new", "old"])
def test_what_the_target_got_since_an_old_plan_is_not_put_again(
    compacted: CompactedLab, passed: float
) -> None:
    """A reconciler of a running node brings level what it finds, while a restore takes hours."""
    shutil.rmtree(compacted.root("primary"))
    with compacted.open() as archive:
        lost = Lost(archive)
        plan, brought = lost.plan(), compacted.part("log")
        data = archive.sites["standby"].get(brought)
        until = archive.sites["standby"].stat(brought).retain_until
        name = parse_key(brought)
        assert until is not None
        assert name is not None
        archive.sites["primary"].put(brought, data, sha256=name.sha256, retain_until=until)
        lost.passed += passed
        copied = lost.copy(plan)
        versions = len(archive.sites["primary"].versions(brought))
        assert (copied, versions) == ((plan.todo.objects - 1, 1) if passed else (plan.todo.objects, 2))
        # One listing for each stage that has anything to copy, however many objects that are.
        assert LISTINGS < lost.target.asked["list"] + (not passed) <= LISTINGS + 6


def item(sequence: int, *, data: bytes = b"", until: bool = True) -> ToCopy:
    now = ManualClock().now().replace(microsecond=0)
    key = segment_key("1m80yt0rdsqw5e1d", sequence, "log", bytes([sequence]) * 32)
    lock = now + timedelta(days=sequence) if until else None
    version = StoredVersion(key, f"v{sequence}", 10 * sequence, lock, now, held=sequence % 2 == 0)
    older = StoredVersion(key, "v-older", 3, None, now - timedelta(days=1))
    at = {"standby": (version, older)} | ({"primary": (older,)} if sequence % 3 == 0 else {})
    return ToCopy(Copies(key, at), now + timedelta(days=99) if sequence % 2 else None, sequence > 3, data)


@pytest.mark.parametrize("memory", [1, 2**20], ids=["file", "memory"])
def test_a_work_list_gives_back_what_it_was_given_newest_owner_first(
    monkeypatch: pytest.MonkeyPatch, memory: int
) -> None:
    monkeypatch.setattr(work_list, "MEMORY_BYTES", memory)
    found = WorkList("standby", "primary", 2)
    given = [item(number, data=b"m" * number, until=number != 2) for number in range(1, 6)]
    for one, owner in zip(given, "aabbc", strict=True):
        found.add(0, owner, one)
    found.add(1, "a", item(9, data=b"m" * (KEPT_BYTES + 1)))
    assert [one for block in found.blocks(0) for one in block] == [given[i] for i in (4, 2, 3, 0, 1)]
    ((last,),) = found.blocks(1)
    assert last == item(9)


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, MachineLimit), (errno.EIO, SettingsError)])
def test_a_work_list_that_cannot_be_kept_ends_the_restore(number: int, kind: type[Exception]) -> None:
    class Full(BytesIO):
        def write(self, data: object) -> int:
            raise OSError(number, "as it was told to")

    found = WorkList("standby", "primary", 1, file=Full())
    with pytest.raises(kind):
        found.add(0, "a", item(1))


def test_blocks_are_bounded_whatever_an_owner_has() -> None:
    found = WorkList("standby", "primary", 1)
    now = ManualClock().now()
    for sequence in range(1500):
        key = batch_key("1m80yt0rdsqw5e1d", sequence, "messages", sequence.to_bytes(32))
        found.add(0, "a", ToCopy(Copies(key, {"standby": (StoredVersion(key, "v", 1, None, now),)})))
    assert [len(block) for block in found.blocks(0)] == [1000, 500]


def test_a_compacted_batch_whose_lock_turns_out_to_be_over_is_not_copied(compacted: CompactedLab) -> None:
    """A copy may be younger than its lock tells: a repair made it."""
    compacted.dispose(sites=(), every=1)
    spent = compacted.compacted()
    shutil.rmtree(compacted.root("primary"))
    with compacted.open() as archive:
        lost = Lost(archive)
        now = archive.clock.now().replace(microsecond=0)
        lost.source.change = lambda version: replace(version, stored_at=now)
        plan = lost.plan()
        assert plan.left_out == 0
        assert lost.copy(plan) == plan.todo.objects - len(spent)
        assert not {*spent} & {version.key for version in archive.sites["primary"].list()}
    assert compacted.verify().findings == ()
