"""The digest that a key promises: the one place in this room that knows how keys spell it."""

from __future__ import annotations

import re

#: The last part of a key is ``[anything-]<sha256>[.suffix]``, whatever its family.
_LAST = re.compile(r"(?:[a-z0-9._-]*-)?(?P<sha256>[0-9a-f]{64})(?:\.[a-z0-9._-]+)?")
_KEY = re.compile(r"[a-z0-9._-]+(?:/[a-z0-9._-]+)+")
_LONGEST = 512


def digest_in(key: str) -> bytes | None:
    """The SHA-256 (32 bytes) of the object's stored bytes; None: no well-formed key of an archive object."""
    if len(key) > _LONGEST or not _KEY.fullmatch(key) or {".", ".."} & set(key.split("/")):
        return None
    match = _LAST.fullmatch(key.rpartition("/")[2])
    return bytes.fromhex(match["sha256"]) if match else None


def family_of(key: str) -> str:
    """The first part of a key, such as ``batch``."""
    return key.partition("/")[0]
