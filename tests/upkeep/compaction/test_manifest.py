"""A manifest is trusted only as it was signed, spelled in one way, and when it fits itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.names import segment_key

from vanvault.archiver.core.errors import Damaged, KeyUnavailable
from vanvault.archiver.core.format.segments import decode_manifest, encode_manifest, manifest_statement
from vanvault.archiver.core.model import Covered, SegmentManifest, SegmentPart
from vanvault.archiver.core.names import SegmentKind
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import SigningKeys

SEGMENT, WRITER = "0123456789abcdef", "0123456789abcdeg"


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> SigningKeys:
    folder: Path = tmp_path_factory.mktemp("keys")
    folder.chmod(0o700)
    SigningKeys.create(folder, SystemEntropy())
    return SigningKeys(folder)


def part(kind: SegmentKind, number: int, rows: int) -> SegmentPart:
    key = segment_key(SEGMENT, number, kind, bytes([number]) * 32)
    return SegmentPart(kind, key, 1000 + number, rows, "2037-11-23T00:00:00Z")


PLAIN = SegmentManifest(
    archive="archive-1",
    segment=SEGMENT,
    day="2026-11-21",
    created_us=30,
    first_us=10,
    last_us=20,
    messages=3,
    events=2,
    raw_bytes=500,
    covers=(Covered(WRITER, 0, 1), Covered(WRITER, 3, 3)),
    parts=(part("log", 0, 5), part("originals", 1, 3), part("evidence", 2, 3)),
)


def signed(manifest: SegmentManifest, signing: SigningKeys) -> SegmentManifest:
    signer = signing.active()
    named = replace(manifest, signing_key=signer.key_id)
    return replace(named, signature=signer.sign(manifest_statement(named)))


def decode(data: bytes, signing: SigningKeys) -> SegmentManifest:
    return decode_manifest(data, signing.public, key="k")


def test_it_reads_back(signing: SigningKeys) -> None:
    manifest = signed(PLAIN, signing)
    assert decode(encode_manifest(manifest), signing) == manifest


@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_bit_may_turn(signing: SigningKeys, position: int, bit: int) -> None:
    data = bytearray(encode_manifest(signed(PLAIN, signing)))
    data[position % len(data)] ^= 1 << bit
    with pytest.raises((Damaged, KeyUnavailable)):
        decode(bytes(data), signing)


@given(cut=st.integers(0, 10_000))
def test_no_byte_may_be_missing(signing: SigningKeys, cut: int) -> None:
    data = encode_manifest(signed(PLAIN, signing))
    with pytest.raises(Damaged):
        decode(data[: cut % len(data)], signing)


@given(data=st.binary(max_size=200))
def test_noise_is_refused(signing: SigningKeys, data: bytes) -> None:
    with pytest.raises(Damaged):
        decode(data, signing)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(name=st.sampled_from(sorted(orjson.loads(encode_manifest(PLAIN)))), value=values)
def test_no_member_may_be_anything_else(signing: SigningKeys, name: str, value: object) -> None:
    fields = orjson.loads(encode_manifest(signed(PLAIN, signing)))
    if fields[name] == value:
        return
    fields[name] = value
    with pytest.raises((Damaged, KeyUnavailable)):
        decode(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS), signing)


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[]", b"5", b'"x"', b"{}", b"[" * 100_000, b'{"a":1e999}', b"\xff"]
)
def test_other_json_is_refused(signing: SigningKeys, data: bytes) -> None:
    with pytest.raises(Damaged):
        decode(data, signing)


def more_white_space(data: bytes) -> bytes:
    return data.replace(b",", b", ", 1)


def a_member_twice(data: bytes) -> bytes:
    return b'{"archive":"archive-1",' + data[1:]


def a_signature_in_capitals(data: bytes) -> bytes:
    signature = orjson.loads(data)["signature"].encode()
    return data.replace(signature, signature.upper())


def a_signature_with_spaces(data: bytes) -> bytes:
    signature = orjson.loads(data)["signature"].encode()
    return data.replace(signature, signature[:2] + b" " + signature[2:])


def a_number_as_text(data: bytes) -> bytes:
    return data.replace(b'"first_us":10', b'"first_us":"10"')


def a_member_more(data: bytes) -> bytes:
    return data.replace(b'"rows":5', b'"extra":1,"rows":5')


SPELLINGS = [
    more_white_space,
    a_member_twice,
    a_signature_in_capitals,
    a_signature_with_spaces,
    a_number_as_text,
    a_member_more,
]


@pytest.mark.parametrize("spell", SPELLINGS, ids=[spell.__name__ for spell in SPELLINGS])
def test_there_is_one_spelling(signing: SigningKeys, spell: Callable[[bytes], bytes]) -> None:
    data = encode_manifest(signed(PLAIN, signing))
    changed = spell(data)
    assert changed != data
    with pytest.raises(Damaged):
        decode(changed, signing)


#: Signed by the archive's own key, and yet nonsense.
NONSENSE = {
    "no parts": {"parts": ()},
    "no log": {"parts": PLAIN.parts[1:]},
    "no evidence": {"parts": PLAIN.parts[:2]},
    "a part twice": {"parts": (PLAIN.parts[0], *PLAIN.parts)},
    "parts in another order": {"parts": PLAIN.parts[::-1]},
    "a part of another segment": {"segment": WRITER},
    "a part that is no name": {"parts": (replace(PLAIN.parts[0], key="segment/x"), *PLAIN.parts[1:])},
    "a part of another kind": {"parts": (replace(PLAIN.parts[0], key=PLAIN.parts[1].key), *PLAIN.parts[1:])},
    "a date that is none": {"parts": (replace(PLAIN.parts[0], retain_until="tomorrow"), *PLAIN.parts[1:])},
    "rows that do not add up": {"messages": 4},
    "evidence that does not add up": {"covers": (Covered(WRITER, 0, 3),)},
    "ranges that overlap": {"covers": (Covered(WRITER, 0, 1), Covered(WRITER, 1, 1))},
    "ranges that are one": {"covers": (Covered(WRITER, 0, 1), Covered(WRITER, 2, 2))},
    "ranges out of order": {"covers": PLAIN.covers[::-1]},
    "a range that ends before it begins": {"covers": (Covered(WRITER, 3, 0),)},
    "a range below zero": {"covers": (Covered(WRITER, -1, 1),)},
    "a writer that is none": {"covers": (Covered("w", 0, 2),)},
    "a day that is none": {"day": "2026-02-30"},
    "an end before its start": {"last_us": 9},
    "less than nothing": {"messages": -1, "events": 6},
}


@pytest.mark.parametrize("change", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_refused_though_it_is_signed(signing: SigningKeys, change: dict[str, object]) -> None:
    with pytest.raises(Damaged):
        decode(encode_manifest(signed(replace(PLAIN, **change), signing)), signing)  # type: ignore[arg-type]


def test_a_key_that_nobody_knows(signing: SigningKeys) -> None:
    manifest = replace(signed(PLAIN, signing), signing_key="0" * 16)
    with pytest.raises(KeyUnavailable):
        decode(encode_manifest(manifest), signing)


def test_another_statement_is_no_manifest(signing: SigningKeys) -> None:
    """A signature over a receipt tree or an export never passes for one of a segment."""
    signer = signing.active()
    named = replace(PLAIN, signing_key=signer.key_id)
    statement = manifest_statement(named).replace(b"vanvault segment v1", b"vanvault export v1", 1)
    forged = replace(named, signature=signer.sign(statement))
    with pytest.raises(Damaged, match="signature"):
        decode(encode_manifest(forged), signing)
