"""The framed object form: what was sealed opens, what was touched does not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from tests.core.format.ranges import open_range

from vanvault.archiver.core.errors import Damaged, InvalidInput, KeyUnavailable
from vanvault.archiver.core.format.framed import (
    FRAME_SIZE_LIMIT,
    HEADER_LIMIT,
    FramedHeader,
    open_framed,
    read_header,
    seal,
    seal_pieces,
)
from vanvault.archiver.core.key_port import WrappedKey
from vanvault.archiver.keys.wrapping import unwrap_with, wrap_with

MASTER_ID = "originals/1"
MASTER = AESGCM(b"m" * 32)
DATA_KEY = bytes(range(32))
PREFIX = b"prefix7"
WRAPPED = WrappedKey(MASTER_ID, wrap_with(MASTER, MASTER_ID, DATA_KEY, b"n" * 12, b"this object"))
HEADER_SIZE = 38 + len(MASTER_ID) + 61


def unwrap(key: WrappedKey) -> bytes:
    if key.key_id != MASTER_ID:
        raise KeyUnavailable("missing")
    return unwrap_with(MASTER, key.key_id, key.wrapped, b"this object")


def sealed(data: bytes, frame_size: int = 10, compression: str = "none") -> bytes:
    return seal(
        data,
        data_key=DATA_KEY,
        wrapped=WRAPPED,
        nonce_prefix=PREFIX,
        frame_size=frame_size,
        compression=compression,  # type: ignore[arg-type]
    )


def reader_of(data: bytes, seen: list[tuple[int, int]] | None = None) -> Callable[[int, int], bytes]:
    def read(offset: int, length: int) -> bytes:
        if seen is not None:
            seen.append((offset, length))
        return data[offset : offset + length]

    return read


def test_the_layout_is_the_documented_one() -> None:
    """Built from the module's own description, without its code."""
    message = b"0123456789abcdefghijXYZ"
    header = (
        b"VVFRAME1\x00prefix7"
        + (10).to_bytes(4, "big")
        + (23).to_bytes(8, "big") * 2
        + bytes([11])
        + b"originals/1"
        + bytes([61])
        + WRAPPED.wrapped
    )
    cipher, additional = AESGCM(DATA_KEY), hashlib.sha256(header).digest()
    frames = [
        cipher.encrypt(b"prefix7\x00\x00\x00\x00\x00", b"0123456789", additional),
        cipher.encrypt(b"prefix7\x00\x00\x00\x01\x00", b"abcdefghij", additional),
        cipher.encrypt(b"prefix7\x00\x00\x00\x02\x01", b"XYZ", additional),
    ]
    assert sealed(message) == header + b"".join(frames)


def test_the_bytes_never_change() -> None:
    """Objects stay for ten years; this digest is of the first version's bytes."""
    digest = hashlib.sha256(sealed(bytes(range(256)) * 5, frame_size=100)).hexdigest()
    assert digest == "38712004e79e82a23fc0c8236ffb8c0e3d0cf8691c02cf2adf90baa7484a92ad"


@given(st.binary(max_size=100), st.integers(1, 40), st.sampled_from(["none", "zstd"]))
def test_what_is_sealed_opens(data: bytes, frame_size: int, compression: str) -> None:
    framed = sealed(data, frame_size, compression)
    header = read_header(framed[:HEADER_LIMIT])
    assert header.object_size == len(framed)
    assert header.size == len(data)
    assert framed.startswith(header.encode())
    assert open_framed(framed, unwrap) == data
    assert open_framed(memoryview(framed), unwrap) == data


@given(st.binary(max_size=100), st.integers(1, 40), st.integers(0, 120), st.integers(0, 120))
def test_a_range_is_the_slice(data: bytes, frame_size: int, offset: int, length: int) -> None:
    for compression in ("none", "zstd"):
        framed = sealed(data, frame_size, compression)
        assert open_range(reader_of(framed), unwrap, offset, length) == data[offset : offset + length]


def test_a_range_reads_the_frames_that_hold_it_and_no_more() -> None:
    framed = sealed(bytes(1000), frame_size=100)
    seen: list[tuple[int, int]] = []
    open_range(reader_of(framed, seen), unwrap, 250, 100)
    assert seen == [(0, HEADER_LIMIT), (HEADER_SIZE + 2 * 116, 116), (HEADER_SIZE + 3 * 116, 116)]


def test_a_range_past_the_end_proves_the_end() -> None:
    framed = bytearray(sealed(bytes(95), frame_size=10))
    assert open_range(reader_of(bytes(framed)), unwrap, 95, 10) == b""
    framed[-1] ^= 1
    with pytest.raises(Damaged):
        open_range(reader_of(bytes(framed)), unwrap, 95, 10)


def test_zstd_makes_smaller_or_is_dropped() -> None:
    compressible = b"<employee>" * 1000
    framed = sealed(compressible, 2**20, "zstd")
    assert len(framed) < 500
    assert read_header(framed).compression == "zstd"
    noise = hashlib.sha256(b"noise").digest()
    assert read_header(sealed(noise, 10, "zstd")).compression == "none"


def test_pieces_come_one_frame_at_a_time_from_any_buffer() -> None:
    message = bytearray(b"0123456789" * 3)
    pieces = list(
        seal_pieces(
            memoryview(message), data_key=DATA_KEY, wrapped=WRAPPED, nonce_prefix=PREFIX, frame_size=10
        )
    )
    assert [len(piece) for piece in pieces] == [HEADER_SIZE, 26, 26, 26]
    assert b"".join(pieces) == sealed(bytes(message))


def test_every_flipped_bit_is_found() -> None:
    for compression in ("none", "zstd"):
        framed = sealed(b"abc" * 30, frame_size=16, compression=compression)
        for place in range(len(framed)):
            for bit in range(8):
                changed = bytearray(framed)
                changed[place] ^= 1 << bit
                in_key = 36 <= place < HEADER_SIZE
                with pytest.raises((Damaged, KeyUnavailable) if in_key else Damaged):
                    open_framed(bytes(changed), unwrap)


def test_every_truncation_and_extension_is_found() -> None:
    framed = sealed(b"abc" * 10, frame_size=16)
    for size in range(len(framed)):
        with pytest.raises(Damaged):
            open_framed(framed[:size], unwrap)
        with pytest.raises(Damaged):
            open_range(reader_of(framed[:size]), unwrap, 0, 30)
    for extra in (b"\0", framed[-16:], framed):
        with pytest.raises(Damaged):
            open_framed(framed + extra, unwrap)


def test_bytes_after_a_full_last_frame_are_found() -> None:
    """No frame holds them, so no tag would tell."""
    framed = sealed(b"abcdefghij" * 2, frame_size=10)
    assert open_framed(framed, unwrap)
    with pytest.raises(Damaged):
        open_framed(framed + b"x", unwrap)


def test_a_body_that_was_not_packed_has_the_size_of_its_message() -> None:
    for size in (19, 21):
        with pytest.raises(InvalidInput):
            FramedHeader(WRAPPED, PREFIX, 10, 20, size, "none")


def _frames(framed: bytes, frame_size: int) -> tuple[bytes, list[bytes]]:
    body, stride = framed[HEADER_SIZE:], frame_size + 16
    return framed[:HEADER_SIZE], [body[i : i + stride] for i in range(0, len(body), stride)]


def _resized(header: bytes, size: int) -> bytes:
    """The header with other sizes: what a forger who wants a valid length would write."""
    return header[:20] + size.to_bytes(8, "big") * 2 + header[36:]


def test_frames_that_are_moved_repeated_dropped_or_taken_from_elsewhere_are_found() -> None:
    header, frames = _frames(sealed(b"A" * 10 + b"B" * 10 + b"C" * 10), 10)
    _, others = _frames(sealed(b"D" * 30, frame_size=15), 15)
    other_key = bytes(32)
    foreign_wrapped = WrappedKey(
        MASTER_ID, wrap_with(MASTER, MASTER_ID, other_key, b"o" * 12, b"this object")
    )
    foreign = seal(b"E" * 30, data_key=other_key, wrapped=foreign_wrapped, nonce_prefix=PREFIX, frame_size=10)
    _, foreign_frames = _frames(foreign, 10)
    a, b, c = frames
    assert open_framed(header + a + b + c, unwrap) == b"A" * 10 + b"B" * 10 + b"C" * 10
    forgeries = [
        header + b + a + c,
        header + a + a + c,
        header + a + c,
        header + a + b,
        _resized(header, 20) + a + b,
        _resized(header, 20) + a + c,
        _resized(header, 40) + a + b + c + c,
        _resized(header, 40) + a + b + b + c,
        header + a + foreign_frames[1] + c,
        header + foreign_frames[0] + foreign_frames[1] + foreign_frames[2],
        header + a + b + others[1],
        header,
        _resized(header, 0) + c[-16:],
    ]
    for forged in forgeries:
        with pytest.raises(Damaged):
            open_framed(forged, unwrap)


def test_a_header_of_another_object_does_not_fit() -> None:
    """Two objects whose headers differ in the nonce prefix alone."""
    first = sealed(b"A" * 10)
    second = seal(b"B" * 10, data_key=DATA_KEY, wrapped=WRAPPED, nonce_prefix=b"7prefix", frame_size=10)
    with pytest.raises(Damaged):
        open_framed(first[:HEADER_SIZE] + second[HEADER_SIZE:], unwrap)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_damaged_and_nothing_else(data: bytes) -> None:
    for candidate in (data, b"VVFRAME1" + data):
        with pytest.raises((Damaged, KeyUnavailable)):
            open_framed(candidate, unwrap)


def test_a_forged_size_allocates_nothing() -> None:
    framed = sealed(b"x" * 100, frame_size=10)
    forged = framed[:16] + FRAME_SIZE_LIMIT.to_bytes(4, "big") + (2**57).to_bytes(8, "big") * 2 + framed[36:]
    with pytest.raises(Damaged):
        open_framed(forged, unwrap)
    with pytest.raises(Damaged):
        open_range(reader_of(forged), unwrap, 2**56, 10)


def test_a_body_that_unpacks_to_another_size_is_damaged() -> None:
    """Even a holder of the data key cannot make a reader unpack more than the header says."""
    framed = sealed(b"<a/>" * 1000, 2**20, "zstd")
    header = read_header(framed)
    cipher, nonce = AESGCM(DATA_KEY), PREFIX + b"\0\0\0\0\1"
    body = cipher.decrypt(nonce, framed[HEADER_SIZE:], hashlib.sha256(header.encode()).digest())
    for size in (3999, 4001, 0):
        forged = FramedHeader(WRAPPED, PREFIX, 2**20, header.body_size, size, "zstd").encode()
        frame = cipher.encrypt(nonce, body, hashlib.sha256(forged).digest())
        with pytest.raises(Damaged):
            open_framed(forged + frame, unwrap)


@pytest.mark.parametrize(
    "change",
    [
        {"frame_size": 0},
        {"frame_size": FRAME_SIZE_LIMIT + 1},
        {"nonce_prefix": b"short"},
        {"data_key": bytes(16)},
        {"wrapped": WrappedKey("", b"w")},
        {"wrapped": WrappedKey("k" * 65, b"w")},
        {"wrapped": WrappedKey("khóa/1", b"w")},
        {"wrapped": WrappedKey(MASTER_ID, b"")},
        {"wrapped": WrappedKey(MASTER_ID, bytes(256))},
        {"compression": "lz4"},
    ],
)
def test_what_no_reader_would_accept_is_not_written(change: dict[str, object]) -> None:
    parts: dict[str, object] = {"data_key": DATA_KEY, "wrapped": WRAPPED, "nonce_prefix": PREFIX}
    with pytest.raises(InvalidInput):
        seal(b"x", **(parts | change))  # type: ignore[arg-type]


def test_a_missing_or_wrong_master_key_is_said_so() -> None:
    framed = sealed(b"message")
    other = AESGCM(b"w" * 32)
    with pytest.raises(KeyUnavailable):
        open_framed(framed, lambda key: unwrap_with(other, key.key_id, key.wrapped, b"this object"))
