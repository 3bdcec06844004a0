"""The signed directory of kept index files: what is written is read again, and nothing else is believed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.catalogue.kept.directory import (
    KeptDirectory,
    KeptFile,
    decode_directory_of,
    encode_directory,
)
from vanvault.archiver.core.canonical import canonical, parse_canonical
from vanvault.archiver.core.errors import Damaged

KEY = "0123456789abcdef"
ARCHIVE = "archive-1"


def sign(statement: bytes) -> tuple[str, bytes]:
    return KEY, hashlib.sha512(b"secret" + statement).digest()


def believes(key_id: str, signature: bytes, statement: bytes) -> bool:
    return (key_id, signature) == sign(statement)


def file(number: int, *segments: tuple[str, int]) -> KeptFile:
    return KeptFile(
        name=f"day/2026-10-01-{number:032x}.idx",
        size=1000 + number,
        sha256=f"{number:064x}",
        filter_size=128,
        filter_sha256=f"{number + 1:064x}",
        claims=number,
        segments=segments,
    )


DIRECTORY = KeptDirectory(
    ARCHIVE,
    "2026-11-30T08:00:00Z",
    (file(1, ("segment/a/0-log", 10), ("segment/b/0-log", 20)), file(2, ("segment/c/0-log", 0))),
    {f"month/2026-09-01-{7:032x}.idx": "2026-11-29T08:00:00Z"},
)


def test_what_is_written_is_read_again() -> None:
    data = encode_directory(DIRECTORY, sign)
    assert decode_directory_of(data, ARCHIVE, believes) == DIRECTORY


texts = st.text("abc/-0", min_size=1, max_size=8)
sizes = st.integers(0, 2**53 - 1)


@given(
    st.lists(st.lists(st.tuples(texts, sizes), min_size=1, max_size=4), max_size=4),
    st.dictionaries(st.integers(100, 200), st.just("2026-11-29T08:00:00Z"), max_size=4),
)
def test_any_directory_comes_back_as_it_was(
    files: list[list[tuple[str, int]]], leaving: dict[int, str]
) -> None:
    seen: set[str] = set()
    made = []
    for number, segments in enumerate(files):
        own = {log: rows for log, rows in segments if log not in seen}
        seen |= own.keys()
        if own:
            made.append(file(number, *sorted(own.items())))
    directory = KeptDirectory(
        ARCHIVE,
        "2026-11-30T08:00:00Z",
        tuple(made),
        {f"day/2026-10-01-{number:032x}.idx": since for number, since in leaving.items()},
    )
    assert decode_directory_of(encode_directory(directory, sign), ARCHIVE, believes) == directory


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_no_changed_byte_is_believed(place: int, change: int) -> None:
    data = bytearray(encode_directory(DIRECTORY, sign))
    data[place % len(data)] ^= change
    with pytest.raises(Damaged):
        decode_directory_of(bytes(data), ARCHIVE, believes)


@given(st.integers(0, 10**6))
def test_no_part_of_one_is_believed(length: int) -> None:
    data = encode_directory(DIRECTORY, sign)
    with pytest.raises(Damaged):
        decode_directory_of(data[: length % len(data)], ARCHIVE, believes)


@given(st.binary(max_size=200))
def test_no_junk_is_believed(data: bytes) -> None:
    with pytest.raises(Damaged):
        decode_directory_of(data, ARCHIVE, believes)


def signed_again(change: Callable[[dict[str, Any]], object]) -> bytes:
    """As somebody signs it who holds the key."""
    fields = parse_canonical(encode_directory(DIRECTORY, sign))
    del fields["signing_key"], fields["signature"]
    change(fields)
    key_id, signature = sign(b"vanvault kept index v1\n" + canonical(fields) + b"\n")
    return canonical({**fields, "signing_key": key_id, "signature": signature.hex()})


WRONG: dict[str, Callable[[dict[str, Any]], object]] = {
    "another format": lambda fields: fields.update(format="vanvault-kept-index-2"),
    "another archive": lambda fields: fields.update(archive="archive-2"),
    "a member more": lambda fields: fields.update(more=1),
    "a member less": lambda fields: fields.pop("leaving"),
    "no time": lambda fields: fields.update(made_at="yesterday"),
    "a name that leads elsewhere": lambda fields: fields["files"][0].update(name="../../etc/passwd"),
    "a file twice": lambda fields: fields["files"].insert(0, fields["files"][0]),
    "a segment twice": lambda fields: fields["files"][1].update(segments=[["segment/a/0-log", 10]]),
    "a file of nothing": lambda fields: fields["files"][0].update(segments=[]),
    "a size below zero": lambda fields: fields["files"][0].update(size=-1),
    "a size that is no number": lambda fields: fields["files"][0].update(size=True),
    "a digest that is none": lambda fields: fields["files"][0].update(sha256="abc"),
    "rows that are none": lambda fields: fields["files"][0].update(segments=[["segment/a/0-log", "10"]]),
    "a leaving name that leads elsewhere": lambda fields: fields.update(
        leaving=[["/x", "2026-11-29T08:00:00Z"]]
    ),
    "files that are none": lambda fields: fields.update(files={}),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_signed_directory_that_makes_no_sense_is_not_believed(wrong: str) -> None:
    with pytest.raises(Damaged):
        decode_directory_of(signed_again(WRONG[wrong]), ARCHIVE, believes)


def test_one_of_a_key_that_is_not_trusted_is_not_believed() -> None:
    with pytest.raises(Damaged, match="no key that this archive trusts"):
        decode_directory_of(encode_directory(DIRECTORY, lambda data: (KEY, bytes(64))), ARCHIVE, believes)


def test_one_that_is_too_long_is_not_even_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vanvault.archiver.catalogue.kept.directory.MOST_DIRECTORY_BYTES", 100)
    with pytest.raises(Damaged, match="too long"):
        decode_directory_of(encode_directory(replace(DIRECTORY, leaving={}), sign), ARCHIVE, believes)
