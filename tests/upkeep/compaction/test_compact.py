"""Whole compactions on sites in memory: what comes out, what is refused, and what a failure leaves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from tests.support.archives import Home, Node, event, memory_home, message
from tests.upkeep.compaction.forging import forged_batch
from tests.upkeep.compaction.homes import ArmedSite, drafts, fill, push
from tests.upkeep.compaction.reading import (
    check_compacted,
    check_evidence,
    check_locks,
    covered,
    read_part,
    until_of,
    whole_segments,
)

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import (
    Busy,
    Damaged,
    InvalidInput,
    KeyUnavailable,
    SettingsError,
    SiteUnavailable,
)
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.home_files import load_settings
from vanvault.archiver.upkeep import compact, keep_locks, plan_compaction

FAULTS = (
    "segment-before-put",
    "segment-before-prove",
    "segment-before-lock",
    "segment-before-manifest",
    "segment-trusted",
    "compaction-before-record",
)


@dataclass
class Filled:
    """A home with two days of batches, on the morning after."""

    home: Home
    archive: Archive
    keys: list[str]  # of its batches
    until: datetime  # the end of the second day

    @property
    def batches(self) -> set[tuple[str, int]]:
        names = [parse_key(key) for key in self.keys]
        return {(name.writer, name.sequence) for name in names if name is not None}

    def whole(self) -> dict[str, dict[str, Any]]:
        return whole_segments(self.home.sites, self.home.clock.now())

    def check(self) -> set[tuple[str, int]]:
        """Nothing is unlocked, every segment holds its batches' rows; which batches those are."""
        check_locks(self.home.sites, self.home.clock.now())
        self.home.check()
        return check_compacted(self.archive, self.home.sites, self.home.clock.now())


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    with memory_home(tmp_path / "home") as home:
        home.sites = {name: ArmedSite(name, clock=home.clock) for name in home.sites}
        archive = home.archive()
        keys = fill(home, archive)
        yield Filled(home, archive, keys, home.clock.now().replace(hour=0, minute=0, second=0, microsecond=0))


def armed(filled: Filled, site: str) -> ArmedSite:
    found = filled.home.sites[site]
    assert isinstance(found, ArmedSite)
    return found


def completes(filled: Filled, archive: Archive) -> None:
    """The next run does what is left, and the one after it nothing."""
    compact(archive, filled.until)
    report = keep_locks(archive)
    assert (report.alarms, report.failures) == ((), ())
    assert filled.check() >= filled.batches
    before = {name: list(site.list()) for name, site in filled.home.sites.items()}
    assert compact(archive, filled.until).report.segments == ()
    assert {name: list(site.list()) for name, site in filled.home.sites.items()} == before


# -- what comes out -------------------------------------------------------------------------------


def test_segments_hold_exactly_what_the_batches_hold(filled: Filled) -> None:
    assert [plan.day for plan in plan_compaction(filled.archive)][:1] == ["2026-11-22"]
    run = compact(filled.archive)
    assert run.report.damaged == ()
    assert {segment.day for segment in run.report.segments} == {"2026-11-22", "2026-11-23"}
    assert filled.check() == covered(filled.whole().values()) >= filled.batches
    for manifest in filled.whole().values():
        check_evidence(filled.archive, filled.home.standby, manifest, filled.home.primary)
    assert filled.archive.tail.uncompacted()[0], "today's own records are not over yet"


def test_parts_are_locked_for_their_class_and_the_manifest_as_long_as_the_longest(filled: Filled) -> None:
    compact(filled.archive)
    for site in filled.home.sites.values():
        for key, manifest in filled.whole().items():
            last = datetime.fromtimestamp(manifest["last_us"] / 1e6, filled.home.clock.now().tzinfo)
            for part in manifest["parts"]:
                lock = site.stat(part["key"]).retain_until
                assert lock is not None
                assert lock >= last + timedelta(days=10 * 365)
            assert site.stat(key).retain_until == until_of(manifest)


def test_it_is_on_record(filled: Filled) -> None:
    compact(filled.archive)
    found = filled.archive.search.page(Query({"type": "vanvault.compaction.finished"})).items
    assert len(found) == 1


def test_a_second_run_finds_nothing_to_do(filled: Filled) -> None:
    completes(filled, filled.archive)


def test_a_day_is_cut_where_a_segment_is_full(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANVAULT_COMPACTION__SEGMENT_ROWS", "1000")
    archive = filled.home.archive()
    for part in range(3):
        push(archive, drafts(90 + part, 600))
    filled.home.clock.advance(timedelta(days=1, hours=12))
    run = compact(archive)
    rows = [segment.rows for segment in run.report.segments]
    assert max(rows) <= 1000
    assert len([row for row in rows if row > 600]) == 3
    filled.check()


def test_large_objects_and_repeats(tmp_path: Path) -> None:
    """A large original stays where it is; an id that two nodes archived twice names the one that stands."""
    with memory_home(tmp_path / "home") as home:
        archive = home.archive()
        with Node(archive) as node:
            node.wait_ready()
            node.push(node.placed(message("large", b"x" * 5000)))
        first = push(archive, [message("twice", b"same"), event("e-twice")])
        push(archive, [message("twice", b"same"), event("e-twice")])
        home.clock.advance(timedelta(days=2))
        compact(archive)
        check_compacted(archive, home.sites, home.clock.now())
        manifests = whole_segments(home.sites, home.clock.now()).values()
        repeats = {}
        for manifest in manifests:
            log = next(part["key"] for part in manifest["parts"] if part["kind"] == "log")
            for row in read_part(archive, home.primary, log)[1].to_pylist():
                repeats[(row["message_id"] or row["event_id"], row["writer"])] = row["repeats"]
        assert sorted(value != "" for (name, _), value in repeats.items() if "twice" in name).count(True) == 2
        stands = {value for value in repeats.values() if value}
        name = parse_key(first[-1])
        assert name is not None
        assert {value.split("-")[0] for value in stands} == {name.writer}


# -- what is refused ------------------------------------------------------------------------------


def test_until_in_the_future(filled: Filled) -> None:
    with pytest.raises(InvalidInput, match="future"):
        compact(filled.archive, filled.home.clock.now() + timedelta(seconds=1))


def test_settle_hours_wait_for_late_batches(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANVAULT_COMPACTION__SETTLE_HOURS", "30")
    run = compact(filled.home.archive())
    assert {segment.day for segment in run.report.segments} == {"2026-11-22"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SETTLE_HOURS", "-1"),
        ("BATCH_LOCK_DAYS", "15"),
        ("ALARM_DAYS", "20"),
        ("SEGMENT_ROWS", "5"),
        ("COMPRESSION_LEVEL", "20"),
        ("CHECK_INTERVAL_S", "0"),
        ("SOMETHING", "1"),
    ],
)
def test_settings_that_do_not_fit(
    filled: Filled, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"VANVAULT_COMPACTION__{name}", value)
    with pytest.raises(SettingsError, match="compaction"):
        load_settings(filled.home.path)


def test_a_missing_key_stops_it_and_changes_nothing(filled: Filled) -> None:
    key = filled.home.path / "keys" / "originals-1.key"
    hidden = key.read_bytes()
    key.unlink()
    with pytest.raises(KeyUnavailable):
        compact(filled.home.archive(), filled.until)
    assert filled.whole() == {}
    key.write_bytes(hidden)
    key.chmod(0o600)
    completes(filled, filled.home.archive())


def test_another_compaction_of_the_home(filled: Filled) -> None:
    def within(step: str) -> None:
        if step == "segment-before-put":
            with pytest.raises(Busy):
                compact(filled.home.archive())

    compact(filled.archive, fault=within)
    filled.check()


def test_two_homes_at_once_do_no_harm(filled: Filled, tmp_path: Path) -> None:
    """Another node compacts the same days in the midst of it: both segments are true, one stands."""
    other_path = tmp_path / "other"
    shutil.copytree(filled.home.path, other_path, ignore=shutil.ignore_patterns("cache"))
    other_home = Home(other_path, filled.home.clock, filled.home.sites)
    other = other_home.archive()
    done = []

    def meanwhile(step: str) -> None:
        if step == "segment-before-manifest" and not done:
            done.append(compact(other, filled.until))

    try:
        run = compact(filled.archive, filled.until, fault=meanwhile)
        assert done[0].report.segments
        assert run.report.segments
        assert filled.check() >= filled.batches
        for archive in (filled.archive, other):
            archive.catch_up()
        standing = [[one.key for one in archive.catalogue.segments()] for archive in (filled.archive, other)]
        assert standing[0] == standing[1]
        completes(filled, other)
    finally:
        other_home.close()


# -- damage and loss ------------------------------------------------------------------------------


def test_a_batch_damaged_at_one_site_is_read_from_the_other(filled: Filled) -> None:
    filled.home.primary.damage.flip(filled.keys[1], 999)
    run = compact(filled.archive)
    assert run.report.damaged == ()
    filled.home.primary.damage.flip(filled.keys[1], 999)
    assert filled.check() >= filled.batches


def test_a_batch_damaged_at_both_sites_is_named_and_kept_with_what_follows_it(filled: Filled) -> None:
    bad = filled.keys[1]
    name = parse_key(bad)
    assert name is not None
    for site in filled.home.sites.values():
        assert isinstance(site, ArmedSite)
        site.damage.flip(bad, 999)
    run = compact(filled.archive)
    assert run.report.damaged == (bad,)
    compacted = covered(filled.whole().values())
    held_back = {one for one in filled.batches if one[0] == name.writer and one[1] >= name.sequence}
    assert compacted & filled.batches == filled.batches - held_back
    filled.home.clock.advance(timedelta(days=30))
    report = keep_locks(filled.archive)
    assert report.extended >= 2 * len(held_back)
    for _ in range(6):
        filled.home.clock.advance(timedelta(days=14))
        check_locks(filled.home.sites, filled.home.clock.now())
        keep_locks(filled.archive)
    for site in filled.home.sites.values():
        assert isinstance(site, ArmedSite)
        site.damage.flip(bad, 999)
    assert compact(filled.archive).report.damaged == ()
    assert filled.check() >= filled.batches


def test_a_row_that_contradicts_its_digest_stops_its_writer_only(filled: Filled) -> None:
    """Only who holds the key can write such a batch; it must not stop every compaction for ever."""
    bad = forged_batch(filled.archive, filled.home.sites, filled.home.clock.now() - timedelta(hours=40))
    run = compact(filled.archive)
    assert set(run.report.damaged) <= {bad}
    assert covered(filled.whole().values()) >= filled.batches


def test_a_site_that_gives_back_other_bytes_makes_no_segment(filled: Filled) -> None:
    def rot(step: str) -> None:
        if step == "segment-before-prove":
            key = next(v.key for v in filled.home.standby.list("segment/") if v.key.endswith("log.parquet"))
            filled.home.standby.damage.flip(key, 5)

    with pytest.raises(Damaged) as caught:
        compact(filled.archive, filled.until, fault=rot)
    assert caught.value.site == "standby"
    assert filled.whole() == {}
    compact(filled.archive, filled.until)
    assert covered(filled.whole().values()) >= filled.batches


class Killed(BaseException):
    """What a kill would be, in this process."""


@pytest.mark.parametrize("step", FAULTS)
def test_stopped_at_a_step(filled: Filled, step: str) -> None:
    def stop(at: str) -> None:
        if at == step:
            raise Killed

    with pytest.raises(Killed):
        compact(filled.archive, filled.until, fault=stop)
    filled.check()
    filled.home.forget_hot_tail()
    again = filled.home.archive()
    again.catch_up()
    assert {one.key for one in again.catalogue.segments()} == set(filled.whole())
    completes(filled, again)


def _calls() -> list[tuple[str, str, int, str]]:
    puts = [("put", n) for n in range(1, 13)] + [("extend", n) for n in range(1, 7)]
    return [
        (site, operation, nth, when)
        for site in ("primary", "standby")
        for operation, nth in puts
        for when in ("before", "after")
    ]


def test_the_matrix_below_reaches_every_call(filled: Filled) -> None:
    site = armed(filled, "standby")
    before = dict(site.seen)
    compact(filled.archive, filled.until)
    assert site.seen["put"] - before["put"] == 12
    assert site.seen["extend"] - before["extend"] == 6


@pytest.mark.parametrize(("site", "operation", "nth", "when"), _calls())
def test_a_call_fails(
    filled: Filled,
    site: str,
    operation: Literal["put", "extend"],
    nth: int,
    when: Literal["before", "after"],
) -> None:
    """Failed and not stored, or failed and stored all the same."""
    armed(filled, site).arm(operation, nth, when)
    with pytest.raises(SiteUnavailable):
        compact(filled.archive, filled.until)
    assert armed(filled, site).fired
    filled.check()
    again = filled.home.archive()
    again.catch_up()
    report = keep_locks(again)
    assert (report.alarms, report.failures) == ((), ())
    known = {one.key for one in again.catalogue.segments()}
    assert known == set(filled.whole()), "a manifest that reached one site is brought to the other"
    completes(filled, again)


@pytest.mark.parametrize("site", ["primary", "standby"])
@pytest.mark.parametrize("step", FAULTS)
def test_a_site_goes_away_at_a_step(filled: Filled, site: str, step: str) -> None:
    def leave(at: str) -> None:
        if at == step:
            for operation in ("put", "get", "stat", "list", "extend", "versions", "now"):
                filled.home.sites[site].fail_next(operation, times=10_000)  # type: ignore[arg-type]

    try:
        compact(filled.archive, filled.until, fault=leave)
    except SiteUnavailable as error:
        assert error.site == site
    report = keep_locks(filled.archive)
    assert any(failure.startswith(f"{site}: ") for failure in report.failures)
    for operation in ("put", "get", "stat", "list", "extend", "versions", "now"):
        filled.home.sites[site].fail_next(operation, times=0)  # type: ignore[arg-type]
    filled.check()
    completes(filled, filled.home.archive())


def test_segments_lost_at_a_site_keep_their_batches_locked(filled: Filled) -> None:
    """Until repair has brought the part back, the batches are not given up."""
    compact(filled.archive)
    key = next(v.key for v in filled.home.standby.list("segment/") if v.key.endswith("log.parquet"))
    filled.home.standby.damage.drop(key)
    extended = 0
    for _ in range(5):
        filled.home.clock.advance(timedelta(days=14))
        check_locks(filled.home.sites, filled.home.clock.now())
        report = keep_locks(filled.archive)
        assert any(key in failure for failure in report.failures)
        assert report.alarms == ()
        extended += report.extended
    assert extended


def test_a_rival_commit_record_that_comes_meanwhile_stops_no_later_start(filled: Filled) -> None:
    """Of two nodes that confirmed one batch, the second's record is heard of while its segment is made."""

    def another_record(step: str) -> None:
        if step == "segment-trusted":
            filled.archive.tail.connection().execute("UPDATE batch SET recorded = 0")

    report = compact(filled.archive, filled.until, fault=another_record).report
    assert len(report.segments) == 2
    known = {batch.key for batch in filled.archive.tail.uncommitted()}
    assert not known & set(filled.keys), "their commits lie with the segments"
    with Node(filled.home.archive()) as node:
        node.wait_ready()
        assert node.push(message("m-later", b"<later/>"))


def test_a_look_with_nothing_old_reads_no_batch_that_waits(home: Home) -> None:
    archive = home.archive()
    push(archive, drafts(1))
    archive.catch_up()
    assert archive.tail.count_uncompacted() > 0
    said: list[str] = []
    archive.tail.connection().set_trace_callback(said.append)
    assert compact(archive).days == ()
    archive.tail.connection().set_trace_callback(None)
    assert not [one for one in said if "placements" in one and "NOT EXISTS" in one]
    home.clock.advance(timedelta(days=3))
    assert compact(archive).report.segments
