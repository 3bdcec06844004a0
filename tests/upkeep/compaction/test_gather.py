"""Rows of many batches in one segment: nothing is lost, added or out of order."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.key_ring import KeyRing
from tests.support.names import large_key

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.format.batches import (
    canonical_of,
    decode_commit,
    encode_batch,
    encode_commit,
    read_batch_table,
)
from vanvault.archiver.core.format.encrypted import opened
from vanvault.archiver.core.format.segments import (
    encode_part,
    evidence_header,
    header_of,
    log_header,
    originals_header,
)
from vanvault.archiver.core.format.segments.part import LOG_GROUP_ROWS
from vanvault.archiver.core.format.segments.schema import ORIGINALS
from vanvault.archiver.core.model import BatchHeader, Commit, Entry, Event, Message, Metadata, Placement
from vanvault.archiver.core.names import BatchKind, ObjectKind, archive_id
from vanvault.archiver.upkeep.compaction.gather import Gathered, SourceBatch, check_digests, gather
from vanvault.archiver.upkeep.compaction.originals import OrderedBodies

WRITERS = ("0123456789abcdef", "0123456789abcdeg", "0123456789abcdeh")
UNTIL = "2037-11-23T00:00:00Z"
#: What a row is: its kind of body ("large" lies elsewhere), and its content.
rows = st.tuples(st.sampled_from(["body", "large", "empty"]), st.binary(max_size=40))
#: One batch: whose, of which kind, its rows, and the distance of each row from the one before.
batches = st.tuples(
    st.sampled_from(WRITERS),
    st.sampled_from(["messages", "events"]),
    st.lists(st.tuples(rows, st.integers(1, 3)), min_size=1, max_size=6),
)


Members = list[tuple[tuple[str, bytes], int]]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing.create(tmp_path_factory.mktemp("keys"))


def digests(data: bytes) -> tuple[int, bytes, bytes]:
    return len(data), hashlib.sha256(data).digest(), hashlib.sha512(data).digest()


def entry(kind: BatchKind, id: str, us: int, form: str, content: bytes) -> Entry:
    about = Metadata(transaction_id=f"t-{len(content)}", insurance_numbers=("7912345678",), agency="Quận 1")
    if kind == "events":
        found = Event(id, "g", f"e-{id}", us, us - 5, "type-a", "ai", "m", about, "{}", 0, b"", b"")
        size, sha256, sha512 = digests(canonical_of(found))
        return replace(found, size=size, sha256=sha256, sha512=sha512)
    body = {"body": content, "empty": b"", "large": None}[form]
    large = "" if body is not None else large_key(WRITERS[0], 0, hashlib.sha256(content).digest())
    return Message(
        id,
        "g",
        f"m-{id}",
        us,
        "text/xml",
        *digests(content if body is None else body),
        about,
        "",
        large,
        body,
    )


def source(
    keys: KeyRing, writer: str, sequence: int, kind: BatchKind, entries: tuple[Entry, ...]
) -> SourceBatch:
    header = BatchHeader(
        "archive-1", writer, sequence, kind, entries[-1].received_us, UNTIL, len(entries), ""
    )
    data = encode_batch(header, entries, keys.fresh_key(kind, writer, sequence), keys.signer)
    key = keys.key_of(data, kind, writer, sequence)
    placements = tuple(Placement(site, key, "v1", UNTIL) for site in ("primary", "standby"))
    commit = None if sequence % 3 == 2 else Commit(key, placements, "0" * 16, b"s" * 64)
    return SourceBatch.of(key, read_batch_table(key, data, keys.parquet), commit)


def sources_of(
    keys: KeyRing, drawn: list[tuple[str, BatchKind, list[tuple[tuple[str, bytes], int]]]]
) -> tuple[list[SourceBatch], dict[str, Entry]]:
    """Batches whose writers' times rise, each by its own clock, so that they interleave and meet."""
    clocks, counts = dict.fromkeys(WRITERS, 1_000), dict.fromkeys(WRITERS, 0)
    found, everything = [], {}
    for writer, kind, members in drawn:
        entries = []
        for row, ((form, content), distance) in enumerate(members):
            clocks[writer] += distance
            entries.append(
                entry(kind, archive_id(writer, counts[writer], row), clocks[writer], form, content)
            )
        found.append(source(keys, writer, counts[writer], kind, tuple(entries)))
        everything |= {item.id: item for item in entries}
        counts[writer] += 1
    return found, everything


def position(writer: str, us: int) -> tuple[int, bytes]:
    return us, hashlib.sha256(writer.encode()).digest()[:4]


def table_of(originals: OrderedBodies, rows: int = 3) -> pa.Table:
    """All of them, taken in tables of a few rows; a row group has more."""
    tables = list(originals.tables(rows))
    assert all(table.num_rows == rows for table in tables[:-1])
    return pa.concat_tables(tables) if tables else ORIGINALS.empty_table()


def check(gathered: Gathered, sources: list[SourceBatch], everything: dict[str, Entry]) -> None:
    log = gathered.log.to_pylist()
    times = gathered.log.column("received_at").cast(pa.int64()).to_pylist()
    order = [position(row["writer"], us) for row, us in zip(log, times, strict=True)]
    assert order == sorted(order)
    assert len(log) == len(everything)
    bodies = table_of(gathered.originals).column("body").to_pylist()
    assert gathered.digests.all() == [digests(body) for body in bodies]
    for row, us in zip(log, times, strict=True):
        item = everything.pop(f"{row['writer']}-{row['sequence']}-{row['row']}")
        assert (us, row["size"], row["sha256"]) == (item.received_us, item.size, item.sha256)
        assert (row["entry"], row["message_id"]) == (
            "event" if isinstance(item, Event) else "message",
            item.message_id,
        )
        body = None if isinstance(item, Event) else item.body
        assert (None if row["original"] is None else bodies[row["original"]]) == body
        assert row["transaction_id"] == item.metadata.transaction_id
    assert not everything
    assert [row["original"] for row in log if row["original"] is not None] == list(range(len(bodies)))
    evidence = gathered.evidence.to_pylist()
    expected = sorted(sources, key=lambda one: (one.header.writer, one.header.sequence))
    assert [row["key"] for row in evidence] == [one.key for one in expected]
    for row, one in zip(evidence, expected, strict=True):
        assert (row["header"], row["proof"]) == (one.header_text, one.proof)
        assert row["commit"] == (canonical(encode_commit(one.commit)) if one.commit else None)
        assert row["sha512"] == b"".join(one.table.column("sha512").to_pylist())
    assert gathered.raw_bytes == sum(row["size"] for row in log)


@settings(max_examples=40)
@given(drawn=st.lists(batches, min_size=1, max_size=8))
def test_rows_of_many_writers_come_in_order_and_whole(
    keys: KeyRing, drawn: list[tuple[str, BatchKind, list[tuple[tuple[str, bytes], int]]]]
) -> None:
    sources, everything = sources_of(keys, drawn)
    for one in sources:
        check_digests(one)
    check(gather(sources, {}), sources, everything)


def one_batch(keys: KeyRing, kind: BatchKind, count: int = 1) -> SourceBatch:
    members = [(("body", b"x" * n), 1) for n in range(count)]
    return sources_of(keys, [(WRITERS[0], kind, members)])[0][0]


def test_few_bodies_are_in_memory_at_once_and_none_is_decoded_twice(keys: KeyRing) -> None:
    """Two writers at once, each with many batches: a batch is open from its first body to its last one."""
    size, count = 2_000, 60
    members: Members = [(("body", b"x" * size), 2), (("large", b"y"), 1), (("body", b"z" * size), 1)]
    sources, _ = sources_of(keys, [(WRITERS[number % 2], "messages", members) for number in range(count)])
    decoded: list[str] = []

    def watched(one: SourceBatch) -> SourceBatch:
        def bodies() -> pa.ChunkedArray:
            decoded.append(one.key)
            return pa.chunked_array([pa.array(one.bodies().to_pylist(), pa.binary())])

        return replace(one, bodies=bodies)

    originals = gather([watched(one) for one in sources], {}).originals
    assert decoded == [], "nothing is decoded to be sorted"
    before, held, taken = pa.total_allocated_bytes(), list[int](), 0
    for table in originals.tables(4):
        taken += table.num_rows
        held.append(pa.total_allocated_bytes() - before)
    assert taken == 2 * count
    assert sorted(decoded) == sorted(one.key for one in sources)
    assert max(held) < 2 * size * count / 4, "a quarter of them"


def test_one_row_is_a_segment(keys: KeyRing) -> None:
    found = gather([one_batch(keys, "messages")], {})
    assert (found.log.num_rows, found.originals.num_rows, found.evidence.num_rows) == (1, 1, 1)


def test_events_alone_have_no_originals(keys: KeyRing) -> None:
    found = gather([one_batch(keys, "events", 3)], {})
    assert (found.log.num_rows, found.originals.num_rows) == (3, 0)
    assert found.log.column("original").null_count == 3


def test_repeats_name_the_entry_that_stands(keys: KeyRing) -> None:
    one = one_batch(keys, "messages", 3)
    found = gather([one], {archive_id(WRITERS[0], 0, 1): archive_id(WRITERS[1], 7, 2)})
    assert found.log.column("repeats").to_pylist() == ["", f"{WRITERS[1]}-7-2", ""]


@pytest.mark.parametrize("column", ["size", "sha256", "sha512", "body"])
@pytest.mark.parametrize("kind", ["messages", "events"])
def test_a_row_that_does_not_describe_its_bytes_is_refused(
    keys: KeyRing, kind: BatchKind, column: str
) -> None:
    one = one_batch(keys, kind, 3)
    name = column if column != "body" or kind == "messages" else "detail"
    values = (one.bodies() if name == "body" else one.table.column(name)).to_pylist()
    values[1] = {"size": 99, "sha256": b"\1" * 32, "sha512": b"\1" * 64, "body": b"y", "detail": "[]"}[name]
    if name == "body":
        other = replace(one, bodies=lambda: pa.chunked_array([pa.array(values, pa.binary())]))
    else:
        index = one.table.schema.get_field_index(name)
        field = one.table.schema.field(name)
        other = replace(one, table=one.table.set_column(index, field, pa.array(values, field.type)))
    with pytest.raises(Damaged, match="row 1 of") as caught:
        check_digests(other)
    assert caught.value.key == one.key


def test_a_batch_without_rows_is_refused(keys: KeyRing) -> None:
    one = one_batch(keys, "events")
    with pytest.raises(Damaged, match="no row"):
        check_digests(replace(one, table=one.table.slice(0, 0)))


def test_the_digests_of_cut_columns_are_those_of_their_rows(keys: KeyRing) -> None:
    """A column may begin within its buffer, and lie in several pieces."""
    one = one_batch(keys, "messages", 5)
    longer = pa.concat_tables([one.table.slice(3, 1), one.table, one.table.slice(0, 1)]).combine_chunks()
    cut = pa.concat_tables([longer.slice(1, 2), longer.slice(3, 0), longer.slice(3, 3)])
    assert cut.equals(one.table)
    other = replace(one, table=cut)
    check_digests(other)
    whole, pieces = gather([one], {}), gather([other], {})
    assert pieces.digests == whole.digests
    assert pieces.evidence.equals(whole.evidence)


# -- parts ----------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(drawn=st.lists(batches, min_size=1, max_size=4))
def test_parts_decode_to_what_was_encoded(
    keys: KeyRing, drawn: list[tuple[str, BatchKind, list[tuple[tuple[str, bytes], int]]]]
) -> None:
    gathered = gather(sources_of(keys, drawn)[0], {})
    originals = table_of(gathered.originals)
    segment = WRITERS[2]
    for header, table in (
        (log_header("archive-1", segment, gathered.log), gathered.log),
        (originals_header("archive-1", segment, originals.num_rows), originals),
        (evidence_header("archive-1", segment, gathered.evidence.num_rows), gathered.evidence),
    ):
        if not header.rows:
            continue  # such a part is never written
        kind: ObjectKind = header.kind  # type: ignore[assignment]
        data = encode_part(header, table, keys.encryption(kind, segment))
        with opened(data, keys.parquet, keys.key_of(data, kind, segment)) as file:
            assert header_of(file, archive="archive-1", segment=segment, kind=header.kind, key="k") == header
            assert file.read(use_threads=False).cast(table.schema).equals(table)


def big_log(keys: KeyRing) -> pa.Table:
    return gather([one_batch(keys, "messages", LOG_GROUP_ROWS + 1)], {}).log


def test_the_header_names_the_first_time_of_every_row_group(keys: KeyRing) -> None:
    log = big_log(keys)
    header = log_header("archive-1", WRITERS[2], log)
    times = log.column("received_at").cast(pa.int64()).to_pylist()
    assert header.first_us == (times[0], times[LOG_GROUP_ROWS])


@pytest.mark.parametrize(
    "change",
    [{"archive": "other"}, {"segment": WRITERS[0]}, {"kind": "originals"}],
    ids=["archive", "segment", "kind"],
)
def test_a_part_of_something_else_is_not_taken(keys: KeyRing, change: dict[str, str]) -> None:
    header = log_header("archive-1", WRITERS[2], big_log(keys))
    asked = {"archive": "archive-1", "segment": WRITERS[2], "kind": "log"} | change
    data = encode_part(header, big_log(keys), keys.encryption("log"))
    with opened(data, keys.parquet, keys.key_of(data, "log")) as file, pytest.raises(Damaged):
        header_of(file, **asked, key="k")


@pytest.mark.parametrize("lie", [{"rows": 5}, {"first_us": (1,)}], ids=["rows", "row groups"])
def test_a_header_that_contradicts_its_file_is_refused(keys: KeyRing, lie: dict[str, Any]) -> None:
    log = big_log(keys)
    header = replace(log_header("archive-1", WRITERS[2], log), **lie)
    data = encode_part(header, log, keys.encryption("log"))
    with opened(data, keys.parquet, keys.key_of(data, "log")) as file, pytest.raises(Damaged):
        header_of(file, archive="archive-1", segment=WRITERS[2], kind="log", key="k")


def test_a_batch_is_no_part(keys: KeyRing) -> None:
    header = BatchHeader("archive-1", WRITERS[0], 0, "messages", 1, UNTIL, 1, "")
    member = entry("messages", archive_id(WRITERS[0], 0, 0), 1, "body", b"x")
    data = encode_batch(header, (member,), keys.fresh_key("log"), keys.signer)
    with (
        opened(data, keys.parquet, keys.key_of(data, "log")) as file,
        pytest.raises(Damaged, match="not a part"),
    ):
        header_of(file, archive="archive-1", segment=WRITERS[0], kind="log", key="k")


def test_a_commit_record_reads_back(keys: KeyRing) -> None:
    one = one_batch(keys, "messages")
    row = gather([one], {}).evidence.to_pylist()[0]
    assert decode_commit(orjson.loads(row["commit"])) == one.commit
