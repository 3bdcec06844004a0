"""The wrapped form of data keys, derived secrets and index tokens: fixed bytes, and nothing opens by luck."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.catalogue.index.tokens import token
from vanvault.archiver.core.errors import KeyUnavailable
from vanvault.archiver.core.key_port import PURPOSES, key_id, parse_key_id
from vanvault.archiver.core.names import ObjectSubject
from vanvault.archiver.keys.derive import derive_with
from vanvault.archiver.keys.wrapping import WRAPPED_BYTES, unwrap_with, wrap_with

SECRET = b"m" * 32
MASTER = AESGCM(SECRET)
CONTEXT = b"7f0e\x00batch\x000123456789abcdef\x000000000042\x00events"
data_keys = st.binary(min_size=32, max_size=32)
nonces = st.binary(min_size=12, max_size=12)


def test_the_wrapped_form_is_the_documented_one() -> None:
    data_key, nonce = bytes(range(32)), b"n" * 12
    sealed = AESGCM(SECRET).encrypt(nonce, data_key, b"vanvault-data-key-v1\x00log/3\x00" + CONTEXT)
    assert wrap_with(MASTER, "log/3", data_key, nonce, CONTEXT) == b"\x01" + nonce + sealed


@given(data_keys, nonces)
def test_a_wrapped_key_comes_back(data_key: bytes, nonce: bytes) -> None:
    wrapped = wrap_with(MASTER, "log/3", data_key, nonce, CONTEXT)
    assert len(wrapped) == WRAPPED_BYTES == 61
    assert unwrap_with(MASTER, "log/3", wrapped, CONTEXT) == data_key


def test_every_flipped_bit_and_every_other_length_is_refused() -> None:
    wrapped = wrap_with(MASTER, "log/3", bytes(32), b"n" * 12, CONTEXT)
    for place in range(len(wrapped)):
        for bit in range(8):
            changed = bytearray(wrapped)
            changed[place] ^= 1 << bit
            with pytest.raises(KeyUnavailable):
                unwrap_with(MASTER, "log/3", bytes(changed), CONTEXT)
    for other in (b"", wrapped[:-1], wrapped + b"\0"):
        with pytest.raises(KeyUnavailable):
            unwrap_with(MASTER, "log/3", other, CONTEXT)


def test_another_master_or_another_id_does_not_open_it() -> None:
    wrapped = wrap_with(MASTER, "log/3", bytes(32), b"n" * 12, CONTEXT)
    with pytest.raises(KeyUnavailable, match="not the one"):
        unwrap_with(AESGCM(b"w" * 32), "log/3", wrapped, CONTEXT)
    for other in ("log/4", "originals/3"):
        with pytest.raises(KeyUnavailable, match="not the one"):
            unwrap_with(MASTER, other, wrapped, CONTEXT)


def test_a_data_key_opens_for_its_own_object_only() -> None:
    """Archive, family, writer, sequence and kind: each of them counts."""
    subject = ObjectSubject("7f0e", "batch", "0123456789abcdef", 42, "events")
    assert subject.context == CONTEXT
    wrapped = wrap_with(MASTER, "log/3", bytes(32), b"n" * 12, subject.context)
    assert unwrap_with(MASTER, "log/3", wrapped, subject.context) == bytes(32)
    others = [
        replace(subject, archive="7f0f"),
        replace(subject, family="segment", kind="log"),
        replace(subject, writer="0123456789abcdeg"),
        replace(subject, sequence=43),
        replace(subject, kind="messages"),
    ]
    for other in others:
        with pytest.raises(KeyUnavailable, match="not the one"):
            unwrap_with(MASTER, "log/3", wrapped, other.context)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_only_256_bit_data_keys_are_wrapped(size: int) -> None:
    with pytest.raises(KeyUnavailable):
        wrap_with(MASTER, "log/3", bytes(size), b"n" * 12, CONTEXT)


def _hkdf(secret: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with an empty salt, from the standard library alone."""
    key = hmac.digest(bytes(32), secret, "sha256")
    out = block = b""
    while len(out) < length:
        block = hmac.digest(key, block + info + bytes([len(out) // 32 + 1]), "sha256")
        out += block
    return out[:length]


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=20), st.integers(1, 100))
def test_derived_secrets_are_hkdf(secret: bytes, info: bytes, length: int) -> None:
    expected = _hkdf(secret, b"vanvault-derive-v1\x00index/1\x00" + info, length)
    assert derive_with(secret, "index/1", info, length) == expected


def test_derived_secrets_differ_by_key_id_and_use() -> None:
    secrets = {derive_with(SECRET, key, info) for key in ("index/1", "index/2") for info in (b"a", b"b")}
    assert len(secrets) == 4


def test_a_token_is_the_start_of_the_hmac_of_the_search_form() -> None:
    message = b"employer_code\x00" + "tc0123đ".encode()
    expected = hmac.new(b"s" * 32, message, hashlib.sha256).digest()[:8]
    assert token(b"s" * 32, "employer_code", "TC0123Đ") == expected


def test_tokens_differ_by_field_value_and_secret() -> None:
    pairs = [("ab", "c"), ("a", "bc"), ("ab", "bc"), ("a", "c")]
    tokens = {token(secret, field, value) for secret in (b"s", b"t") for field, value in pairs}
    assert len(tokens) == 8


@given(st.sampled_from(PURPOSES), st.integers(1, 999_999_999))
def test_key_ids_come_back(purpose: str, version: int) -> None:
    assert parse_key_id(key_id(purpose, version)) == (purpose, version)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "log", "log/", "log/0", "log/01", "log/-1", "Log/1", "log/1 ", "log/1\n", "x/1", "log/٣"]
)
def test_what_is_no_key_id_is_refused(text: str) -> None:
    with pytest.raises(KeyUnavailable):
        parse_key_id(text)


def test_an_object_that_does_not_open_is_named() -> None:
    subject = ObjectSubject("archive-1", "batch", "1m8n7rgbfth8mya1", 7, "events")
    with pytest.raises(KeyUnavailable, match="data key of batch/1m8n7rgbfth8mya1/0000000007/events"):
        unwrap_with(MASTER, "log/3", bytes([1]) + bytes(WRAPPED_BYTES - 1), subject.context)
