"""Segments are verified to the byte, and what they hold may be gone elsewhere."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from tests.support.archives import SITES
from tests.support.clocks import TickingClock
from tests.support.compacted import AFTER_LOCKS, PARTS, CompactedLab, Tables
from tests.support.lab import Lab, event, message, named
from tests.support.names import signed
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.model import Batch, SegmentManifest
from vanvault.archiver.core.names import batch_prefix, parse_key
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.upkeep import compact
from vanvault.recovery.verified import Subset

KINDS = (*PARTS, "manifest")
ROWS = (30 + 3 + 1, 9 + 3 + 2 + 5 + 4)  # messages, events with those of the system


def test_a_compacted_archive_is_whole_and_each_row_counts_once(compacted: CompactedLab) -> None:
    report = compacted.verify()
    assert report.findings == ()
    assert (report.messages, report.events) == ROWS
    assert report.objects == len(compacted.keys())
    compacted.forget()
    assert compacted.verify().findings == ()


@pytest.mark.parametrize("disposed", [False, True])
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("harm", ["flip", "truncate"])
def test_changed_bytes_are_damaged(
    compacted: CompactedLab, site: str, kind: str, harm: str, disposed: bool
) -> None:
    key = compacted.part(kind, 1)
    if disposed:
        compacted.dispose()
    getattr(compacted, harm)(site, key)
    assert named(compacted.verify()) == {("damaged", site, key)}


@pytest.mark.parametrize("disposed", [False, True])
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_object_deleted_at_one_site_is_missing_there(
    compacted: CompactedLab, site: str, kind: str, disposed: bool
) -> None:
    key = compacted.part(kind)
    if disposed:
        compacted.dispose()
    compacted.drop(site, key)
    report = compacted.verify()
    assert named(report) == {("missing", site, key)}
    (finding,) = report.findings
    assert finding.retain_until is not None
    assert finding.retain_until.year > 2030


@pytest.mark.parametrize("kind", PARTS)
def test_a_part_deleted_at_both_sites_is_missing_by_its_manifest(compacted: CompactedLab, kind: str) -> None:
    key = compacted.part(kind)
    for site in SITES:
        compacted.drop(site, key)
    assert named(compacted.verify()) == {("missing", site, key) for site in SITES}


def test_a_manifest_deleted_at_both_sites_is_missing_as_far_as_this_node_knows_it(
    compacted: CompactedLab,
) -> None:
    key = compacted.part("manifest")
    for site in SITES:
        compacted.drop(site, key)
    report = compacted.verify()
    assert named(report) == {("missing", site, key) for site in SITES}
    leftover = {("leftover", site, compacted.part(kind)) for site in SITES for kind in PARTS}
    assert named(report, failing=False) == leftover
    compacted.forget()
    report = compacted.verify()
    assert named(report) == set()  # the batches are still what counts
    assert named(report, failing=False) == leftover


@pytest.mark.parametrize("kind", KINDS)
def test_a_segment_that_is_lost_with_its_batches_leaves_a_gap(compacted: CompactedLab, kind: str) -> None:
    key = compacted.part(kind)
    gone = {parse_key(one).writer for one in compacted.compacted(0)}  # type: ignore[union-attr]
    compacted.dispose()
    for site in SITES:
        compacted.drop(site, key)
    compacted.forget()
    found = named(compacted.verify())
    assert ({("missing", site, key) for site in SITES} <= found) == (kind != "manifest")
    lost = [key for problem, _, key in found if problem == "missing"]
    assert any(key.startswith(batch_prefix()) for key in lost)
    # Of writers of which nothing is left, only what others say of them can tell.
    assert {key.split("/")[1] for key in lost if key.startswith(batch_prefix())} <= gone


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("kind", KINDS)
def test_objects_exchanged_between_segments_are_swapped(
    compacted: CompactedLab, site: str, kind: str
) -> None:
    one, other = compacted.part(kind, 0), compacted.part(kind, 1)
    compacted.swap(site, one, other)
    assert named(compacted.verify()) == {("swapped", site, one), ("swapped", site, other)}


def test_parts_swapped_within_a_segment_are_swapped(compacted: CompactedLab) -> None:
    one, other = compacted.part("log"), compacted.part("originals")
    compacted.swap("standby", one, other)
    assert named(compacted.verify()) == {("swapped", "standby", one), ("swapped", "standby", other)}


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_under_a_name_in_another_segment_is_not_taken(compacted: CompactedLab, kind: str) -> None:
    name = parse_key(compacted.part(kind, 0))
    assert name is not None
    data = compacted.data("primary", name.key)
    with compacted.open() as archive:
        moved = signed(archive, replace(name, writer=compacted.segments()[1]))
    compacted.add("primary", moved, data)
    report = compacted.verify()
    if kind == "manifest":
        assert ("header", "primary", moved) in named(report)
    else:
        assert named(report, failing=False) == {("leftover", "primary", moved)}
        assert report.whole


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_short_lock_is_named_with_its_date(compacted: CompactedLab, site: str, kind: str) -> None:
    key = compacted.part(kind)
    compacted.shorten(site, key)
    report = compacted.verify()
    assert named(report) == {("lock", site, key)}
    asked = report.findings[0].retain_until
    assert asked is not None
    assert asked.year > 2030


def test_parts_without_a_manifest_are_left_over_and_no_failure(compacted: CompactedLab) -> None:
    other = "1m883jnrb0000000"
    name = parse_key(compacted.part("log"))
    assert name is not None
    with compacted.open() as archive:
        key = signed(archive, replace(name, writer=other))
    compacted.add("standby", key, compacted.data("standby", name.key))
    report = compacted.verify()
    assert report.whole
    assert named(report, failing=False) == {("leftover", "standby", key)}


def test_names_that_are_none_are_extra(compacted: CompactedLab) -> None:
    keys = ["segment/notes", f"segment/{compacted.segments()[0]}/notes", "segment/a/b/c"]
    for key in keys:
        compacted.add("primary", key, b"?")
    assert named(compacted.verify()) == {("extra", "primary", key) for key in keys}


def test_missing_master_keys_are_named_once(compacted: CompactedLab) -> None:
    compacted.dispose()
    for purpose in ("log", "originals"):
        (compacted.home / "keys" / f"{purpose}-1.key").rename(compacted.home / f"{purpose}.kept")
        assert ("key", "", f"{purpose}/1") in named(compacted.verify())
        assert {problem for problem, *_ in named(compacted.verify())} == {"key"}


def test_a_wrong_master_key_is_one_finding(compacted: CompactedLab, other: Lab) -> None:
    shutil.copy2(other.home / "keys/log-1.key", compacted.home / "keys" / "log-1.key")
    assert named(compacted.verify()) == {("key", "", "log/1")}


@pytest.mark.parametrize("sites", [SITES, ("primary",), ("standby",)])
@pytest.mark.parametrize("every", [1, 2, 3, 5])
def test_compacted_batches_may_be_gone(compacted: CompactedLab, sites: tuple[str, ...], every: int) -> None:
    assert compacted.dispose(sites=sites, every=every)
    report = compacted.verify()
    assert report.findings == ()
    assert (report.messages, report.events) == ROWS
    compacted.forget()
    assert compacted.verify().findings == ()


def test_one_site_alone_is_enough_to_know_what_is_compacted(compacted: CompactedLab) -> None:
    compacted.dispose()
    for site in SITES:
        assert compacted.verify(sites=[site]).findings == ()
    shutil.rmtree(compacted.root("primary"))
    report = compacted.verify()
    assert named(report) == {("unavailable", "primary", "")}
    assert (report.messages, report.events) == ROWS


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_share_knows_what_is_compacted(compacted: CompactedLab, number: int) -> None:
    compacted.dispose(every=2)
    report = compacted.verify(subset=Subset(number, 3))
    assert report.findings == ()
    assert report.bytes < compacted.verify().bytes


def test_all_shares_together_find_damage_in_segments(compacted: CompactedLab) -> None:
    keys = {compacted.part(kind, number) for kind in PARTS for number in (0, 1)}
    for key in keys:
        compacted.flip("standby", key)
    found = [named(compacted.verify(subset=Subset(number, 3))) for number in (1, 2, 3)]
    assert set.union(*found) == {("damaged", "standby", key) for key in keys}


def test_a_compacted_batch_that_is_there_is_verified_all_the_same(compacted: CompactedLab) -> None:
    one, other = compacted.compacted()[3:5]
    compacted.flip("primary", one)
    compacted.drop("standby", other)
    assert named(compacted.verify()) == {("damaged", "primary", one)}


def test_a_compacted_batch_needs_its_lock_until_its_date_only(compacted: CompactedLab) -> None:
    key = compacted.compacted()[0]
    compacted.shorten("primary", key)
    assert named(compacted.verify()) == {("lock", "primary", key)}
    compacted.dispose(every=1000)
    assert compacted.verify().findings == ()


def test_an_uncompacted_batch_about_to_lose_its_lock_is_named(compacted: CompactedLab) -> None:
    loose = set(compacted.keys(family="batch")) - set(compacted.compacted())
    compacted.clock.moment += AFTER_LOCKS
    report = compacted.verify()
    assert named(report) == {("lock", site, key) for site in SITES for key in loose}
    now = compacted.clock.moment
    assert all(one.retain_until is not None and one.retain_until > now for one in report.findings)
    compacted.keep()
    assert compacted.verify().findings == ()


@pytest.mark.parametrize("place", [0, 4, 8])
@pytest.mark.parametrize("others_gone", [False, True])
def test_another_object_under_a_compacted_number_is_a_fork(
    compacted: CompactedLab, place: int, others_gone: bool
) -> None:
    chain = compacted.chain(0)
    forged = compacted.forge(chain[place], lambda batch: batch)
    if others_gone:
        for key in set(chain) - {chain[place]}:
            for site in SITES:
                compacted.drop(site, key)
    compacted.forget()
    found = named(compacted.verify())
    assert {("fork", site, forged) for site in SITES} <= found
    assert {problem for problem, *_ in found} <= {"fork", "chain"}


@pytest.mark.parametrize("gone", [False, True])
def test_a_batch_that_does_not_follow_the_compacted_ones_is_told(compacted: CompactedLab, gone: bool) -> None:
    """The batch after a segment names the last one in it; the evidence tells which that is."""
    segment = compacted.manifest(1)
    (cover,) = segment.covers
    keys = {"segment": compacted.forge_segment(segment=1, change=without_last, state=covering_less)}
    compacted.forget()
    last = compacted.chain(compacted.writers().index(cover.writer))[cover.last]
    if gone:
        for key in compacted.compacted(1):
            for site in SITES:
                compacted.drop(site, key)
    assert compacted.verify().findings == ()  # the last batch is not compacted now, and follows
    forged = compacted.forge(last, lambda batch: with_previous(batch, "00" * 32))
    found = named(compacted.verify())
    assert {("chain", site, forged) for site in SITES} <= found
    assert not {about for _, _, about in found} & set(keys["segment"].values())


def without_last(tables: Tables) -> None:
    """Without the rows of the last batch."""
    evidence, log = tables["evidence"], tables["log"]
    last = evidence.column("sequence")[-1].as_py()
    tables["evidence"] = evidence.slice(0, evidence.num_rows - 1)
    gone = [sequence == last for sequence in log.column("sequence").to_pylist()]
    own = [value for value, out in zip(log.column("original").to_pylist(), gone, strict=True) if out]
    assert all(value is None for value in own)
    tables["log"] = log.filter(pa.array([not out for out in gone]))


def covering_less(manifest: SegmentManifest) -> SegmentManifest:
    (cover,) = manifest.covers
    return replace(manifest, covers=(replace(cover, last=cover.last - 1),))


def with_previous(batch: Batch, previous: str) -> Batch:
    return replace(batch, header=replace(batch.header, previous=previous))


def test_a_large_object_of_a_compacted_row_must_exist_and_is_no_orphan(compacted: CompactedLab) -> None:
    compacted.dispose()
    compacted.forget()
    one, other, third, fourth = compacted.keys(family="large")
    for site in SITES:
        compacted.drop(site, one)
    compacted.drop("standby", other)
    compacted.flip("primary", third)
    compacted.shorten("standby", fourth)
    report = compacted.verify()
    assert named(report) == {
        *(("missing", site, one) for site in SITES),
        ("missing", "standby", other),
        ("damaged", "primary", third),
        ("lock", "standby", fourth),
    }
    dates = {finding.key: finding.retain_until for finding in report.findings}
    assert dates[one] is not None
    assert dates[fourth] is not None


def test_two_segments_of_the_same_batches_are_no_failure(compacted: CompactedLab, tmp_path: Path) -> None:
    compacted.forget()
    first = compacted.segments()[0]
    twin = CompactedLab.copy(compacted.home, tmp_path / "twin")
    for key in twin.keys(family="segment"):
        for site in SITES:
            twin.drop(site, key)
    twin.forget()
    with twin.open() as archive:
        compact(archive)
    added = []
    for key in twin.keys(family="segment"):
        if "manifest" in key:
            added.append(key)
        for site in SITES:
            compacted.add(site, key, twin.data(site, key))
    report = compacted.verify()
    assert report.whole
    spare = named(report, failing=False)
    assert {problem for problem, *_ in spare} == {"spare"}
    assert {key for _, _, key in spare} <= set(added)
    assert first not in {key.split("/")[1] for _, _, key in spare}


def test_a_compaction_meanwhile_is_no_false_alarm(compacted: CompactedLab) -> None:
    """Verified at each step of it, as it would be found by a listing at that moment."""
    with Archive.open(compacted.home, ports=Ports.under(compacted.clock)) as archive:
        writer, _ = archive.open_writer()
        writer.commit([message(archive, 8000), event(archive, 8000)], final=True)
        writer.close()
        archive.catch_up()
    compacted.clock.moment += TickingClock(days=2).moment - TickingClock().moment
    seen = []

    def look(step: str) -> None:
        report = compacted.verify()
        assert report.whole, (step, report.findings)
        assert {finding.problem for finding in report.findings} <= {"leftover"}
        seen.append(step)

    with compacted.open() as archive:
        run = compact(archive, fault=look)
    assert run.report.segments
    assert {"segment-before-put", "segment-before-prove", "segment-before-lock", "segment-trusted"} <= set(
        seen
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_on_its_way_gets_a_moment_to_arrive(compacted: CompactedLab, kind: str) -> None:
    compacted.clock.moment = TickingClock(days=3).moment
    key = compacted.part(kind, 1)
    kept = {path: path.read_bytes() for path in compacted.all_files("standby", key)}
    compacted.drop("standby", key)

    def pause() -> None:
        for path, data in kept.items():
            path.write_bytes(data)

    assert compacted.verify(pause=pause).findings == ()
    compacted.drop("standby", key)
    assert named(compacted.verify()) == {("missing", "standby", key)}


def test_locks_that_come_meanwhile_are_asked_for_again(compacted: CompactedLab) -> None:
    compacted.clock.moment = TickingClock(days=3).moment
    key = compacted.part("log", 1)
    markers = compacted.markers("primary", key)
    for marker in markers:
        marker.unlink()

    def pause() -> None:
        for marker in markers:
            marker.touch()

    assert compacted.verify(pause=pause).findings == ()
