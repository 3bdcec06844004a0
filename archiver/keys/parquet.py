"""Bridge between a KeyProvider and Parquet Modular Encryption, and between object trust and who reads.

Written are: a fresh 256-bit data key for the footer and all columns of one file (uniform), AES_GCM_V1,
encrypted footer, no AAD prefix, single wrapping, the wrapped key inside the file (internal key material).
The data key is bound to its object when it is wrapped, so properties serve one object only.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from vanvault.archiver.core.errors import Forged, KeyUnavailable
from vanvault.archiver.core.key_port import (
    CHANCE_BYTES,
    KEY_BYTES,
    FreshKey,
    KeyProvider,
    Purpose,
    WrappedKey,
    purpose_of,
    unwrap_data_key,
)
from vanvault.archiver.core.names import ObjectName, ObjectSubject
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.keys.object_trust import ObjectTrust

if TYPE_CHECKING:
    import pyarrow.parquet.encryption as pe

_T = TypeVar("_T")


class ParquetKeys:
    """What encrypts an archive's Parquet objects, and what its readers go by; many threads may call."""

    def __init__(self, provider: KeyProvider, trust: ObjectTrust, *, waiting: bool = False) -> None:
        """``waiting``: opens what a revoked key signed and nobody accepted yet, too."""
        self.provider = provider
        self._trust = trust
        self._waiting = waiting
        # Which master wrapped last: a provider refuses to wrap under one that is not the newest any more.
        self._masters: dict[Purpose, str] = {}

    def with_what_waits(self) -> ParquetKeys:
        """Keys that also open what waits since its signing key was revoked: to look, not to believe."""
        return ParquetKeys(self.provider, self._trust, waiting=True)

    @property
    def archive(self) -> str:
        """The archive's id."""
        return self._trust.archive

    def proved(self, key: str) -> ObjectName:
        """The name of an object of this archive. Raises Forged, KeyUnavailable (the key folder)."""
        judged = self._trust.judge(key)
        stands = judged.reason is None or (self._waiting and judged.reason == "revoked-key")
        if judged.name is None or not stands:
            raise Forged(
                f"{key[:300]} is no object of this archive: no key that it trusts signed this name",
                key=key,
                unproved=True,
            )
        return judged.name

    def is_signed(self, signing_key: str, signature: bytes, statement: bytes) -> bool:
        """Did a key that the archive trusts sign this, within a proved object? Raises KeyUnavailable."""
        return self._trust.is_signed(signing_key, signature, statement)

    def data_key(self, key: str, wrapped: WrappedKey) -> bytes:
        """The data key (32 bytes) of this object. Raises Forged, KeyUnavailable."""
        return unwrap_data_key(self.provider, self.proved(key).subject(self.archive), wrapped)

    def encryption(
        self, subject: ObjectSubject, made: list[tuple[bytes, WrappedKey]] | None = None
    ) -> tuple[pe.FileEncryptionProperties, str]:
        """Properties for one new object, with a fresh data key, and the id of the master key that wraps it.

        ``made``: gets the data key. Raises KeyUnavailable.
        """
        return self._under_newest(subject, lambda master: self._encryption(subject, master, made))

    def fresh_key(self, subject: ObjectSubject, entropy: Entropy) -> FreshKey:
        """What ``encode_batch`` encrypts one new object with. Raises KeyUnavailable."""
        data_key = entropy.token(KEY_BYTES)
        wrapped, master = self._under_newest(
            subject, lambda master: self.provider.wrap(master, data_key, subject.context)
        )
        return FreshKey(data_key, WrappedKey(master, wrapped), entropy.token(CHANCE_BYTES))

    def _under_newest(self, subject: ObjectSubject, make: Callable[[str], _T]) -> tuple[_T, str]:
        """What is made under the master that wraps now, and that master's id. Raises KeyUnavailable."""
        purpose = purpose_of(subject.kind)
        master = self._masters.get(purpose) or self.provider.active(purpose)
        try:
            made = make(master)
        except KeyUnavailable:
            # Another process may have rotated since; then the new version wraps.
            newer = self.provider.active(purpose)
            if newer == master:
                raise
            master, made = newer, make(newer)
        self._masters[purpose] = master
        return made, master

    def encryption_of_part(
        self, subject: ObjectSubject
    ) -> tuple[pe.FileEncryptionProperties, bytes, WrappedKey]:
        """``encryption`` of a part, with its data key, and that as the file names it.

        What lies in the part beside its Parquet is sealed under a key derived from it. Raises KeyUnavailable.
        """
        made: list[tuple[bytes, WrappedKey]] = []
        properties, _ = self.encryption(subject, made)
        data_key, wrapped = made[-1]
        return properties, data_key, wrapped

    def decryption(self, key: str) -> pe.FileDecryptionProperties:
        """Properties that open this object and no other, under whatever master key of its purpose it names.

        They would let a plain file pass, so open files with ``opened``, which does not. Raises Forged.
        """
        factory = self._factory(self.proved(key).subject(self.archive))
        return factory.file_decryption_properties(_connection())

    def _encryption(
        self, subject: ObjectSubject, master: str, made: list[tuple[bytes, WrappedKey]] | None
    ) -> pe.FileEncryptionProperties:
        import pyarrow.parquet.encryption as pe

        configuration = pe.EncryptionConfiguration(
            footer_key=master,
            uniform_encryption=True,
            encryption_algorithm="AES_GCM_V1",
            plaintext_footer=False,
            double_wrapping=False,
            internal_key_material=True,
            data_key_length_bits=8 * KEY_BYTES,
        )
        return self._factory(subject, made).file_encryption_properties(_connection(), configuration)

    def _factory(
        self, subject: ObjectSubject, made: list[tuple[bytes, WrappedKey]] | None = None
    ) -> pe.CryptoFactory:
        # One for each object: it makes the client that binds data keys, and costs 3 microseconds.
        import pyarrow.parquet.encryption as pe

        client = _client()
        return pe.CryptoFactory(lambda _: client(self.provider, subject, made))


# Parquet's own encryption takes 9 ms to load. New batches and searches do without it, so what needs it
# comes with the first object that does.


@cache
def _connection() -> pe.KmsConnectionConfig:
    import pyarrow.parquet.encryption as pe

    return pe.KmsConnectionConfig()


@cache
def _client() -> Callable[..., Any]:
    import pyarrow.parquet.encryption as pe

    class Client(pe.KmsClient):  # type: ignore[misc]
        """What pyarrow takes for a key management service: wraps and unwraps the data key of one object."""

        def __init__(
            self, provider: KeyProvider, subject: ObjectSubject, made: list[tuple[bytes, WrappedKey]] | None
        ) -> None:
            super().__init__()
            self._provider = provider
            self._subject = subject
            self._made = made

        def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
            wrapped = self._provider.wrap(master_key_identifier, key_bytes, self._subject.context)
            if self._made is not None:
                self._made.append((key_bytes, WrappedKey(master_key_identifier, wrapped)))
            return base64.b64encode(wrapped)

        def unwrap_key(self, wrapped_key: str, master_key_identifier: str) -> bytes:
            try:
                wrapped = base64.b64decode(wrapped_key, validate=True)
            except ValueError as error:
                raise KeyUnavailable("The wrapped data key of a Parquet file is damaged.") from error
            return unwrap_data_key(self._provider, self._subject, WrappedKey(master_key_identifier, wrapped))

    return Client
