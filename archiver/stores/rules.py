"""Rules that every store enforces before it touches a disk or a network. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from vanvault.archiver.core.errors import InvalidInput

MAX_KEY = 512  # characters; S3 allows 1,024 bytes
MAX_DEPTH = 32  # parts; who walks through folders goes no deeper, whatever lies there
MAX_PART = 200  # characters between slashes; leaves a file system's 255 room for what a store appends

_PART = re.compile(r"[a-z0-9._-]+")
_DIGEST_SIZE = 32  # SHA-256


def check_key(key: str) -> str:
    """``key`` itself, if it is 1..512 characters of ``[a-z0-9._/-]`` in 1 to 32 parts that are good names.

    A part (the text between slashes) has 1 to 200 characters and is neither ``.`` nor ``..``, so
    that a key cannot leave the folder or bucket it is joined to. Raises InvalidInput.
    """
    if not 1 <= len(key) <= MAX_KEY:
        raise InvalidInput(f"an object key has 1 to {MAX_KEY} characters, not {len(key)}", field="key")
    parts = key.split("/")
    if len(parts) > MAX_DEPTH:
        raise InvalidInput(f"an object key has at most {MAX_DEPTH} parts, not {len(parts)}", field="key")
    for part in parts:
        if part in ("", ".", "..") or len(part) > MAX_PART or _PART.fullmatch(part) is None:
            raise InvalidInput(
                "an object key consists of parts of a-z, 0-9, '.', '_' and '-', joined by '/', each of 1 to "
                f"{MAX_PART} characters and neither '.' nor '..'",
                field="key",
            )
    return key


def printable(text: str, most: int = 300) -> str:
    """A name that a stranger chose, as it is safe to show: printable ASCII, bounded; the rest is escaped."""
    shown = text if text.isascii() and text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= most else f"{shown[:most]}..."


def is_key(text: str) -> bool:
    """Whether ``text`` obeys the key grammar."""
    try:
        check_key(text)
    except InvalidInput:
        return False
    return True


def check_digest(sha256: bytes) -> bytes:
    """``sha256`` itself, if it has the 32 bytes of a SHA-256. Raises InvalidInput."""
    if len(sha256) != _DIGEST_SIZE:
        raise InvalidInput(f"a SHA-256 digest has {_DIGEST_SIZE} bytes, not {len(sha256)}", field="sha256")
    return sha256


def check_retain_until(retain_until: datetime, now: datetime) -> datetime:
    """``retain_until`` in UTC, if it is aware, in whole seconds and after ``now``. Raises InvalidInput."""
    if retain_until.tzinfo is None:
        raise InvalidInput("retain-until needs a time zone", field="retain_until")
    if retain_until.microsecond:
        raise InvalidInput("retain-until is given in whole seconds", field="retain_until")
    if retain_until <= now:
        raise InvalidInput(
            f"retain-until {retain_until.isoformat()} is not later than the site's clock, {now.isoformat()}",
            field="retain_until",
        )
    return retain_until.astimezone(UTC)


def check_range(offset: int, length: int) -> None:
    """Raises InvalidInput unless both are 0 or more."""
    if offset < 0 or length < 0:
        raise InvalidInput("a byte range starts at 0 or later and is not of negative length", field="range")
