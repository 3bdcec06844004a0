"""An encrypted Parquet file as bytes: opening it, and the wrapped data key that it names.

What stands outside the encryption (the key material and the lengths around it) is not authenticated by
Parquet. So a reader checks the SHA-256 of the whole object against its name first, and opens it then.

Read from the open file with ``use_threads=False``. ``pq.read_table`` with threads is not fit for a short
process: its workers may let go of Python's buffers after the interpreter has begun to end, which aborts
the process (apache/arrow#33975).

Who wrote an object, and what opens it, comes in as ``ObjectKeys``, which a room with keys makes
(``keys/parquet.py``).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import orjson
import pyarrow as pa

from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.key_port import WrappedKey
from vanvault.archiver.core.names import ObjectName

if TYPE_CHECKING:
    import pyarrow.parquet as pq
    import pyarrow.parquet.encryption as pe

MAGIC = b"PARE"
# FileCryptoMetaData is a few hundred bytes; the footer that follows it is read by Parquet alone.
_MATERIAL_LIMIT = 4096


class ObjectKeys(Protocol):
    """What a reader of one archive's objects goes by: who may write them, and what opens them."""

    @property
    def archive(self) -> str:
        """The archive's id."""
        ...

    def proved(self, key: str) -> ObjectName:
        """The name of an object of this archive. Raises Forged: no trusted key signed it."""
        ...

    def is_signed(self, signing_key: str, signature: bytes, statement: bytes) -> bool:
        """Did a key that the archive trusts sign this, which stands in an object whose name is proved?"""
        ...

    def data_key(self, key: str, wrapped: WrappedKey) -> bytes:
        """The data key of this object. Raises Forged, KeyUnavailable."""
        ...

    def decryption(self, key: str) -> pe.FileDecryptionProperties:
        """What opens this object and no other; reading the file raises KeyUnavailable, Forged.

        Raises Forged, as ``proved`` does.
        """
        ...


@contextmanager
def opened(data: bytes | memoryview, keys: ObjectKeys, key: str) -> Iterator[pq.ParquetFile]:
    """The encrypted Parquet file of the object ``key``, in memory, open within the block.

    Raises Forged when no trusted key signed the name, or its data key is not one of such objects. Raises, at
    opening and for whatever the block reads from the file: Damaged when a part does not decrypt or the file
    is not encrypted at all, KeyUnavailable when its master key is missing or another.
    """
    import pyarrow.parquet as pq  # takes 9 ms to load, and new batches and most searches do without

    decryption = keys.decryption(key)
    if data[:4] != MAGIC or data[-4:] != MAGIC:
        raise Damaged("This is not a Parquet file with an encrypted footer.", key=key)
    with reading(key), pq.ParquetFile(pa.BufferReader(data), decryption_properties=decryption) as file:
        yield file


@contextmanager
def reading(key: str = "") -> Iterator[None]:
    """Turn what pyarrow raises over the bytes of one object, already in memory, into Damaged.

    KeyUnavailable and Forged pass. ``key`` is the object's name, for the error.
    """
    try:
        yield
    except MemoryError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        raise Damaged("The encrypted Parquet file is not whole: it does not decrypt.", key=key) from error


def key_material(file: bytes | memoryview) -> WrappedKey:
    """The master key that a Parquet file needs, and its wrapped data key: read without any key.

    ``file`` is the whole file or its tail, from the FileCryptoMetaData on. Raises Damaged.
    """
    tail = memoryview(file)
    length = int.from_bytes(tail[-8:-4], "little")
    if len(tail) < 8 or tail[-4:] != MAGIC or not 0 < length <= len(tail) - 8:
        raise Damaged("This is not a Parquet file with an encrypted footer.")
    start = len(tail) - 8 - length
    metadata = bytes(tail[start : start + min(length, _MATERIAL_LIMIT)])
    try:
        material = orjson.loads(_key_metadata(metadata))
        if material["keyMaterialType"] != "PKMT1" or not material["internalStorage"]:
            raise Damaged("The key material of this Parquet file has a form that this version does not know.")
        if material["doubleWrapping"]:
            raise Damaged("The data key of this Parquet file is wrapped twice, which no archive writes.")
        wrapped = base64.b64decode(material["wrappedDEK"], validate=True)
        return WrappedKey(str(material["masterKeyID"]), wrapped)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise Damaged("The key material of this Parquet file cannot be read.") from error


# FileCryptoMetaData in Thrift's compact protocol: a struct of 1: EncryptionAlgorithm, 2: binary
# key_metadata. Field headers are one byte: distance to the last field id, then the type.
_STOP, _TRUE, _FALSE, _BINARY, _STRUCT = 0, 1, 2, 8, 12


def _key_metadata(data: bytes) -> bytes:
    position = 0
    field = 0
    while (header := data[position]) != _STOP:
        position += 1
        field += header >> 4
        kind = header & 15
        if field == 2 and kind == _BINARY:
            start, end = _binary(data, position)
            return data[start:end]
        position = _skip(data, position, kind)
    raise ValueError("no key metadata")


def _skip(data: bytes, position: int, kind: int, depth: int = 0) -> int:
    """The position after a value of the kinds that occur in EncryptionAlgorithm."""
    if kind in (_TRUE, _FALSE):
        return position
    if kind == _BINARY:
        return _binary(data, position)[1]
    if kind == _STRUCT and depth < 4:
        while (header := data[position]) != _STOP:
            position = _skip(data, position + 1, header & 15, depth + 1)
        return position + 1
    raise ValueError("not a FileCryptoMetaData")


def _binary(data: bytes, position: int) -> tuple[int, int]:
    length = shift = 0
    while True:
        byte = data[position]
        position += 1
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    if position + length > len(data):
        raise ValueError("a value goes beyond the end")
    return position, position + length
