"""A sealed credential opens at its own place, whole, under its own master, and nowhere else."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.entropy import SeededEntropy
from vanvault.archiver.core.errors import Damaged, InvalidInput, KeyUnavailable, TooLarge
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import KeyFiles
from vanvault.archiver.people.credentials import (
    CredentialPlace,
    SealedCredential,
    open_credential,
    seal_credential,
    sealed_in,
)

PLACE = CredentialPlace("a-0123456789abcdef", "totp", "00112233445566778899aabbccddeeff")
SECRET = b"twenty bytes of seed"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

hex_digits = st.text("0123456789abcdef", min_size=16, max_size=16)
places = st.builds(
    CredentialPlace,
    hex_digits.map(lambda digits: f"a-{digits}"),
    st.sampled_from(["password", "totp", "webauthn", "token"]),
    hex_digits,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("credentials") / "keys"


@pytest.fixture(scope="module")
def keys(folder: Path) -> KeyFiles:
    return KeyFiles.create(folder, SystemEntropy())


@pytest.fixture(scope="module")
def sealed(keys: KeyFiles) -> SealedCredential:
    return seal_credential(keys, PLACE, SECRET, SeededEntropy(1))


def changed(sealed: SealedCredential, at: int, *, by: int) -> SealedCredential:
    data = bytearray(raw(sealed))
    data[at] ^= by
    return replace(sealed, text=base64.urlsafe_b64encode(bytes(data)).rstrip(b"=").decode())


def raw(sealed: SealedCredential) -> bytes:
    return base64.urlsafe_b64decode(sealed.text + "=" * (-len(sealed.text) % 4))


@given(place=places, secret=st.binary(max_size=500))
def test_what_was_sealed_comes_back_out_of_the_detail_of_its_event(
    keys: KeyFiles, place: CredentialPlace, secret: bytes
) -> None:
    made = seal_credential(keys, place, secret, SystemEntropy())
    found = sealed_in({"who": "op", **made.as_detail()})
    assert found == made
    assert open_credential(keys, found) == secret
    assert secret not in raw(made) or len(secret) < 4


def test_every_changed_byte_is_refused(keys: KeyFiles, sealed: SealedCredential) -> None:
    assert open_credential(keys, sealed) == SECRET
    for at in range(len(raw(sealed))):
        for by in (1, 0x80):
            with pytest.raises((Damaged, KeyUnavailable)):
                open_credential(keys, changed(sealed, at, by=by))


def test_every_other_text_is_refused_too_though_it_may_decode_to_the_same_bytes(
    keys: KeyFiles, sealed: SealedCredential
) -> None:
    text = sealed.text
    others = [text[:at] + other + text[at + 1 :] for at in (0, 40, len(text) - 1) for other in ALPHABET]
    others += [text + "=", f"{text}\n", f" {text}", text[:-1], text + "A", "", "é", text * 200]
    for other in others:
        if other != text:
            with pytest.raises((Damaged, KeyUnavailable)):
                open_credential(keys, replace(sealed, text=other))


@settings(max_examples=50)
@given(other=places)
def test_it_opens_for_no_other_account_kind_or_event(
    keys: KeyFiles, sealed: SealedCredential, other: CredentialPlace
) -> None:
    assume(other.account != PLACE.account)
    moved = [
        replace(PLACE, account=other.account),
        replace(PLACE, nonce=other.nonce),
        replace(PLACE, kind="password"),
    ]
    for place in moved:
        with pytest.raises(Damaged, match="belongs elsewhere"):
            open_credential(keys, replace(sealed, place=place))


def test_two_halves_of_one_account_do_not_make_a_third(keys: KeyFiles, sealed: SealedCredential) -> None:
    """The wrapped key of one and the body of another, both genuine, of the same place."""
    again = seal_credential(keys, PLACE, b"another seed, 20 byt", SeededEntropy(2))
    head = 2 + len("credentials/1") + 61
    mixed = raw(sealed)[:head] + raw(again)[head:]
    text = base64.urlsafe_b64encode(mixed).rstrip(b"=").decode()
    with pytest.raises(Damaged):
        open_credential(keys, replace(sealed, text=text))


def test_it_opens_after_a_rotation_and_says_which_master_it_needs(tmp_path: Path) -> None:
    keys = KeyFiles.create(tmp_path / "keys", SystemEntropy())
    old = seal_credential(keys, PLACE, SECRET, SystemEntropy())
    keys.rotate("credentials")
    new = seal_credential(keys, PLACE, SECRET, SystemEntropy())
    assert (old.key_id, new.key_id) == ("credentials/1", "credentials/2")
    assert open_credential(keys, old) == open_credential(keys, new) == SECRET
    (tmp_path / "keys" / "credentials-1.key").unlink()
    with pytest.raises(KeyUnavailable, match="credentials/1 is missing"):
        open_credential(keys, old)
    assert open_credential(keys, new) == SECRET


def test_a_master_that_is_not_whole_is_named_and_the_credential_not_blamed(tmp_path: Path) -> None:
    keys = KeyFiles.create(tmp_path / "keys", SystemEntropy())
    made = seal_credential(keys, PLACE, SECRET, SystemEntropy())
    (tmp_path / "keys" / "credentials-1.key").write_bytes(b"{}")
    with pytest.raises(KeyUnavailable, match="not a key file"):
        open_credential(keys, made)


def test_a_home_without_such_a_master_says_how_to_get_one(tmp_path: Path) -> None:
    keys = KeyFiles.create(tmp_path / "keys", SystemEntropy())
    (tmp_path / "keys" / "credentials-1.key").unlink()
    with pytest.raises(KeyUnavailable) as refused:
        seal_credential(keys, PLACE, SECRET, SystemEntropy())
    assert "keys rotate credentials" in refused.value.hint


def test_a_master_of_another_purpose_seals_nothing_that_is_believed(
    keys: KeyFiles, sealed: SealedCredential
) -> None:
    data = raw(sealed)
    wrapped = keys.wrap("log/1", bytes(32), PLACE.context)
    other = bytes([1, 5]) + b"log/1" + wrapped + data[-48:]
    text = base64.urlsafe_b64encode(other).rstrip(b"=").decode()
    with pytest.raises(Damaged, match="another purpose"):
        open_credential(keys, replace(sealed, text=text))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account", "a-0123"),
        ("account", "g-0123456789abcdef"),
        ("account", "a-0123456789abcdeF"),
        ("account", "a-0123456789abcdef\n"),
        ("kind", ""),
        ("kind", "TOTP"),
        ("kind", "totp\0x"),
        ("nonce", "0011"),
        ("nonce", "zz" * 16),
    ],
)
def test_a_place_has_its_form(sealed: SealedCredential, field: str, value: str) -> None:
    with pytest.raises(InvalidInput):
        replace(PLACE, **{field: value})
    name = "id" if field == "account" else field
    with pytest.raises(Damaged, match="keeps no credential"):
        sealed_in({**sealed.as_detail(), name: value})


@pytest.mark.parametrize("lacking", ["id", "kind", "nonce", "sealed"])
def test_a_detail_without_a_member_keeps_no_credential(sealed: SealedCredential, lacking: str) -> None:
    detail = sealed.as_detail()
    del detail[lacking]
    with pytest.raises(Damaged, match="keeps no credential"):
        sealed_in(detail)


def test_what_is_too_big_is_no_credential(keys: KeyFiles) -> None:
    most = seal_credential(keys, PLACE, bytes(8192), SystemEntropy())
    assert open_credential(keys, most) == bytes(8192)
    with pytest.raises(TooLarge):
        seal_credential(keys, PLACE, bytes(8193), SystemEntropy())
