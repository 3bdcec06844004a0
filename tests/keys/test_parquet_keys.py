"""Encrypted Parquet files: what is written, what an independent reader needs, and what damage does."""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clocks import ManualClock
from tests.support.key_ring import KeyRing

from vanvault.archiver.core.errors import Damaged, Forged, KeyUnavailable
from vanvault.archiver.core.format.encrypted import key_material, opened
from vanvault.archiver.core.key_port import WrappedKey
from vanvault.archiver.core.names import ObjectKind
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import KeyFiles, ObjectList, ObjectTrust, SigningKeys, TrustAct
from vanvault.archiver.keys.parquet import ParquetKeys

ENTROPY = SystemEntropy()
TABLE = pa.table({"row": [1, 2, 3], "body": [b"first", b"second", b"third secret"]})


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.create(tmp_path / "keys")


def written(ring: KeyRing, kind: ObjectKind = "messages", table: pa.Table = TABLE) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, encryption_properties=ring.encryption(kind))
    return sink.getvalue()


def read(ring: KeyRing, data: bytes, kind: ObjectKind = "messages") -> pa.Table:
    with opened(data, ring.parquet, ring.key_of(data, kind)) as file:
        return file.read(use_threads=False)


def data_key(ring: KeyRing, data: bytes, kind: ObjectKind = "messages") -> bytes:
    return ring.parquet.data_key(ring.key_of(data, kind), key_material(data))


@pytest.mark.parametrize(
    ("kind", "master"),
    [
        ("messages", "originals/1"),
        ("originals", "originals/1"),
        ("events", "log/1"),
        ("log", "log/1"),
        ("evidence", "log/1"),
    ],
)
def test_a_file_comes_back_under_the_master_of_its_kind(ring: KeyRing, kind: ObjectKind, master: str) -> None:
    _, key_id = ring.parquet.encryption(ring.subject(kind))
    data = written(ring, kind)
    assert key_id == key_material(data).key_id == master
    assert read(ring, data, kind).equals(TABLE)


def test_a_file_opens_as_its_own_object_only(ring: KeyRing) -> None:
    """Its data key is of no use for what somebody makes under another name."""
    data = written(ring)
    for elsewhere in (
        ring.key_of(data, "messages", sequence=1),
        ring.key_of(data, "messages", writer="0123456789abcdeg"),
        ring.key_of(data, "originals"),
    ):
        with (
            pytest.raises(KeyUnavailable, match="is not the one that wrapped"),
            opened(data, ring.parquet, elsewhere),
        ):
            pass
        with pytest.raises(KeyUnavailable, match="is not the one that wrapped"):
            ring.parquet.data_key(elsewhere, key_material(data))


def test_a_master_of_another_purpose_opens_nothing(ring: KeyRing) -> None:
    """Who holds the log's master alone makes no message, and the other way round."""
    events = ring.subject("events")
    wrapped = ring.provider.wrap("originals/1", b"k" * 32, events.context)
    data = written(ring, "events")
    key = ring.key_of(data, "events")
    with pytest.raises(Forged, match="originals/1"):
        ring.parquet.data_key(key, WrappedKey("originals/1", wrapped))


def test_a_name_that_nobody_signed_opens_nothing(ring: KeyRing, tmp_path: Path) -> None:
    data = written(ring)
    key = ring.key_of(data, "messages").replace("/0000000000-", "/0000000001-")
    with pytest.raises(Forged) as caught, opened(data, ring.parquet, key):
        pass
    assert caught.value.unproved
    stranger = KeyRing.create(tmp_path / "stranger")
    for unproved in (stranger.key_of(data, "messages"), "batch/x", ""):
        with pytest.raises(Forged):
            ring.parquet.decryption(unproved)


def test_what_waits_since_its_signing_key_was_revoked_is_not_opened(ring: KeyRing) -> None:
    """Somebody may look at it, with keys that were asked for it; nobody else is given it."""
    data = written(ring)
    key, first = ring.key_of(data, "messages"), ring.signing.active().key_id
    ring.signing.rotate(ENTROPY, ManualClock())
    trust = ring.signing.trust()
    revoked = TrustAct(
        act="revoke",
        number=trust.acts + 1,
        previous=trust.last,
        key_id=first,
        trusted=tuple(sorted(trust.keys)),
        stolen_since="",
        made_at="2026-11-22T00:00:00Z",
        reason="copied from a laptop",
        who="operator",
    )
    ring.signing.record_trust(revoked, ObjectList.of([]))
    keys = ParquetKeys(ring.provider, ObjectTrust(ring.parquet.archive, SigningKeys(ring.folder)))
    with pytest.raises(Forged), opened(data, keys, key):
        pass
    with pytest.raises(Forged):
        keys.data_key(key, key_material(data))
    with opened(data, keys.with_what_waits(), key) as file:
        assert file.read(use_threads=False).equals(TABLE)


def test_nothing_of_the_content_is_readable(ring: KeyRing) -> None:
    data = written(ring)
    assert data[:4] == data[-4:] == b"PARE"  # encrypted footer
    for plain in (b"first", b"third secret", b"body", b"row", b"parquet-cpp"):
        assert plain not in data


def test_an_independent_reader_opens_the_footer(ring: KeyRing) -> None:
    """With the wrapped key, AES-256-GCM and the Parquet encryption specification alone (4.1, 4.4, 5.1)."""
    data = written(ring)
    material = key_material(data)
    secret = ring.provider.unwrap(material.key_id, material.wrapped, ring.subject("messages").context)
    assert len(secret) == 32
    length = int.from_bytes(data[-8:-4], "little")
    metadata = data[-8 - length : -8]
    # EncryptionAlgorithm.AES_GCM_V1 (not GCM_CTR), no AAD prefix, then aad_file_unique of 8 bytes.
    assert metadata[:4] == b"\x1c\x1c\x28\x08"
    aad_file_unique = metadata[4:12]
    assert metadata[12:16] == b"\x12\x00\x00\x18"
    module = metadata[metadata.index(b"}\x00") + 2 :]
    size = int.from_bytes(module[:4], "little")
    assert len(module) == 4 + size
    footer = AESGCM(secret).decrypt(module[4:16], module[16:], aad_file_unique + b"\x00")
    assert b"row" in footer
    assert b"body" in footer
    with pytest.raises(InvalidTag):
        AESGCM(secret).decrypt(module[4:16], module[16:], aad_file_unique + b"\x01")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b'"doubleWrapping":false', b'"doubleWrapping":true ', "wrapped twice"),
        (b'"internalStorage":true,', b'"internalStorage":null,', "form"),
        (b'"PKMT1"', b'"PKMT2"', "form"),
    ],
)
def test_key_material_in_another_form_is_damaged(
    ring: KeyRing, before: bytes, after: bytes, message: str
) -> None:
    data = written(ring)
    assert before in data
    with pytest.raises(Damaged, match=message):
        key_material(data.replace(before, after))


def test_key_material_is_found_in_the_tail(ring: KeyRing) -> None:
    data = written(ring)
    tail = int.from_bytes(data[-8:-4], "little") + 8
    assert key_material(memoryview(data)[-tail:]) == key_material(data)
    with pytest.raises(Damaged):
        key_material(data[1 - tail :])


def test_every_file_has_its_own_data_key(ring: KeyRing) -> None:
    keys = set()
    for _ in range(5):
        keys.add(data_key(ring, written(ring)))
    assert len(keys) == 5


def test_after_a_rotation_old_files_open_and_new_ones_use_the_new_key(ring: KeyRing) -> None:
    old = written(ring)
    ring.provider.rotate("originals")
    assert ring.parquet.encryption(ring.subject("messages"))[1] == "originals/2"
    new = written(ring)
    assert key_material(new).key_id == "originals/2"
    assert read(ring, old).equals(TABLE)
    assert read(ring, new).equals(TABLE)


def test_a_rotation_at_the_wrong_moment_fails_no_write(ring: KeyRing) -> None:
    class RotatedMeanwhile(KeyFiles):
        rotations = 1

        def wrap(self, key_id: str, data_key: bytes, context: bytes) -> bytes:
            if self.rotations:
                self.rotations -= 1
                ring.provider.rotate("originals")
            return super().wrap(key_id, data_key, context)

    late = KeyRing.over(ring.folder, RotatedMeanwhile(ring.folder, ENTROPY))
    assert late.parquet.encryption(late.subject("messages"))[1] == "originals/2"


def test_without_its_master_key_a_file_does_not_open(ring: KeyRing, tmp_path: Path) -> None:
    data = written(ring)
    key = ring.key_of(data, "messages")
    with opened(data, ring.parquet, key) as file:  # whatever pyarrow caches is warm then
        assert file.metadata.num_rows == 3
    (ring.folder / "originals-1.key").rename(tmp_path / "away")
    missing = pytest.raises(KeyUnavailable, match="originals/1 is missing")
    with missing, opened(data, ring.parquet, key):
        pass
    with pytest.raises(KeyUnavailable, match="no master key"):
        ring.encryption("messages")
    other = KeyRing.over(ring.folder, KeyFiles.create(tmp_path / "other", ENTROPY))
    with pytest.raises(KeyUnavailable, match="not the one"):
        read(other, data)


def test_who_holds_the_log_key_alone_reads_no_original(ring: KeyRing) -> None:
    original, log = written(ring, "messages"), written(ring, "events")
    (ring.folder / "originals-1.key").unlink()
    auditor = KeyRing.over(ring.folder, KeyFiles(ring.folder, ENTROPY))
    assert read(auditor, log, "events").equals(TABLE)
    with pytest.raises(KeyUnavailable):
        read(auditor, original)


def test_a_plain_file_in_the_place_of_an_encrypted_one_is_refused(ring: KeyRing) -> None:
    """Who can write to a store but holds no key must not be able to add what reads as a batch."""
    sink = io.BytesIO()
    pq.write_table(TABLE, sink)
    plain = sink.getvalue()
    signed_footer = b"PARE" + plain[4:]
    for forged in (plain, signed_footer, plain[:-4] + b"PARE", signed_footer[:-4] + b"PARE", b"", b"PARE"):
        with pytest.raises((Damaged, KeyUnavailable)):
            read(ring, forged)
        with pytest.raises(Damaged):
            key_material(forged)


def test_damage_is_named_with_its_object(ring: KeyRing) -> None:
    data = bytearray(written(ring))
    data[40] ^= 1
    with pytest.raises(Damaged) as caught:
        read(ring, bytes(data))
    assert caught.value.key == ring.key_of(bytes(data), "messages")
    assert caught.value.__cause__ is not None


def test_every_flipped_bit_is_an_error_or_changes_nothing(ring: KeyRing, tmp_path: Path) -> None:
    """Nothing aborts the process, and nothing opens with other content.

    The few bits that change nothing lie outside the encryption: the magic at the start and labels in the
    key material. The object's own SHA-256 covers them.
    """
    file = tmp_path / "file.parquet"
    file.write_bytes(written(ring))
    run = subprocess.run(
        [sys.executable, "-m", "tests.keys.parquet_flips", str(ring.folder), str(file)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = run.stdout.splitlines()
    assert run.returncode == 0, (lines[-1:], run.stderr)
    data = file.read_bytes()
    assert len(lines) == 8 * len(data)
    outcomes = [line.split(" ", 2) for line in lines]
    assert {outcome for _, _, outcome in outcomes} == {"same", "Damaged", "KeyUnavailable"}
    material_start, material_end = data.index(b'{"keyMaterialType'), data.index(b"}\x00", len(data) // 4)
    around = range(material_start - 20, material_end + 8)
    for place, _, outcome in outcomes:
        if outcome == "same":
            assert int(place) < 4 or int(place) in around


def test_every_truncation_is_damage(ring: KeyRing) -> None:
    data = written(ring)
    for size in range(0, len(data), 7):
        with pytest.raises((Damaged, KeyUnavailable)):
            read(ring, data[:size])
        with pytest.raises(Damaged):
            key_material(data[:size])


@given(st.binary(max_size=300))
def test_key_material_of_arbitrary_bytes_is_damage(data: bytes) -> None:
    tail = len(data).to_bytes(4, "little") + b"PARE"
    for candidate in (data, data + b"PARE", data + tail, b"\x1c\x00\x18" + data + tail):
        with pytest.raises(Damaged):
            key_material(candidate)


@pytest.mark.parametrize(
    "material",
    [
        b"[" * 3000,
        b"{}",
        b'{"keyMaterialType":"PKMT2","internalStorage":true}',
        b'{"keyMaterialType":"PKMT1","internalStorage":false}',
        b'{"keyMaterialType":"PKMT1","internalStorage":true,"doubleWrapping":true}',
        b'{"keyMaterialType":"PKMT1","internalStorage":true,"doubleWrapping":false,"wrappedDEK":5}',
        b'{"keyMaterialType":"PKMT1","internalStorage":true,"doubleWrapping":false,"wrappedDEK":"!"}',
    ],
)
def test_key_material_of_another_form_is_refused(material: bytes) -> None:
    length = bytes([len(material) & 127 | 128, len(material) >> 7])
    metadata = b"\x1c\x1c\x00\x00\x18" + length + material + b"\x00"
    with pytest.raises(Damaged, match="key"):
        key_material(b"PARE" + metadata + len(metadata).to_bytes(4, "little") + b"PARE")


def test_many_threads_write_and_read(ring: KeyFiles) -> None:
    def roundtrip(number: int) -> bool:
        table = pa.table({"number": [number] * 100})
        sink = io.BytesIO()
        pq.write_table(table, sink, encryption_properties=ring.encryption("messages"))
        return bool(read(ring, sink.getvalue()).equals(table))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(roundtrip, range(100)))
