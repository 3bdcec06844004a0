"""Bridge between a KeyProvider and Parquet Modular Encryption.

Written are: a fresh 256-bit data key for the footer and all columns of one file (uniform), AES_GCM_V1,
encrypted footer, no AAD prefix, single wrapping, the wrapped key inside the file (internal key material).
"""

from __future__ import annotations

import base64

import pyarrow.parquet.encryption as pe

from vanvault.archiver.core.errors import KeyUnavailable
from vanvault.archiver.core.key_port import KEY_BYTES, KeyProvider, Purpose


class ParquetKeys:
    """Makes the properties that pyarrow encrypts and decrypts Parquet files with; many threads may call."""

    def __init__(self, provider: KeyProvider) -> None:
        self.provider = provider
        self._connection = pe.KmsConnectionConfig()
        self._factory = pe.CryptoFactory(lambda _: _Client(provider))
        self._decryption = self._factory.file_decryption_properties(self._connection)

    def encryption(self, purpose: Purpose) -> tuple[pe.FileEncryptionProperties, str]:
        """Properties for one new file, with a fresh data key, and the id of the master key that wraps it.

        Properties serve one file only. Raises KeyUnavailable.
        """
        master = self.provider.active(purpose)
        try:
            return self._encryption(master), master
        except KeyUnavailable:
            # Another process may have rotated since ``active``; then the new version wraps.
            newer = self.provider.active(purpose)
            if newer == master:
                raise
            return self._encryption(newer), newer

    def decryption(self) -> pe.FileDecryptionProperties:
        """Properties for any number of files, each under whatever master key it names.

        They would let a plain file pass, so open files with ``opened``, which does not.
        """
        return self._decryption

    def _encryption(self, master: str) -> pe.FileEncryptionProperties:
        configuration = pe.EncryptionConfiguration(
            footer_key=master,
            uniform_encryption=True,
            encryption_algorithm="AES_GCM_V1",
            plaintext_footer=False,
            double_wrapping=False,
            internal_key_material=True,
            data_key_length_bits=8 * KEY_BYTES,
        )
        return self._factory.file_encryption_properties(self._connection, configuration)


class _Client(pe.KmsClient):  # type: ignore[misc]
    """What pyarrow takes for a key management service."""

    def __init__(self, provider: KeyProvider) -> None:
        super().__init__()
        self._provider = provider

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(self._provider.wrap(master_key_identifier, key_bytes))

    def unwrap_key(self, wrapped_key: str, master_key_identifier: str) -> bytes:
        try:
            wrapped = base64.b64decode(wrapped_key, validate=True)
        except ValueError as error:
            raise KeyUnavailable("The wrapped data key of a Parquet file is damaged.") from error
        return self._provider.unwrap(master_key_identifier, wrapped)
