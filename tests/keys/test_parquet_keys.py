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

from vanvault.archiver.core.errors import Damaged, KeyUnavailable
from vanvault.archiver.core.format.encrypted import key_material, opened
from vanvault.archiver.core.key_port import Purpose
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import KeyFiles
from vanvault.archiver.keys.parquet import ParquetKeys

ENTROPY = SystemEntropy()
TABLE = pa.table({"row": [1, 2, 3], "body": [b"first", b"second", b"third secret"]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def provider(folder: Path) -> KeyFiles:
    return KeyFiles.create(folder, ENTROPY)


def written(provider: KeyFiles, purpose: Purpose = "originals", table: pa.Table = TABLE) -> bytes:
    properties, _ = ParquetKeys(provider).encryption(purpose)
    sink = io.BytesIO()
    pq.write_table(table, sink, encryption_properties=properties)
    return sink.getvalue()


def read(provider: KeyFiles, data: bytes) -> pa.Table:
    with opened(data, ParquetKeys(provider).decryption(), "batch/x") as file:
        return file.read(use_threads=False)


def test_a_file_comes_back_under_the_key_that_it_names(provider: KeyFiles) -> None:
    _, key_id = ParquetKeys(provider).encryption("log")
    data = written(provider, "log")
    assert key_id == key_material(data).key_id == "log/1"
    assert read(provider, data).equals(TABLE)


def test_nothing_of_the_content_is_readable(provider: KeyFiles) -> None:
    data = written(provider)
    assert data[:4] == data[-4:] == b"PARE"  # encrypted footer
    for plain in (b"first", b"third secret", b"body", b"row", b"parquet-cpp"):
        assert plain not in data


def test_an_independent_reader_opens_the_footer(provider: KeyFiles) -> None:
    """With the wrapped key, AES-256-GCM and the Parquet encryption specification alone (4.1, 4.4, 5.1)."""
    data = written(provider)
    material = key_material(data)
    data_key = provider.unwrap(material.key_id, material.wrapped)
    assert len(data_key) == 32
    length = int.from_bytes(data[-8:-4], "little")
    metadata = data[-8 - length : -8]
    # EncryptionAlgorithm.AES_GCM_V1 (not GCM_CTR), no AAD prefix, then aad_file_unique of 8 bytes.
    assert metadata[:4] == b"\x1c\x1c\x28\x08"
    aad_file_unique = metadata[4:12]
    assert metadata[12:16] == b"\x12\x00\x00\x18"
    module = metadata[metadata.index(b"}\x00") + 2 :]
    size = int.from_bytes(module[:4], "little")
    assert len(module) == 4 + size
    footer = AESGCM(data_key).decrypt(module[4:16], module[16:], aad_file_unique + b"\x00")
    assert b"row" in footer
    assert b"body" in footer
    with pytest.raises(InvalidTag):
        AESGCM(data_key).decrypt(module[4:16], module[16:], aad_file_unique + b"\x01")


def test_key_material_is_found_in_the_tail(provider: KeyFiles) -> None:
    data = written(provider)
    tail = int.from_bytes(data[-8:-4], "little") + 8
    assert key_material(memoryview(data)[-tail:]) == key_material(data)
    with pytest.raises(Damaged):
        key_material(data[1 - tail :])


def test_every_file_has_its_own_data_key(provider: KeyFiles) -> None:
    keys = set()
    for _ in range(5):
        material = key_material(written(provider))
        keys.add(provider.unwrap(material.key_id, material.wrapped))
    assert len(keys) == 5


def test_after_a_rotation_old_files_open_and_new_ones_use_the_new_key(provider: KeyFiles) -> None:
    keys = ParquetKeys(provider)
    old = written(provider)
    provider.rotate("originals")
    assert keys.encryption("originals")[1] == "originals/2"
    new = written(provider)
    assert key_material(new).key_id == "originals/2"
    assert read(provider, old).equals(TABLE)
    assert read(provider, new).equals(TABLE)


def test_a_rotation_at_the_wrong_moment_fails_no_write(provider: KeyFiles, folder: Path) -> None:
    class RotatedMeanwhile(KeyFiles):
        rotations = 1

        def wrap(self, key_id: str, data_key: bytes) -> bytes:
            if self.rotations:
                self.rotations -= 1
                provider.rotate("originals")
            return super().wrap(key_id, data_key)

    _, key_id = ParquetKeys(RotatedMeanwhile(folder, ENTROPY)).encryption("originals")
    assert key_id == "originals/2"


def test_without_its_master_key_a_file_does_not_open(
    provider: KeyFiles, folder: Path, tmp_path: Path
) -> None:
    data = written(provider)
    keys = ParquetKeys(provider)
    with opened(data, keys.decryption()) as file:  # whatever pyarrow caches is warm then
        assert file.metadata.num_rows == 3
    (folder / "originals-1.key").rename(tmp_path / "away")
    with pytest.raises(KeyUnavailable, match="originals/1 is missing"), opened(data, keys.decryption()):
        pass
    with pytest.raises(KeyUnavailable, match="no master key"):
        keys.encryption("originals")
    other = KeyFiles.create(tmp_path / "other", ENTROPY)
    with pytest.raises(KeyUnavailable, match="not the one"):
        read(other, data)


def test_who_holds_the_log_key_alone_reads_no_original(provider: KeyFiles, folder: Path) -> None:
    original, log = written(provider, "originals"), written(provider, "log")
    (folder / "originals-1.key").unlink()
    auditor = KeyFiles(folder, ENTROPY)
    assert read(auditor, log).equals(TABLE)
    with pytest.raises(KeyUnavailable):
        read(auditor, original)


def test_a_plain_file_in_the_place_of_an_encrypted_one_is_refused(provider: KeyFiles) -> None:
    """Who can write to a store but holds no key must not be able to add what reads as a batch."""
    sink = io.BytesIO()
    pq.write_table(TABLE, sink)
    plain = sink.getvalue()
    signed_footer = b"PARE" + plain[4:]
    for forged in (plain, signed_footer, plain[:-4] + b"PARE", signed_footer[:-4] + b"PARE", b"", b"PARE"):
        with pytest.raises((Damaged, KeyUnavailable)):
            read(provider, forged)
        with pytest.raises(Damaged):
            key_material(forged)


def test_damage_is_named_with_its_object(provider: KeyFiles) -> None:
    data = bytearray(written(provider))
    data[40] ^= 1
    with pytest.raises(Damaged) as caught:
        read(provider, bytes(data))
    assert caught.value.key == "batch/x"
    assert caught.value.__cause__ is not None


def test_every_flipped_bit_is_an_error_or_changes_nothing(
    provider: KeyFiles, folder: Path, tmp_path: Path
) -> None:
    """Nothing aborts the process, and nothing opens with other content.

    The few bits that change nothing lie outside the encryption: the magic at the start and labels in the
    key material. The object's own SHA-256 covers them.
    """
    file = tmp_path / "file.parquet"
    file.write_bytes(written(provider))
    script = Path(__file__).with_name("parquet_flips.py")
    run = subprocess.run(
        [sys.executable, str(script), str(folder), str(file)], capture_output=True, text=True, timeout=120
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


def test_every_truncation_is_damage(provider: KeyFiles) -> None:
    data = written(provider)
    for size in range(0, len(data), 7):
        with pytest.raises((Damaged, KeyUnavailable)):
            read(provider, data[:size])
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


def test_many_threads_write_and_read(provider: KeyFiles) -> None:
    keys = ParquetKeys(provider)

    def roundtrip(number: int) -> bool:
        table = pa.table({"number": [number] * 100})
        sink = io.BytesIO()
        pq.write_table(table, sink, encryption_properties=keys.encryption("originals")[0])
        with opened(sink.getvalue(), keys.decryption()) as file:
            return bool(file.read(use_threads=False).equals(table))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(roundtrip, range(100)))
