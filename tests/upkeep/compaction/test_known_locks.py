"""What is known of locks is not asked for again, and a store that shortens one is found all the same."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.archives import Home, event
from tests.support.lockless import Lockless

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.options import LockPace
from vanvault.archiver.upkeep import keep_locks, look_at_locks
from vanvault.archiver.upkeep.compaction.keeper import KeeperReport, keep
from vanvault.archiver.upkeep.compaction.known_locks import LOOK_SAMPLE, KnownLocks
from vanvault.recovery.status import status

PACE = LockPace()


class Chain:
    """A writer that goes on: each event is a batch of its own."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._writer, opened = archive.open_writer()
        archive.tail.apply([one.folded for one in opened])
        self._made = 0

    def write(self, count: int) -> None:
        for _ in range(count):
            self._made += 1
            done = self._writer.commit([event(f"e-{self._made}")])
            self._archive.tail.apply([one.folded for one in done])

    def close(self) -> None:
        done = self._writer.commit([event("last")], final=True)
        self._archive.tail.apply([one.folded for one in done])
        self._writer.close()


def lockless(home: Home) -> dict[str, Lockless]:
    return {name: Lockless(site) for name, site in home.sites.items()}


def asked(sites: dict[str, Lockless]) -> Counter[str]:
    return sum((site.asked for site in sites.values()), Counter())


def looked(home: Home) -> Counter[str]:
    """What a status of a process of its own asks the sites."""
    sites = lockless(home)
    archive = home.archive(sites=sites)  # type: ignore[arg-type]
    found = status(archive)
    archive.close()
    assert found.complete and found.segments.alarms == ()
    return asked(sites)


def test_status_asks_as_much_of_many_batches_as_of_few_and_folds_only_what_is_new(home: Home) -> None:
    chain = Chain(home.archive())
    chain.write(120)
    looked(home)
    few = looked(home)
    chain.write(280)
    looked(home)
    many = looked(home)
    chain.close()
    assert {**many, "lines": 0} == {**few, "lines": 0}
    assert few["stat"] <= 2 * (LOOK_SAMPLE + 2)
    # One listing of all batches at each site, for the keeper's look; the fold lists none of them again.
    assert many["lines"] - few["lines"] == 2 * 280


def round_of(home: Home, archive: Archive, memory: Path, sample: int) -> tuple[KeeperReport, Counter[str]]:
    sites = lockless(home)
    known = KnownLocks(memory, archive.tail.lock_on_record, sample)
    report = keep(sites, archive.catalogue, PACE, now=home.clock.now, known=known)  # type: ignore[arg-type]
    return report, asked(sites)


@pytest.fixture
def written(home: Home) -> Archive:
    """Some batches, all but the last of them on record."""
    archive = home.archive()
    chain = Chain(archive)
    chain.write(9)
    chain.close()
    archive.catch_up()
    return archive


def test_a_lock_that_a_store_made_shorter_is_found_within_some_rounds_and_then_all_are_asked(
    home: Home, written: Archive, tmp_path: Path
) -> None:
    memory = tmp_path / "locks.json"
    keys = [version.key for version in home.standby.list("batch/")]
    harmed = [keys[6], keys[2]]
    for key in harmed:
        until = home.standby.stat(key).retain_until
        assert until is not None
        home.standby.damage.shorten(key, until - timedelta(days=1))
    found: list[KeeperReport] = []
    while not found or not found[-1].alarms:
        assert len(found) < len(keys), "every lock was asked for by now"
        found.append(round_of(home, written, memory, 2)[0])
    assert len(found) > 1, "the first sample does not show it"
    assert sorted(held.key for held in found[-1].alarms) == sorted(harmed)
    assert {held.site for held in found[-1].alarms} == {"standby"}
    (failure,) = found[-1].failures
    assert failure.startswith("standby: ") and "shorter" in failure


def test_a_sample_goes_on_where_the_last_one_ended(home: Home, written: Archive, tmp_path: Path) -> None:
    keys = [version.key for version in home.primary.list("batch/")]
    seen: set[str] = set()
    for _ in range((len(keys) + 2) // 3):
        home.primary.calls.clear()
        round_of(home, written, tmp_path / "locks.json", 3)
        seen |= {call.key for call in home.primary.calls if call.operation == "stat"}
    assert seen == set(keys)


def test_a_lock_that_was_extended_is_remembered_and_not_asked_for_again(
    home: Home, written: Archive, tmp_path: Path
) -> None:
    home.clock.advance(PACE.lock - PACE.ahead + timedelta(hours=1))
    memory = tmp_path / "locks.json"
    first, needed = round_of(home, written, memory, 0)
    assert first.extended == needed["stat"] == needed["extend"] == first.uncompacted
    again, needed = round_of(home, written, memory, 0)
    assert (again.extended, needed["stat"], needed["extend"]) == (0, 0, 0)
    memory.write_text("{", encoding="utf-8")
    third, needed = round_of(home, written, memory, 0)
    assert (third.extended, needed["stat"]) == (0, first.uncompacted)


def test_a_version_that_no_record_names_is_asked_for(home: Home, written: Archive, tmp_path: Path) -> None:
    key = next(version.key for version in home.primary.list("batch/"))
    data = home.primary.get(key)
    home.primary.allow_put_again(key)
    until = home.clock.now().replace(microsecond=0) + timedelta(days=5)
    home.primary.put(key, data, sha256=hashlib.sha256(data).digest(), retain_until=until)
    report, _ = round_of(home, written, tmp_path / "locks.json", 0)
    assert [(held.site, held.key) for held in report.alarms] == [("primary", key)]


def test_the_keeper_of_a_home_and_its_status_share_what_they_know(home: Home, written: Archive) -> None:
    written.close()
    sites = lockless(home)
    archive = home.archive(sites=sites)  # type: ignore[arg-type]
    home.clock.advance(PACE.lock - PACE.ahead + timedelta(hours=1))
    assert keep_locks(archive).extended > 0
    home.clock.advance(PACE.lock - PACE.ahead - timedelta(hours=1))
    before = asked(sites)["stat"]
    assert look_at_locks(archive).alarms == ()
    assert asked(sites)["stat"] - before <= 2 * LOOK_SAMPLE
