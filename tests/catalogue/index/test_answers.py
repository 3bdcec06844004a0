"""The index says what a scan of all rows says, however the rows were cut, indexed and merged."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.catalogue.index.making import (
    DAY_US,
    KEYS,
    OTHER_KEYS,
    CountedStore,
    Folder,
    Row,
    answer,
    brute_rows,
    row,
    segment,
    table,
    values_of,
)

from vanvault.archiver.catalogue.index.build import index_rows, write_index
from vanvault.archiver.catalogue.index.fields import FACET_FIELDS, KEY_FIELDS
from vanvault.archiver.catalogue.index.file import BlockCache
from vanvault.archiver.catalogue.index.merge import merge_index
from vanvault.archiver.catalogue.index.plan import IndexFacts
from vanvault.archiver.catalogue.index.postings import BLOCK_RECORDS
from vanvault.archiver.catalogue.index.reader import IndexReader
from vanvault.archiver.catalogue.index.rollups import Total
from vanvault.archiver.catalogue.index.writer import IndexWriter, filter_path
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.core.search_form import search_form

FEW = ("", "a", "b", "ab", " AB", "é", "E\u0301")


@st.composite
def entries(draw: st.DrawFn) -> Row:
    """A row of few values, so that they meet; its time comes later."""
    few = st.sampled_from(FEW)
    texts = {name: draw(few) for name in ("transaction_id", "employer_code", "dossier_number", *FACET_FIELDS)}
    message = draw(st.booleans())
    ids = {"message_id": draw(few), "event_id": "" if message else draw(few)}
    return row(
        draw(st.integers(0, 50)),
        0,
        entry="message" if message else "event",
        insurance_numbers=draw(st.lists(few, max_size=3)),
        **texts,
        **ids,
    )


@st.composite
def archives(draw: st.DrawFn) -> dict[str, list[Row]]:
    """Segments of consecutive days."""
    found: dict[str, list[Row]] = {}
    for day in range(draw(st.integers(0, 4))):
        rows = draw(st.lists(entries(), max_size=12))
        for number, one in enumerate(rows):
            one["received_at"] = day * DAY_US + number * 1000
        found[f"segment/{day}"] = rows
    return found


def check_all(reader: IndexReader, segments: dict[str, list[Row]]) -> None:
    """Every value of every field, and some that are not there."""
    everything = [one for rows in segments.values() for one in rows]
    for field in KEY_FIELDS:
        values = {value for one in everything for value in values_of(one, field)} | {"nowhere"}
        for value in values:
            expected = brute_rows(segments, field, value)
            assert answer(reader.rows(field, value)) == expected
            assert reader.count(field, value) == sum(map(len, expected.values()))
    for field in FACET_FIELDS:
        for value in FEW[1:]:
            expected = brute_rows(segments, field, value)
            groups = {key: sorted({number // 4 for number in numbers}) for key, numbers in expected.items()}
            assert answer(reader.row_groups(field, value)) == groups
            assert reader.count(field, value) >= sum(map(len, expected.values()))
    for entry in ("message", "event"):
        field = f"{entry}_id"
        for value in {one[field] for one in everything} - {""} | {"nowhere"}:
            own = {
                key: [one | {field: ""} if one["entry"] != entry else one for one in rows]
                for key, rows in segments.items()
            }
            expected = brute_rows(own, field, value)
            assert answer(reader.claims(entry, value)) == expected  # type: ignore[arg-type]
            assert reader.may_hold_many(entry, [value])[0] or not expected  # type: ignore[arg-type]
    dossiers = sorted({search_form("dossier_number", one["dossier_number"]) for one in everything} - {""})
    assert reader.dossiers("", 100) == (dossiers, False)
    assert reader.dossiers("a", 1) == (
        ["a"] if "a" in dossiers else ["ab"] if "ab" in dossiers else [],
        {"a", "ab"} <= {*dossiers},
    )
    check_rollups(reader, everything)


def check_rollups(reader: IndexReader, everything: list[Row]) -> None:
    expected: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for one in everything:
        total = expected[
            one["received_at"] // DAY_US,
            *(one[name] for name in ("gateway", "entry", "kind", "procedure", "state")),
        ]
        total[0] += 1
        total[1] += one["size"]
    lines = reader.rollups()
    for what in ("month", "year", "gateway", "entry", "kind", "procedure", "state"):
        assert reader.months().by(what) == lines.by(what)
    found = {
        (day, *lines.combinations[chosen]): [count, size]
        for day, chosen, count, size in zip(
            lines.days.tolist(),
            lines.chosen.tolist(),
            lines.counts.tolist(),
            lines.bytes.tolist(),
            strict=True,
        )
    }
    assert found == expected
    second = reader.rollups("1970-01-02", "1970-01-02")
    assert second.total().entries == sum(one["received_at"] // DAY_US == 1 for one in everything)


@given(archives(), st.integers(0, 6))
@settings(max_examples=40)
def test_day_files_and_their_merge_answer_as_a_scan_does(
    tmp_path_factory: pytest.TempPathFactory, segments: dict[str, list[Row]], cut: int
) -> None:
    folder = Folder(tmp_path_factory.mktemp("index"))
    days = [folder.build({key: rows}, cut=cut) for key, rows in segments.items()]
    check_all(IndexReader(days), segments)
    whole = folder.build(segments, cut=cut)
    check_all(IndexReader([whole]), segments)
    if days:
        merged = folder.merge(days)
        check_all(IndexReader([merged]), segments)
        assert list(merged.all_dossiers()) == list(whole.all_dossiers())
        assert_same_postings(merged, whole)
        # Both at once, as between the put of a merged file and the removal of its inputs.
        check_all(IndexReader([*days, merged]), segments)


def assert_same_postings(one: Any, other: Any) -> None:
    for section in ("keys", "facets"):
        for left, right in zip(one.all_postings(section), other.all_postings(section), strict=True):
            assert left.flat().tolist() == right.flat().tolist()
            assert left.refs.tolist() == right.refs.tolist()


def test_long_stretches_of_one_value_over_many_blocks(tmp_path: Path) -> None:
    size = 3 * BLOCK_RECORDS + 17
    segments = {
        f"segment/{day}": [
            row(day * size + number, day * DAY_US + number, employer_code="E", message_id="", sha256=None)
            for number in range(size)
        ]
        for day in range(3)
    }
    folder = Folder(tmp_path, cache=BlockCache(0))
    files = [folder.build({key: rows}, group=100) for key, rows in segments.items()]
    for reader in (IndexReader(files), IndexReader([folder.merge(files)])):
        assert answer(reader.rows("employer_code", "E")) == {key: list(range(size)) for key in segments}
        assert reader.count("employer_code", "E") == 3 * size
        middle = reader.rows("employer_code", "E", DAY_US, 2 * DAY_US)
        assert answer(middle) == {"segment/1": list(range(size))}
        assert reader.count("employer_code", "E", DAY_US, 2 * DAY_US) <= size + 2 * BLOCK_RECORDS
        assert reader.rows("employer_code", "E", 3 * DAY_US) == []
        assert answer(reader.row_groups("gateway", "g", 0, 1)) == {"segment/0": list(range(-(-size // 100)))}


@pytest.mark.parametrize("size", [BLOCK_RECORDS - 1, BLOCK_RECORDS, BLOCK_RECORDS + 1])
def test_tokens_at_the_borders_of_blocks(tmp_path: Path, size: int) -> None:
    rows = [row(number, number, message_id=f"m-{number // 2}", sha256=None) for number in range(size)]
    folder = Folder(tmp_path)
    reader = IndexReader([folder.build({"s": rows}, group=64)])
    for number in range(0, size, 7):
        assert answer(reader.rows("message_id", f"m-{number // 2}")) == brute_rows_of_pair(number // 2, size)


def brute_rows_of_pair(pair: int, size: int) -> dict[str, list[int]]:
    return {"s": [number for number in (2 * pair, 2 * pair + 1) if number < size]}


def test_a_unique_token_costs_one_block_a_file_and_a_count_two(tmp_path: Path) -> None:
    size = 4 * BLOCK_RECORDS
    rows = [row(number, number, employer_code="E", sha256=None) for number in range(size)]
    store = CountedStore(tmp_path / "store")
    reader = IndexReader([Folder(tmp_path, store, BlockCache(0)).build({"s": rows}, group=64)])
    store.reads.clear()
    for number in range(0, size, 5):
        assert answer(reader.rows("message_id", f"m-{number}")) == {"s": [number]}
    # A block holds 4,096 pairs; in one case a token begins where a block does.
    assert len(store.reads) == len(range(0, size, 5))
    store.reads.clear()
    assert reader.count("employer_code", "E") == size
    assert len(store.reads) == 2
    store.reads.clear()
    assert not reader.claims("message", "m-x")
    assert store.reads == []


def test_what_plans_and_stores_are_told(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    segments = {f"s{day}": [row(day, day * DAY_US, sha256=None)] for day in range(3)}
    files = [folder.build({key: rows}) for key, rows in segments.items()]
    merged = folder.merge(files)
    assert merged.facts == IndexFacts(merged.name, "month", "index/1", "1970-01-01", "1970-01-03")
    assert folder.build({}).facts.last_day == ""
    path = tmp_path / "summary"
    summary = merge_index(files, path, "year", SystemEntropy())
    assert summary.name == f"year/1970-01-01-1970-01-03-{summary.file_id[:16]}.index"
    assert (summary.rows, summary.segments, summary.claims, summary.keys, summary.dossiers) == (3, 3, 3, 3, 0)
    assert (summary.size, summary.filter_size) == (path.stat().st_size, filter_path(path).stat().st_size)
    assert write_index(tmp_path / "none", [], KEYS, SystemEntropy()).name.startswith("day/")


def test_an_empty_index_and_one_row(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    check_all(IndexReader([folder.build({})]), {})
    check_all(IndexReader([]), {})
    one = {"s": [row(1, 5, dossier_number="d", state="x")]}
    check_all(IndexReader([folder.build(one)]), one)
    check_all(IndexReader([folder.merge([folder.build({"e": []}), folder.build(one)])]), one)


def test_rows_left_out_keep_the_numbers_of_the_others(tmp_path: Path) -> None:
    rows = [row(number, number, employer_code="E", dossier_number=f"d{number}") for number in range(6)]
    left_out = np.array([True, False, False, True, False, True])
    part = index_rows(table(rows), KEYS, row_group_rows=2, leave_out=left_out)
    path = tmp_path / "draft"
    write_index(path, [(segment("s", rows, group=2), [part])], KEYS, SystemEntropy())
    reader = IndexReader([Folder(tmp_path).put(path)])
    assert answer(reader.rows("employer_code", "E")) == {"s": [1, 2, 4]}
    assert answer(reader.row_groups("gateway", "g")) == {"s": [0, 1, 2]}
    assert reader.dossiers("d", 9) == (["d1", "d2", "d4"], False)
    assert reader.rollups().total() == Total(3, 11 + 12 + 14)
    assert not reader.claims("message", "m-0")


def test_segments_of_unlike_row_groups_and_overlapping_times(tmp_path: Path) -> None:
    log = [row(number, number * 10, state="x", employer_code="E") for number in range(9)]
    late = [row(100 + number, number * 10 + 5, state="x", employer_code="E") for number in range(5)]
    folder = Folder(tmp_path)
    files = [folder.build({"log": log}, group=4), folder.build({"late": late}, group=2)]
    merged = IndexReader([folder.merge(files)])
    assert answer(merged.row_groups("state", "x")) == {"log": [0, 1, 2], "late": [0, 1, 2]}
    assert answer(merged.rows("employer_code", "E", 0, 3)) == {"log": list(range(9))}
    assert merged.rows("employer_code", "E", 81) == []
    # Between two segments that overlap the range lies, by its beginning, one that does not.
    long = {"long": [row(1, 0, tax_code="T"), row(2, 100, tax_code="T")]}
    short = {"short": [row(3, 10, tax_code="T")], "last": [row(4, 50, tax_code="T")]}
    reader = IndexReader([folder.build(long | short)])
    assert answer(reader.rows("tax_code", "T", 40, 60)) == {"long": [0, 1], "last": [0]}


def test_many_threads_ask_at_once(tmp_path: Path) -> None:
    segments = {
        f"s{day}": [row(day * 100 + n, day * DAY_US + n, employer_code=f"E{n % 3}") for n in range(100)]
        for day in range(8)
    }
    folder = Folder(tmp_path, cache=BlockCache(20_000))
    files = [folder.build({key: rows}) for key, rows in segments.items()]
    with ThreadPoolExecutor(4) as inner, ThreadPoolExecutor(8) as outer:
        reader = IndexReader(files, inner)
        asked = [f"E{number % 3}" for number in range(60)]
        for value, found in zip(
            asked, outer.map(lambda one: reader.rows("employer_code", one), asked), strict=True
        ):
            assert answer(found) == brute_rows(segments, "employer_code", value)
    assert folder.cache.size <= 20_000


def test_files_of_two_index_keys_answer_together_but_do_not_merge(tmp_path: Path) -> None:
    old = {"old": [row(1, 5, employer_code="E", dossier_number="d")]}
    new = {"new": [row(2, 7, employer_code="E", dossier_number="d")]}
    folder = Folder(tmp_path)
    files = [folder.build(old), folder.build(new, keys=OTHER_KEYS)]
    check_all(IndexReader(files), old | new)
    assert IndexReader(files).may_hold_many("message", ["m-1", "m-2", "m-3"]).tolist()[:2] == [True, True]
    with pytest.raises(InvalidInput, match="different keys"):
        folder.merge(files)


def test_segments_given_twice_are_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    one, two = folder.build({"a": [], "b": []}), folder.build({"b": [], "c": []})
    with pytest.raises(InvalidInput, match="given twice"):
        folder.merge([one, two])
    assert not (tmp_path / "draft-3").exists()
    with pytest.raises(InvalidInput, match="but not all"):
        IndexReader([one, two])


@pytest.mark.parametrize(
    "ask",
    [
        lambda reader: reader.rows("state", "x"),
        lambda reader: reader.row_groups("message_id", "x"),
        lambda reader: reader.count("entry", "x"),
        lambda reader: reader.dossiers("x", 0),
        lambda reader: reader.rollups("2026-02-30"),
        lambda reader: reader.rollups("2026-03-02", "2026-03-01"),
        lambda reader: reader.rollups().select(size="1"),
        lambda reader: reader.rollups().by("week"),
    ],
)
def test_questions_that_make_no_sense_are_refused(tmp_path: Path, ask: Any) -> None:
    with pytest.raises(InvalidInput):
        ask(IndexReader([Folder(tmp_path).build({"s": [row(1, 1)]})]))


def test_sections_are_written_in_their_order_only(tmp_path: Path) -> None:
    one = np.ones(1, np.uint64)
    with (
        pytest.raises(ValueError, match="keys come before"),
        IndexWriter(tmp_path / "draft", "day", KEYS, SystemEntropy(), claims=1) as writer,
    ):
        writer.postings("facets", one, one)
        writer.dossiers([])
        writer.postings("keys", one, one)
        writer.finish([])
    assert list(tmp_path.iterdir()) == []
