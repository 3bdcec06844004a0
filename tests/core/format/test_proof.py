"""The proof of a batch by itself: each thing that it vouches for, changed alone, while all else fits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.support.names import batch_key

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Damaged, Forged
from vanvault.archiver.core.format.batches import columns_of, decode_header
from vanvault.archiver.core.format.batches.batch import encode_header
from vanvault.archiver.core.format.batches.proof import check_proof, make_proof, rows_root
from vanvault.archiver.core.model import BatchHeader, Message, Metadata
from vanvault.archiver.core.names import ObjectName, parse_key

ARCHIVE, WRITER, OTHER = "archive-1", "0123456789abcdef", "0123456789abcdeg"
HEADER = BatchHeader(ARCHIVE, WRITER, 1, "messages", 10, "2037-11-23T00:00:00Z", 1, "ab" * 32)


class Signer:
    key_id = "the-key"

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()

    def sign(self, statement: bytes) -> bytes:
        return self.key.sign(statement)


class Keys:
    """Whose names are all proved, and who trusts one signing key."""

    archive = ARCHIVE

    def __init__(self, signer: Signer) -> None:
        self._public = signer.key.public_key()

    def proved(self, key: str) -> ObjectName:
        name = parse_key(key)
        assert name is not None
        return name

    def is_signed(self, signing_key: str, signature: bytes, statement: bytes) -> bool:
        try:
            self._public.verify(signature, statement)
        except InvalidSignature:
            return False
        return signing_key == "the-key"


def row(body: bytes = b"<a/>") -> Message:
    digests = hashlib.sha256(body).digest(), hashlib.sha512(body).digest()
    return Message(f"{WRITER}-1-0", "g", "m-1", 10, "", len(body), *digests, Metadata(), "", "", body)


def checked(
    header: BatchHeader = HEADER,
    *,
    key: str = batch_key(WRITER, 1, "messages", bytes(32)),
    shown: Message | None = None,
    change: Callable[[bytes], bytes] = lambda proof: proof,
    stranger: bool = False,
) -> None:
    """Check a batch whose writer signed ``header`` and one row; ``shown``: another row in its place."""
    signer = Signer()
    text = encode_header(header)
    signed = columns_of("messages", [row()])
    proof = make_proof(ARCHIVE, text, rows_root("messages", signed), signer)
    keys: Any = Keys(Signer() if stranger else signer)
    columns = columns_of("messages", [shown or row()])
    check_proof(key, header, text, change(proof), columns, keys)


def test_a_batch_of_its_name_is_proved() -> None:
    checked()


@pytest.mark.parametrize(
    "header",
    [
        replace(HEADER, archive="archive-2"),
        replace(HEADER, writer=OTHER),
        replace(HEADER, sequence=2),
    ],
    ids=["archive", "writer", "sequence"],
)
def test_a_header_of_another_place_is_forged_whoever_signed_it(header: BatchHeader) -> None:
    with pytest.raises(Forged):
        checked(header)


def test_a_batch_of_another_kind_is_forged() -> None:
    with pytest.raises(Forged):
        checked(key=batch_key(WRITER, 1, "events", bytes(32)))


def test_other_rows_are_forged() -> None:
    with pytest.raises(Forged, match="the rows"):
        checked(shown=row(b"<b/>"))


def test_a_signature_of_a_stranger_is_none() -> None:
    with pytest.raises(Forged, match="no key that this archive trusts"):
        checked(stranger=True)


@pytest.mark.parametrize("change", [lambda _: b"", lambda _: b"{}", lambda proof: proof + b" "])
def test_a_proof_in_another_form_is_none(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Forged, match="no proof"):
        checked(change=change)


@pytest.mark.parametrize(
    ("field", "value"),
    [("sequence", True), ("rows", True), ("final", 0), ("writer", 5), ("heads", "ab"), ("more", 1)],
)
def test_a_header_with_a_value_of_another_type_is_damaged(field: str, value: object) -> None:
    fields = orjson.loads(encode_header(HEADER))
    assert decode_header(canonical(fields), key="k") == HEADER
    with pytest.raises(Damaged):
        decode_header(canonical(fields | {field: value}), key="k")
