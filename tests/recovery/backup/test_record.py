"""The record of a backup: written, read, and every change of it noticed."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.names import segment_key
from vanvault.archiver.core.errors import Damaged, KeyUnavailable
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import SigningKeys
from vanvault.recovery.backup.record import (
    MANIFEST,
    Record,
    SavedObject,
    SavedSlice,
    read_record,
    write_record,
)

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
ENTRIES = st.builds(
    SavedObject,
    st.binary(max_size=4).map(
        lambda data: segment_key("1m80yt0rdsqw5e1d", 0, "log", hashlib.sha256(data).digest())
    ),
    st.integers(0, 2**40),
    st.none() | MOMENTS,
)
SLICES = st.lists(
    st.builds(
        SavedSlice,
        st.text("0123456789abcdef", min_size=32, max_size=32),
        st.text("0123456789abcdef", min_size=64, max_size=64),
        st.lists(ENTRIES, max_size=4).map(tuple),
    ),
    max_size=3,
    unique_by=lambda one: one.id,
).map(tuple)
RECORDS = st.builds(
    Record,
    archive=st.just("0123-4567"),
    created=MOMENTS,
    what=st.sampled_from(["control", "control+objects"]),
    site=st.sampled_from(["primary", "standby"]),
    control=st.dictionaries(st.sampled_from(["vanvault.toml", "keys/a.pem"]), st.binary(max_size=20)),
    slices=SLICES,
    left_out=st.lists(st.text("abc/", max_size=9), max_size=2).map(tuple),
    versions=st.just({"restic": "0.14.0"}),
)


@cache
def signing() -> SigningKeys:
    return SigningKeys.create(Path(mkdtemp()) / "keys", SystemEntropy())


@given(RECORDS)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    files = write_record(record, signing().active())
    assert read_record(files, signing().public) == record
    assert read_record(files, signing().public, lists=False).created == record.created


@given(RECORDS, st.data())
def test_every_flipped_bit_is_noticed(record: Record, data: st.DataObject) -> None:
    files = write_record(record, signing().active())
    path = data.draw(st.sampled_from(sorted(path for path, content in files.items() if content)))
    changed = bytearray(files[path])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((Damaged, KeyUnavailable)):
        read_record({**files, path: bytes(changed)}, signing().public)


@given(RECORDS, st.data())
def test_a_file_more_or_less_is_noticed(record: Record, data: st.DataObject) -> None:
    files = write_record(record, signing().active())
    with pytest.raises(Damaged):
        read_record({**files, "control/added": b""}, signing().public)
    gone = data.draw(st.sampled_from(sorted(files)))
    with pytest.raises(Damaged):
        read_record({path: content for path, content in files.items() if path != gone}, signing().public)


def test_a_signature_by_another_archive_is_no_signature(tmp_path: Path) -> None:
    other = SigningKeys.create(tmp_path / "keys", SystemEntropy())
    record = Record("0123-4567", datetime(2026, 1, 1, tzinfo=UTC), "control", "standby", {}, (), (), {})
    files = write_record(record, other.active())
    assert set(files) == {MANIFEST}
    with pytest.raises(KeyUnavailable):
        read_record(files, signing().public)
