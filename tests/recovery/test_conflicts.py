"""A conflict outlives the compaction of its entries and the hot tail that saw it, and stays resolved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.archives import GATEWAY, Home, Node, memory_home, message, second_home
from tests.support.memory_site import MemorySite
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Conflict, NotFound, SiteUnavailable
from vanvault.archiver.core.names import sha256_of
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import EventType, own_events
from vanvault.archiver.upkeep import compact
from vanvault.recovery.failover import current_plan, gather
from vanvault.recovery.reconcile import EntryConflict, count_open, open_conflicts, resolve
from vanvault.recovery.reconcile.conflicts import EVENT, conflicts

DAY = timedelta(days=1)


@dataclass
class Clash:
    """One id with two contents, received a day apart; nothing is compacted yet."""

    home: Home
    archive: Archive
    first: str  # ids of the archive
    late: str

    def compact(self, *, first_only: bool = False) -> None:
        """The days of both entries, or that of the first alone."""
        self.home.clock.advance(DAY)
        compact(self.archive, until=self.home.clock.now() - (DAY if first_only else timedelta(0)))

    def restart(self, *, forgotten: bool) -> None:
        """The home as another process opens it."""
        self.archive.close()
        if forgotten:
            self.home.forget_hot_tail()
        self.archive = self.home.archive()
        self.archive.refresh()

    def is_compacted(self, archive_id: str) -> bool:
        try:
            self.archive.tail.by_id(archive_id)
        except NotFound:
            return True
        return False

    def found_events(self) -> list[dict[str, object]]:
        found = own_events(self.archive.search, EventType.CONFLICT_FOUND, order="oldest")
        return [event.detail for event in found]


@pytest.fixture
def clash(tmp_path: Path) -> Iterator[Clash]:
    with memory_home(tmp_path / "one") as home, second_home(home, tmp_path / "two") as other:
        archive = home.archive()
        with Node(other.archive()) as two:
            two.wait_ready()  # it stays open, and does not hear of what the first node takes
            with Node(archive) as one:
                one.wait_ready()
                first = one.push(message("m-1", b"<one/>"))
            home.clock.advance(DAY)
            late = two.push(message("m-1", b"<other/>", received_us=to_us(home.clock.now())))
        archive.catch_up(settle=True)
        yield Clash(home, archive, first["id"], late["id"])


@pytest.mark.parametrize("forgotten", [False, True], ids=["kept tail", "tail made anew"])
@pytest.mark.parametrize("first_only", [False, True], ids=["both compacted", "first compacted"])
def test_a_compacted_conflict_is_told_resolved_and_stays_so(
    clash: Clash, first_only: bool, forgotten: bool
) -> None:
    before = conflicts(clash.archive)
    assert [(one.entry, one.id, one.first, one.gateway) for one in before] == [
        ("message", clash.late, clash.first, GATEWAY)
    ]
    clash.compact(first_only=first_only)
    clash.restart(forgotten=forgotten)
    assert clash.is_compacted(clash.first)
    assert clash.is_compacted(clash.late) is not first_only

    assert open_conflicts(clash.archive) == before
    assert clash.archive.tail.counts()["conflicts"] == 1
    assert gather(clash.archive).conflicts == 1
    for action in ("promote", "failback"):
        assert current_plan(clash.archive, action=action).action == action
    with pytest.raises(NotFound):
        resolve(clash.archive, "no-such-id", reason="looked at both", who="tester")
    assert resolve(clash.archive, clash.first, reason="looked at both", who="tester") == before[0]

    for _ in range(2):  # the second time the resolution is compacted, too
        assert open_conflicts(clash.archive) == []
        assert conflicts(clash.archive) == before
        assert gather(clash.archive).conflicts == 0
        with pytest.raises(Conflict):
            resolve(clash.archive, clash.late, reason="again", who="tester")
        clash.home.clock.advance(DAY)
        clash.compact()
        clash.restart(forgotten=forgotten)
        assert clash.is_compacted(clash.late)
    assert len(clash.found_events()) == 1  # recorded once, however often there is a compaction


def test_what_is_on_record_names_both_entries(clash: Clash) -> None:
    clash.compact()
    (detail,) = clash.found_events()
    (told,) = detail["conflicts"]  # type: ignore[misc]
    assert (told["entry"], told["first"]) == (clash.late, clash.first)


def test_a_node_that_was_away_learns_of_it(clash: Clash, tmp_path: Path) -> None:
    with second_home(clash.home, tmp_path / "three") as other:
        clash.compact()
        away = other.archive()
        away.refresh()
        assert open_conflicts(away) == conflicts(clash.archive)


def test_without_a_conflict_nothing_is_put_on_record(home: Home) -> None:
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        node.push(message("m-1", b"<one/>"))
    home.clock.advance(2 * DAY)
    assert compact(archive).report.segments
    assert list(own_events(archive.search, EventType.CONFLICT_FOUND)) == []
    assert open_conflicts(archive) == []


def test_two_nodes_that_name_the_entries_the_other_way_round_mean_one_conflict(clash: Clash) -> None:
    """The later entry is the first one of a node that folded it from a segment."""
    tail = clash.archive.tail
    (pair,) = tail.conflicting()
    tail.learn_conflicts([pair[::-1], pair])
    assert tail.conflicting() == [pair]
    detail = {"entry": clash.first, "first": clash.late, "reason": "looked at both", "who": "tester"}
    clash.archive.record(EVENT, detail)
    assert open_conflicts(clash.archive) == []


def test_an_entry_that_came_to_light_after_the_later_one_was_compacted(tmp_path: Path) -> None:
    """A side of a partition comes back when the other side has compacted its own entry."""
    with memory_home(tmp_path / "one") as home, second_home(home, tmp_path / "two") as cut_off:
        cut_off.sites = {name: MemorySite(name, clock=home.clock) for name in home.sites}
        with Node(cut_off.archive()) as node:
            node.wait_ready()
            first = node.push(message("m-1", b"<one/>"))
        home.clock.advance(DAY)
        archive = home.archive()
        with Node(archive) as node:
            node.wait_ready()
            late = node.push(message("m-1", b"<other/>", received_us=to_us(home.clock.now())))
        home.clock.advance(DAY)
        compact(archive, until=home.clock.now())
        assert conflicts(archive) == []
        _carry(cut_off, home)
        archive.tail.list_anew()  # as the keeper does that finds batches which nobody folded
        archive.catch_up(settle=True)
        (conflict,) = open_conflicts(archive)
        assert {conflict.id, conflict.first} == {first["id"], late["id"]}
        resolve(archive, first["id"], reason="looked at both", who="tester")
        home.clock.advance(DAY)
        compact(archive, until=home.clock.now())
        archive.close()
        home.forget_hot_tail()
        fresh = home.archive()
        fresh.refresh()
        assert conflicts(fresh) == [conflict]
        assert open_conflicts(fresh) == []


def _carry(source: Home, target: Home) -> None:
    """What a reconciliation does: every object, under its name and with its lock."""
    for name, site in source.sites.items():
        for version in site.list():
            parsed = sha256_of(version.key)
            assert version.retain_until is not None
            data = site.get(version.key, version.version)
            target.sites[name].put(version.key, data, sha256=parsed, retain_until=version.retain_until)


def test_a_conflict_that_cannot_be_read_is_open_and_stops_no_promotion(clash: Clash) -> None:
    clash.compact()
    (before,) = conflicts(clash.archive)
    clash.restart(forgotten=False)
    for site in clash.home.sites.values():
        for key in {version.key for version in site.list("segment/") if ".log." in version.key}:
            site.damage.drop(key)
    (told,) = conflicts(clash.archive)
    assert told == EntryConflict(None, None, None, None, before.received_at, before.first_received_at)
    _counts_as_open(clash.archive)


def test_an_index_that_is_away_stops_no_promotion(clash: Clash, monkeypatch: pytest.MonkeyPatch) -> None:
    clash.compact()
    resolve(clash.archive, clash.late, reason="looked at both", who="tester")
    assert count_open(clash.archive) == 0
    clash.archive.close()
    monkeypatch.setenv("VANVAULT_INDEX__URL", "s3+http://127.0.0.1:9/index")  # nothing listens there
    monkeypatch.setenv("VANVAULT_INDEX__S3__ATTEMPTS", "1")
    monkeypatch.setenv("VANVAULT_INDEX_ACCESS_KEY", "key")
    monkeypatch.setenv("VANVAULT_INDEX_SECRET_KEY", "secret")
    clash.archive = clash.home.archive()
    with pytest.raises(SiteUnavailable):
        open_conflicts(clash.archive)
    _counts_as_open(clash.archive)


def _counts_as_open(archive: Archive) -> None:
    assert count_open(archive) == gather(archive).conflicts == 1
    assert "1 conflicts" in " ".join(current_plan(archive, action="promote").effects)
