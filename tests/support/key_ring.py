"""The keys of an archive without an archive: for tests of formats and of keys."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.support.names import family_with
from vanvault.archiver.core.key_port import FreshKey
from vanvault.archiver.core.names import ObjectKind, ObjectSubject
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import KeyFiles, ObjectSigner, ObjectTrust, SigningKey, SigningKeys
from vanvault.archiver.keys.parquet import ParquetKeys

ARCHIVE, WRITER = "archive-1", "0123456789abcdef"


@dataclass(frozen=True)
class KeyRing:
    """Masters and signing keys in one folder, and what is made of them."""

    folder: Path
    provider: KeyFiles
    signing: SigningKeys
    parquet: ParquetKeys
    names: ObjectSigner

    @classmethod
    def create(cls, folder: Path, archive: str = ARCHIVE) -> Self:
        entropy = SystemEntropy()
        SigningKeys.create(folder, entropy)
        provider = KeyFiles.create(folder, entropy)
        return cls.over(folder, provider, archive)

    @classmethod
    def over(cls, folder: Path, provider: KeyFiles, archive: str = ARCHIVE) -> Self:
        """The keys of a folder that has both, with another provider of masters."""
        signing = SigningKeys(folder)
        trust = ObjectTrust(archive, signing)
        return cls(folder, provider, signing, ParquetKeys(provider, trust), ObjectSigner(signing, trust))

    @property
    def signer(self) -> SigningKey:
        return self.signing.active()

    def subject(self, kind: ObjectKind, writer: str = WRITER, sequence: int = 0) -> ObjectSubject:
        return self.names.subject(family_with(kind), writer, sequence, kind)

    def encryption(self, kind: ObjectKind, writer: str = WRITER, sequence: int = 0) -> Any:
        """What encrypts one object."""
        return self.parquet.encryption(self.subject(kind, writer, sequence))[0]

    def fresh_key(self, kind: ObjectKind, writer: str = WRITER, sequence: int = 0) -> FreshKey:
        """What encrypts one batch."""
        return self.parquet.fresh_key(self.subject(kind, writer, sequence), SystemEntropy())

    def key_of(self, data: bytes, kind: ObjectKind, writer: str = WRITER, sequence: int = 0) -> str:
        """The signed key of an object with these bytes."""
        return self.names.sign_name(self.subject(kind, writer, sequence), hashlib.sha256(data).digest())
