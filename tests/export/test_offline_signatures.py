"""Ed25519 in the offline verifier: the same answer in Python alone and with ``cryptography``."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.export.verify_offline import (
    BASE,
    ORDER,
    ZERO,
    Bad,
    P,
    Point,
    equal,
    minus,
    plus,
    point,
    public_key,
    signature_holds,
)
from vanvault.archiver.keys import public_pem
from vanvault.archiver.keys.signing import key_id_of

#: RFC 8032, section 7.1: public key, message, signature.
VECTORS = {
    "1": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    "2": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "3": (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
    "SHA(abc)": (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        hashlib.sha512(b"abc").hexdigest(),
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
        "3dca179c138ac17ad9bef1177331a704",
    ),
}
SEED = hashlib.sha512(bytes(32)).digest()
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEY = SIGNER.public_key().public_bytes_raw()
TEXT = b"vanvault export v1\n"


def holds(key: bytes, signature: bytes, text: bytes = TEXT) -> bool:
    """The answer of both ways, which must be one."""
    plain, fast = signature_holds(key, signature, text, True), signature_holds(key, signature, text)
    assert plain == fast
    return plain


def times(number: int, one: Point) -> Point:
    found = ZERO
    for bit in bin(number)[2:]:
        found = plus(found, found)
        found = plus(found, one) if bit == "1" else found
    return found


def encoded(one: Point) -> bytes:
    inverse = pow(one[2], P - 2, P)
    x, y = one[0] * inverse % P, one[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def torsion() -> list[Point]:
    """All eight points of small order, from any point that is not in the main group."""
    y = 3
    while True:
        found = point(y.to_bytes(32, "little"))
        one = times(ORDER, found) if found else ZERO
        if not equal(times(4, one), ZERO):
            return [times(number, one) for number in range(8)]
        y += 1


def signed(first: Point, nonce: int, secret: int, key: bytes, text: bytes = TEXT) -> bytes:
    """A signature with this first half, as whoever knows nonce and secret can make it."""
    head = encoded(first)
    hashed = int.from_bytes(hashlib.sha512(head + key + text).digest(), "little") % ORDER
    return head + ((nonce + hashed * secret) % ORDER).to_bytes(32, "little")


def secret_of_signer() -> int:
    raw = bytearray(SEED[:32])
    raw[0] &= 248
    raw[31] = raw[31] & 127 | 64
    return int.from_bytes(raw, "little")


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_of_the_rfc(name: str) -> None:
    key, message, signature = map(bytes.fromhex, VECTORS[name])
    assert holds(key, signature, message)
    assert not holds(key, signature, message + b"x")


def test_every_flipped_bit_is_refused() -> None:
    signature = SIGNER.sign(TEXT)
    assert holds(KEY, signature)
    for bit in range(0, 512, 7):
        number = int.from_bytes(signature, "little") ^ 1 << bit
        assert not signature_holds(KEY, number.to_bytes(64, "little"), TEXT, True)
    for bit in range(0, 256, 7):
        number = int.from_bytes(KEY, "little") ^ 1 << bit
        assert not signature_holds(number.to_bytes(32, "little"), signature, TEXT, True)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_both_ways_agree(seed: bytes, text: bytes, bit: int) -> None:
    signer = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = signer.public_key().public_bytes_raw(), signer.sign(text)
    assert holds(key, signature, text)
    assert not holds(key, (int.from_bytes(signature, "little") ^ 1 << bit).to_bytes(64, "little"), text)


def test_a_second_half_of_the_order_or_more_is_refused() -> None:
    """Else everybody could make a second signature of what was signed."""
    signature = SIGNER.sign(TEXT)
    more = int.from_bytes(signature[32:], "little") + ORDER
    assert more < 2**256
    assert not holds(KEY, signature[:32] + more.to_bytes(32, "little"))
    assert not holds(KEY, signature[:32] + ORDER.to_bytes(32, "little"))


@pytest.mark.parametrize("number", range(8))
def test_a_key_of_small_order_is_refused(number: int) -> None:
    """With one of these, nobody's secret makes signatures of many texts."""
    weak = torsion()[number]
    key = encoded(weak)
    held = 0
    for nonce in range(1, 17):
        signature = signed(times(nonce, BASE), nonce, 0, key)
        hashed = int.from_bytes(hashlib.sha512(signature[:32] + key + TEXT).digest(), "little") % ORDER
        held += equal(times(hashed, weak), ZERO)
        assert not holds(key, signature)
    assert held or number, "at least of the zero point it would have been accepted"


@pytest.mark.parametrize("number", range(8))
def test_a_first_half_of_small_order_is_refused(number: int) -> None:
    assert not holds(KEY, signed(torsion()[number], 0, secret_of_signer(), KEY))


def test_only_what_holds_without_the_cofactor_holds() -> None:
    """As ``cryptography`` has it: a first half with a part of small order is another one."""
    good = signed(times(5, BASE), 5, secret_of_signer(), KEY)
    assert holds(KEY, good)
    assert not holds(KEY, signed(plus(times(5, BASE), torsion()[1]), 5, secret_of_signer(), KEY))


@pytest.mark.parametrize(
    "key",
    [
        (P + 1).to_bytes(32, "little"),  # y = 1, not in its only spelling
        (2**255 - 1).to_bytes(32, "little"),
        (1 | 1 << 255).to_bytes(32, "little"),  # x = 0, and yet odd
        (2).to_bytes(32, "little"),  # on no point
    ],
)
def test_what_is_no_point_is_no_key_and_no_first_half(key: bytes) -> None:
    assert point(key) is None
    assert not holds(key, SIGNER.sign(TEXT))
    assert not holds(KEY, key + SIGNER.sign(TEXT)[32:])


@pytest.mark.parametrize("length", [0, 31, 63, 65, 128])
def test_other_lengths_are_refused(length: int) -> None:
    signature = (SIGNER.sign(TEXT) * 2)[:length]
    assert not holds(KEY, signature)
    assert not holds((KEY * 4)[:length], SIGNER.sign(TEXT))


def test_the_arithmetic_is_that_of_a_group() -> None:
    eight = torsion()
    assert len({encoded(one) for one in eight}) == 8
    assert equal(times(ORDER, BASE), ZERO)
    assert equal(plus(BASE, minus(BASE)), ZERO)
    assert encoded(times(secret_of_signer(), BASE)) == KEY


def test_a_key_is_read_from_its_pem_and_nothing_else_is() -> None:
    pem = public_pem(SIGNER.public_key())
    assert public_key(pem) == (key_id_of(SIGNER.public_key()), KEY)
    assert public_key(b"a comment\r\n" + pem.replace(b"\n", b"\r\n")) == public_key(pem)
    other = X25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    longer = base64.b64encode(base64.b64decode(pem.split(b"\n")[1]) + b"x")
    for wrong in (
        b"",
        b"x",
        pem[:-10],
        other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        pem.replace(pem.split(b"\n")[1], longer),
    ):
        with pytest.raises(Bad, match="Ed25519"):
            public_key(wrong)
