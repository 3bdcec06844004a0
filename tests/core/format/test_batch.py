"""Batch objects: what goes in comes out, and what was damaged is refused."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.key_ring import ARCHIVE, WRITER, KeyRing
from tests.support.names import large_key

from vanvault.archiver.core.errors import Damaged, Forged, KeyUnavailable
from vanvault.archiver.core.format.batches import (
    decode_batch,
    decode_row_body,
    encode_batch,
    read_batch_table,
)
from vanvault.archiver.core.format.encrypted import opened
from vanvault.archiver.core.model import BatchHeader, Commit, Entry, Event, Message, Metadata, Placement
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import KeyFiles

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
microseconds = st.integers(0, 253_370_764_799_999_999)
metadata = st.builds(
    Metadata,
    **{name: text for name in Metadata.__dataclass_fields__ if name != "insurance_numbers"},
    insurance_numbers=st.lists(text, max_size=8).map(tuple),
)
digests = {
    "size": st.integers(0, 2**62),
    "sha256": st.binary(min_size=32, max_size=32),
    "sha512": st.binary(min_size=64, max_size=64),
}
messages = st.builds(
    Message,
    id=text,
    gateway=text,
    message_id=text,
    received_us=microseconds,
    content_type=text,
    **digests,
    metadata=metadata,
    metadata_note=text,
    large_object=text,
    body=st.none() | st.binary(max_size=300),
)
events = st.builds(
    Event,
    id=text,
    gateway=text,
    event_id=text,
    received_us=microseconds,
    occurred_us=microseconds,
    type=text,
    actor=text,
    message_id=text,
    metadata=metadata,
    detail=text,
    **digests,
)
placements = st.lists(st.builds(Placement, text, text, text, text), max_size=3).map(tuple)
commits = st.builds(Commit, text, placements, text, st.binary(min_size=64, max_size=64))
headers = st.builds(
    BatchHeader,
    archive=st.just(ARCHIVE),
    writer=st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=16, max_size=16),
    sequence=st.integers(0, 10**10 - 1),
    kind=st.just(""),
    created_us=st.integers(0, 2**53 - 1),
    retain_until=text,
    rows=st.just(0),
    previous=text,
    commits=st.lists(commits, max_size=3).map(tuple),
    heads=st.lists(text, max_size=3).map(tuple),
    final=st.booleans(),
    large=placements,
)
batches = st.one_of(
    st.tuples(headers, st.just("messages"), st.lists(messages, min_size=1, max_size=12)),
    st.tuples(headers, st.just("events"), st.lists(events, min_size=1, max_size=12)),
).map(lambda drawn: (replace(drawn[0], kind=drawn[1], rows=len(drawn[2])), tuple(drawn[2])))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing.create(tmp_path_factory.mktemp("keys"))


def encoded(keys: KeyRing, header: BatchHeader, entries: tuple[Entry, ...]) -> tuple[str, bytes]:
    """Key and bytes of a batch."""
    subject = keys.names.subject("batch", header.writer, header.sequence, header.kind)  # type: ignore[arg-type]
    data = encode_batch(header, entries, keys.parquet.fresh_key(subject, SystemEntropy()), keys.signer)
    return keys.names.sign_name(subject, hashlib.sha256(data).digest()), data


@given(batches)
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_goes_in_comes_out(keys: KeyRing, batch: tuple[BatchHeader, tuple[Entry, ...]]) -> None:
    header, entries = batch
    key, data = encoded(keys, header, entries)
    found = decode_batch(key, data, keys.parquet)
    assert (found.key, found.header, found.entries) == (key, header, entries)
    without = decode_batch(key, data, keys.parquet, bodies=False)
    assert without.entries == tuple(
        replace(entry, body=None) if isinstance(entry, Message) else entry for entry in entries
    )


def message(number: int, body: bytes | None) -> Message:
    return Message(
        f"0123456789abcdef-1-{number}",
        "gateway-1",
        f"m-{number}",
        1_000_000 + number,
        "",
        len(body or b""),
        bytes(32),
        bytes(64),
        Metadata(insurance_numbers=tuple(str(n) for n in range(number % 7 * 100))),
        "",
        "" if body is not None else large_key(WRITER, 0, b"\xcd" * 32),
        body,
    )


def header(rows: int) -> BatchHeader:
    return BatchHeader(ARCHIVE, WRITER, 1, "messages", 1_000_000, "2037-11-23T00:00:00Z", rows, "ab" * 32)


@pytest.mark.parametrize(
    ("rows", "body_bytes", "groups"),
    [(1000, 20, [1000]), (1001, 20, [1000, 1]), (300, 8_192, [128, 128, 44]), (201, 40_000, [100, 100, 1])],
)
def test_a_row_group_holds_a_mebibyte_and_never_less_than_a_hundred_rows(
    keys: KeyRing, rows: int, body_bytes: int, groups: list[int]
) -> None:
    entries = tuple(message(n, bytes(body_bytes)) for n in range(rows))
    key, data = encoded(keys, header(rows), entries)
    with opened(data, keys.parquet, key) as file:
        found = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    assert found == groups


@pytest.mark.parametrize("rows", [1, 99, 100, 101, 350])
@pytest.mark.parametrize("times", [1, 500])
def test_one_body_out_of_many(keys: KeyRing, rows: int, times: int) -> None:
    """Every row's, across row groups; a row without a body of its own, and no row at all, are said."""
    bodies = [None if n % 9 == 4 else b"<%d/>" % n * (n % 50) * times for n in range(rows)]
    key, data = encoded(keys, header(rows), tuple(message(n, body) for n, body in enumerate(bodies)))
    for row, body in enumerate(bodies):
        if body is None:
            with pytest.raises(Damaged):
                decode_row_body(key, data, keys.parquet, row)
        else:
            assert decode_row_body(key, data, keys.parquet, row) == body
    for row in (rows, rows + 1000, 2**31 - 1):
        with pytest.raises(Damaged):
            decode_row_body(key, data, keys.parquet, row)


def test_a_header_that_counts_other_rows(keys: KeyRing) -> None:
    key, data = encoded(keys, header(2), (message(0, b"<a/>"),))
    with pytest.raises(Damaged, match="2 rows"):
        decode_batch(key, data, keys.parquet)


@pytest.mark.parametrize("read", [decode_batch, read_batch_table])
def test_rows_that_nobody_signed_are_forged_under_whatever_name(
    keys: KeyRing, tmp_path: Path, read: Callable[[str, bytes, Any], object]
) -> None:
    """Name and encryption are ours: only the proof in the footer tells."""
    stranger = KeyRing.create(tmp_path / "keys")
    entries = (message(0, b"<a/>"),)
    data = encode_batch(header(1), entries, keys.fresh_key("messages", WRITER, 1), stranger.signer)
    with pytest.raises(Forged):
        read(keys.key_of(data, "messages", WRITER, 1), data, keys.parquet)
    key, good = encoded(keys, header(1), entries)
    assert read(key, good, keys.parquet)


def test_another_key_is_a_clear_error(keys: KeyRing, tmp_path: Path) -> None:
    key, data = encoded(keys, header(1), (message(0, b"<a/>"),))
    shutil.copytree(keys.folder, tmp_path / "keys", ignore=shutil.ignore_patterns("*.key"))
    stranger = KeyRing.over(tmp_path / "keys", KeyFiles.create(tmp_path / "keys", SystemEntropy()))
    with pytest.raises(KeyUnavailable):
        decode_batch(key, data, stranger.parquet)
    with pytest.raises(KeyUnavailable):
        decode_row_body(key, data, stranger.parquet, 0)


@pytest.mark.parametrize("missing", ["originals-1.key", "log-1.key"])
def test_a_missing_key_is_a_clear_error(tmp_path: Path, missing: str) -> None:
    ring = KeyRing.create(tmp_path / "keys")
    key, data = encoded(ring, header(1), (message(0, b"<a/>"),))
    (ring.folder / missing).unlink()
    if missing.startswith("originals"):
        with pytest.raises(KeyUnavailable, match="originals/1"):
            decode_batch(key, data, ring.parquet)
    else:
        assert decode_batch(key, data, ring.parquet).header.rows == 1


@given(st.data())
def test_a_cut_file_is_damaged(keys: KeyRing, data: st.DataObject) -> None:
    """The digest in the name is checked before; this is the second line of defence."""
    key, whole = encoded(keys, header(1), (message(0, b"<a/>" * 100),))
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises((Damaged, KeyUnavailable)):
        decode_batch(key, whole[:cut], keys.parquet)


@given(st.data())
def test_a_flipped_bit_of_the_ciphertext_is_damaged(keys: KeyRing, data: st.DataObject) -> None:
    key, whole = encoded(keys, header(1), (message(0, b"<a/>" * 100),))
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    position = data.draw(st.integers(4 + 4, footer - 1))
    bad = bytearray(whole)
    bad[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((Damaged, KeyUnavailable)):
        decode_batch(key, bytes(bad), keys.parquet)
