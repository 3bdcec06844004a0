"""Signing keys: the newest signs, every public key verifies, a crash never leaves receipts unverifiable."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from vanvault.archiver.core.errors import Damaged, KeyUnavailable, SettingsError
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import SigningKeys, public_pem, verify
from vanvault.archiver.keys.signing import SIGNATURE_BYTES, key_id_of, load_public, parse_public

ENTROPY = SystemEntropy()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def keys(folder: Path) -> SigningKeys:
    return SigningKeys.create(folder, ENTROPY)


def test_create_makes_a_closed_and_an_open_half(keys: SigningKeys, folder: Path) -> None:
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "signing-1.pem": 0o600,
        "signing-1.pub.pem": 0o644,
    }
    with pytest.raises(SettingsError, match="not touched"):
        SigningKeys.create(folder, ENTROPY)


def test_a_signature_verifies_with_the_public_file_alone(keys: SigningKeys, folder: Path) -> None:
    active = keys.active()
    signature = active.sign(b"receipt")
    assert len(signature) == SIGNATURE_BYTES
    assert keys.sign(b"receipt") == signature
    public = load_public(folder / "signing-1.pub.pem")
    assert key_id_of(public) == active.key_id == hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]
    verify(public, signature, b"receipt")
    verify(keys.public(active.key_id), signature, b"receipt")
    for wrong, data in ((signature, b"other"), (signature[:-1], b"receipt"), (bytes(64), b"receipt")):
        with pytest.raises(Damaged):
            verify(public, wrong, data)


def test_the_signature_is_that_of_rfc_8032(tmp_path: Path) -> None:
    """Section 7.1, TEST 2."""

    class Fixed:
        def token(self, size: int) -> bytes:
            return bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")[:size]

    signature = SigningKeys.create(tmp_path / "keys", Fixed()).active().sign(b"\x72")
    assert signature.hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


def test_after_a_rotation_the_new_key_signs_and_both_verify(keys: SigningKeys, folder: Path) -> None:
    first = keys.active()
    other = SigningKeys(folder)
    old = first.sign(b"old")
    second = keys.rotate(ENTROPY)
    assert second != first.key_id
    assert other.active().key_id == second
    assert set(other.public_keys()) == {first.key_id, second}
    verify(other.public(first.key_id), old, b"old")
    verify(other.public(second), other.sign(b"new"), b"new")


def test_an_old_private_half_may_be_destroyed(keys: SigningKeys, folder: Path) -> None:
    first = keys.active()
    old = first.sign(b"old")
    keys.rotate(ENTROPY)
    (folder / "signing-1.pem").unlink()
    verify(SigningKeys(folder).public(first.key_id), old, b"old")
    verify(keys.public(first.key_id), old, b"old")


def test_a_crash_between_the_halves_is_healed_by_the_next_rotation(keys: SigningKeys, folder: Path) -> None:
    (folder / "signing-1.pub.pem").unlink()
    again = SigningKeys(folder)
    first = again.active()
    verify(again.public(first.key_id), first.sign(b"x"), b"x")
    again.rotate(ENTROPY)
    assert key_id_of(load_public(folder / "signing-1.pub.pem")) == first.key_id


def test_without_the_newest_private_half_nothing_is_signed(keys: SigningKeys, folder: Path) -> None:
    """An older key must not step in: it may have been rotated because it leaked."""
    keys.rotate(ENTROPY)
    (folder / "signing-2.pem").unlink()
    for provider in (keys, SigningKeys(folder)):
        with pytest.raises(KeyUnavailable, match="newest"):
            provider.active()
    keys.rotate(ENTROPY)
    assert keys.active().version == 3


def test_an_empty_folder_signs_nothing(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    keys = SigningKeys(folder)
    assert keys.public_keys() == {}
    with pytest.raises(KeyUnavailable):
        keys.sign(b"x")


def test_halves_of_two_pairs_are_refused(keys: SigningKeys, folder: Path) -> None:
    keys.rotate(ENTROPY)
    (folder / "signing-2.pub.pem").write_bytes((folder / "signing-1.pub.pem").read_bytes())
    with pytest.raises(KeyUnavailable, match="not one pair"):
        SigningKeys(folder)


def test_an_open_private_half_is_refused(keys: SigningKeys, folder: Path) -> None:
    (folder / "signing-1.pem").chmod(0o644)
    with pytest.raises(KeyUnavailable, match="open to other users"):
        SigningKeys(folder)


def _ecdsa_pem() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("data", [b"", b"not pem", _ecdsa_pem()], ids=["empty", "text", "ecdsa"])
def test_files_that_hold_something_else_are_refused(keys: SigningKeys, folder: Path, data: bytes) -> None:
    (folder / "signing-1.pem").write_bytes(data)
    with pytest.raises(KeyUnavailable):
        SigningKeys(folder)
    with pytest.raises(KeyUnavailable):
        parse_public(data)


def test_an_unknown_key_or_file_is_said_so(keys: SigningKeys, folder: Path) -> None:
    with pytest.raises(KeyUnavailable, match="no signing key of that id"):
        keys.public("0" * 16)
    with pytest.raises(KeyUnavailable, match="cannot be read"):
        load_public(folder / "nothing.pem")


def test_public_keys_come_back_from_pem() -> None:
    public = Ed25519PrivateKey.generate().public_key()
    assert parse_public(public_pem(public)).public_bytes_raw() == public.public_bytes_raw()
