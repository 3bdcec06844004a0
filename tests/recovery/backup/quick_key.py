"""A restic key file whose password is checked quickly, for repositories that hold nothing but test data.

Every restic command derives the key from the password anew, with scrypt as slow as the machine that made the
repository allows. The format is restic's own (its doc/design.rst, "Keys, Encryption and MAC").
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

_QUICK = {"N": 1024, "r": 8, "p": 1}
_BLOCK = 16


def make_quick(repository: Path, password: str) -> None:
    """Seal the repository's master key again, under the same password."""
    (old,) = (repository / "keys").iterdir()
    fields = json.loads(old.read_text())
    sealed = base64.b64decode(fields["data"])
    encrypting, _, _ = _derived(password, fields)
    master = _crypted(encrypting, sealed[:_BLOCK], sealed[_BLOCK:-_BLOCK])

    fields |= _QUICK
    fields["salt"] = base64.b64encode(os.urandom(64)).decode()
    encrypting, mac_k, mac_r = _derived(password, fields)
    nonce = os.urandom(_BLOCK)
    data = _crypted(encrypting, nonce, master)
    tag = Poly1305.generate_tag(mac_r + _masked(mac_k, nonce), data)
    fields["data"] = base64.b64encode(nonce + data + tag).decode()

    text = json.dumps(fields).encode()
    (repository / "keys" / hashlib.sha256(text).hexdigest()).write_bytes(text)
    old.unlink()


def _derived(password: str, fields: dict[str, object]) -> tuple[bytes, bytes, bytes]:
    """AES-256 key, and k and r of Poly1305-AES."""
    cost, blocks, lanes = (int(str(fields[name])) for name in ("N", "r", "p"))
    salt = base64.b64decode(str(fields["salt"]))
    key = hashlib.scrypt(password.encode(), salt=salt, n=cost, r=blocks, p=lanes, maxmem=2**28, dklen=64)
    return key[:32], key[32:48], key[48:]


def _crypted(key: bytes, nonce: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(nonce)).encryptor().update(data)


def _masked(key: bytes, nonce: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(nonce)
