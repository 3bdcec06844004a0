"""Reads the copies of one object and opens it once: the only place of a verification that fetches bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.core.errors import (
    Damaged,
    Forged,
    KeyUnavailable,
    NotFound,
    SettingsError,
    SiteUnavailable,
)
from vanvault.archiver.core.format.batches import decode_hashed
from vanvault.archiver.core.format.encrypted import key_material
from vanvault.archiver.core.format.framed import open_framed, read_header
from vanvault.archiver.core.key_port import KeyProvider, parse_key_id
from vanvault.archiver.core.names import ObjectName
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.replicas import read_listed
from vanvault.archiver.stores import SiteReader, StoredVersion
from vanvault.recovery.objects import Copies
from vanvault.recovery.verify.contents import (
    Content,
    ForgedContent,
    Sealed,
    Undecipherable,
    batch_content,
    large_content,
)


@dataclass(frozen=True, slots=True)
class CopyRead:
    """One version at one site, as it came back."""

    site: str
    version: StoredVersion
    sha256: bytes | None  # None: not read
    size: int = 0  # bytes that were read
    failure: str = ""  # why it could not be read
    gone: bool = False  # it was listed, but is not there


@dataclass(frozen=True, slots=True)
class ObjectRead:
    """All copies of one object, without their bytes."""

    copies: tuple[CopyRead, ...]  # by site, newest version first
    content: Content | None  # None: no copy holds the bytes of the name
    messages: int = 0
    events: int = 0


def nobody(key_id: str) -> Ed25519PublicKey:
    """Trusts no signing key. Raises KeyUnavailable."""
    raise KeyUnavailable(f"there is no public key {key_id}")


class ObjectReader:
    """Safe to share between threads."""

    def __init__(
        self,
        sites: Mapping[str, SiteReader],
        *,
        archive: str,
        parquet: ParquetKeys,
        keys: KeyProvider,
        public_key: Callable[[str], Ed25519PublicKey] = nobody,
    ) -> None:
        """``public_key``: gives the signing keys that this archive trusts, for segments and receipts."""
        self._sites = sites
        self._keys = keys
        self.archive = archive
        self.parquet = parquet
        self.public_key = public_key

    def read(self, name: ObjectName, copies: Copies) -> ObjectRead:
        """Every version at every site, each byte hashed once; the right bytes are opened once.

        Raises nothing about the object or a site: what went wrong is in the result.
        """
        reads, good = self.copies(name, copies)
        if good is None:
            return ObjectRead(reads, None)
        return self._opened(name, good, reads)

    def copies(self, name: ObjectName, copies: Copies) -> tuple[tuple[CopyRead, ...], bytes | None]:
        """Every version at every site, and the bytes of the name where one holds them."""
        reads: list[CopyRead] = []
        good: bytes | None = None
        for site, versions in copies.at.items():
            for version in versions:
                read, data = self._read(site, version)
                reads.append(read)
                if good is None and read.sha256 == name.sha256:
                    good = data
                del data
        return tuple(reads), good

    def sealed(self, master_key: str, error: KeyUnavailable) -> Sealed:
        """An object that the master key which it names did not open."""
        return Sealed(master_key, self._holds(master_key), error.message)

    def _read(self, site: str, version: StoredVersion) -> tuple[CopyRead, bytes | None]:
        """One version, with its lock."""
        try:
            data, version = read_listed(self._sites[site], version)
            digest = hashlib.sha256(data).digest()
        except NotFound as error:
            return CopyRead(site, version, None, failure=error.message, gone=True), None
        except (Damaged, SiteUnavailable, SettingsError) as error:
            return CopyRead(site, version, None, failure=error.message), None
        return CopyRead(site, version, digest, len(data)), data

    def _opened(self, name: ObjectName, data: bytes, copies: tuple[CopyRead, ...]) -> ObjectRead:
        master_key = ""
        try:
            self.parquet.proved(name.key)
            if name.family == "large":
                master_key = read_header(data).key.key_id
                return ObjectRead(copies, large_content(self._framed(name.key, data), master_key))
            master_key = key_material(data).key_id  # and a plain Parquet file stops here
            found = decode_hashed(name.key, data, self.parquet)
            header = found.header
            content = batch_content(
                name, header, found.columns, found.bodies, master_key, archive=self.archive
            )
            events = header.rows if header.kind == "events" else 0
            return ObjectRead(copies, content, header.rows - events, events)
        except KeyUnavailable as error:
            return ObjectRead(copies, self.sealed(master_key, error))
        except Forged as error:
            return ObjectRead(copies, ForgedContent(error.message))
        except Damaged as error:
            return ObjectRead(copies, Undecipherable(error.message))
        except (KeyError, TypeError, ValueError) as error:
            # Columns or values that the format does not have; the text may hold what a row holds.
            return ObjectRead(
                copies, Undecipherable(f"its columns are not the format's: {type(error).__name__}")
            )

    def _framed(self, key: str, data: bytes) -> bytes:
        return open_framed(data, partial(self.parquet.data_key, key))

    def _holds(self, master_key: str) -> bool:
        """Does the provider have a sound key of this id?"""
        try:
            purpose, version = parse_key_id(master_key)
            self._keys.derive(master_key, b"vanvault-verify-v1")
            return version in self._keys.versions(purpose)
        except KeyUnavailable:
            return False
