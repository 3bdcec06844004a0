"""How a master key wraps a data key: part of the archive's format.

::

    offset  bytes  what
         0      1  form, 0x01
         1     12  nonce, random
        13     32  data key under AES-256-GCM (NIST SP 800-38D)
        45     16  GCM tag

Additional data: ``vanvault-data-key-v1``, the id of the master key, and what the data key is bound to:
archive, family, writer, sequence (ten digits) and kind of its object, with a zero byte between each two. So a
wrapped key opens under its own master and its own id, and for its own object only. Random nonces stay safe
below 2**32 wraps per master (SP 800-38D, 8.3); a rotation each year keeps far below that.
"""

from __future__ import annotations

from typing import Protocol

from cryptography.exceptions import InvalidTag

from vanvault.archiver.core.errors import KeyUnavailable
from vanvault.archiver.core.key_port import KEY_BYTES

FORM = 1
NONCE_BYTES = 12
#: Bytes of a wrapped 32-byte data key.
WRAPPED_BYTES = 1 + NONCE_BYTES + KEY_BYTES + 16


class Cipher(Protocol):
    """AES-256-GCM under one master key; ``AESGCM`` is one."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """The bytes under the key, and the tag (16 bytes)."""
        ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """The bytes. Raises InvalidTag when they are not what was encrypted with this key."""
        ...


def wrap_with(master: Cipher, key_id: str, data_key: bytes, nonce: bytes, context: bytes) -> bytes:
    """The wrapped form (61 bytes) of a 32-byte data key; ``nonce`` is 12 fresh random bytes.

    Raises KeyUnavailable for a data key of another size, which no reader would accept.
    """
    if len(data_key) != KEY_BYTES:
        raise KeyUnavailable(f"A data key has {KEY_BYTES} bytes, not {len(data_key)}.")
    return bytes([FORM]) + nonce + master.encrypt(nonce, data_key, additional(key_id, context))


def unwrap_with(master: Cipher, key_id: str, wrapped: bytes, context: bytes) -> bytes:
    """The data key (32 bytes). Raises KeyUnavailable when this master did not wrap these bytes."""
    if len(wrapped) != WRAPPED_BYTES or wrapped[0] != FORM:
        raise KeyUnavailable(
            f"The wrapped data key under {key_id} has a form that this version does not know.",
            hint="The bytes are damaged, or a newer version wrote them.",
        )
    nonce, sealed = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
    try:
        return master.decrypt(nonce, sealed, additional(key_id, context))
    except InvalidTag as error:
        raise KeyUnavailable(
            f"The master key {key_id} is not the one that wrapped the data key of {_object(context)}.",
            hint="Restore the right key from escrow. If its check value fits, the bytes are damaged, or"
            " somebody who has a signing key made this object: runbooks/signing-key-stolen.",
        ) from error


def _object(context: bytes) -> str:
    """Which object this is the context of, for people."""
    return "/".join(context.decode(errors="replace").split("\0")[1:]) or "this object"


def additional(key_id: str, context: bytes) -> bytes:
    """The additional data of a data key under this master, for the object of this context."""
    return b"vanvault-data-key-v1\0" + key_id.encode() + b"\0" + context
