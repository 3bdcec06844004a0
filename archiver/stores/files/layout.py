"""Names inside a file site: keys and versions to paths and back. Pure; byte level in ../LAYOUT.md.

A version id says when the version was stored and until when it was first locked, so that a
reader with key and version opens the file without a look into the folder, and so that no
second file has to be synced for the lock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

#: Characters of a key's last part that name its shard: 1,000 numbers of a ten-digit sequence share one.
SHARD = 7

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_MS_DIGITS = 9  # 45 bits of milliseconds since 1970: until the year 3084
_RANDOM_DIGITS = 6
RANDOM_BYTES = 4  # 30 of their bits are used
_DATE = "[0-9]{8}T[0-9]{6}Z"
_VERSION = re.compile(rf"([{_CROCKFORD}]{{{_MS_DIGITS}}})[{_CROCKFORD}]{{{_RANDOM_DIGITS}}}-({_DATE})")
_FILE = re.compile(rf"([a-z0-9._-]+)~([{_CROCKFORD}]{{15}}-{_DATE})(?:~({_DATE}))?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class VersionId:
    """A version id and what it tells: when it was stored (to the millisecond), its first retain-until."""

    id: str
    stored_at: datetime
    retain_until: datetime


@dataclass(frozen=True, slots=True)
class FileName:
    """One file of a shard folder: the data of a version, or an empty marker that extends its lock."""

    last: str  # last part of the key
    version: str
    stored_at: datetime
    retain_until: datetime  # of a marker: what it extends the lock to
    is_marker: bool


def date_text(moment: datetime) -> str:
    """UTC in the basic form of ISO 8601, ``20361122T235959Z``."""
    utc = moment.astimezone(UTC)
    return f"{utc.year:04d}{utc:%m%dT%H%M%SZ}"


def parse_date(text: str) -> datetime | None:
    """The reverse of ``date_text``; None when it is no date."""
    try:
        year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
        return datetime(year, month, day, int(text[9:11]), int(text[11:13]), int(text[13:15]), tzinfo=UTC)
    except ValueError:
        return None


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, rounded down."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def make_version(stored_ms: int, random: bytes, retain_until: datetime) -> VersionId:
    """A version id: 9 characters of time, 6 of chance, ``-``, the first retain-until. Sorts by time."""
    chance = _crockford(int.from_bytes(random[:RANDOM_BYTES], "big"), _RANDOM_DIGITS)
    text = f"{_crockford(stored_ms, _MS_DIGITS)}{chance}-{date_text(retain_until)}"
    return VersionId(text, _EPOCH + timedelta(milliseconds=stored_ms), retain_until)


def parse_version(version: str) -> VersionId | None:
    """What a version id tells; None when it is not one of this layout."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    stored_ms = 0
    for digit in match[1]:
        stored_ms = stored_ms * 32 + _CROCKFORD.index(digit)
    retain_until = parse_date(match[2])
    if retain_until is None:
        return None
    return VersionId(version, _EPOCH + timedelta(milliseconds=stored_ms), retain_until)


def folder_of(key: str) -> str:
    """The folder under ``objects`` that holds a key's files, such as ``batch/0abc…/~0000000``."""
    parents, _, last = key.rpartition("/")
    shard = f"~{last[:SHARD]}"
    return f"{parents}/{shard}" if parents else shard


def last_part(key: str) -> str:
    """The text after the last slash."""
    return key.rpartition("/")[2]


def data_name(key: str, version: str) -> str:
    """The name, within its folder, of the file with a version's bytes."""
    return f"{last_part(key)}~{version}"


def marker_name(key: str, version: str, retain_until: datetime) -> str:
    """The name, within its folder, of the empty file that extends a version's lock."""
    return f"{last_part(key)}~{version}~{date_text(retain_until)}"


def parse_file_name(name: str, shard: str) -> FileName | None:
    """What a name in the shard folder ``shard`` means; None for a file that this layout does not make."""
    match = _FILE.fullmatch(name)
    if match is None or f"~{match[1][:SHARD]}" != shard:
        return None
    version = parse_version(match[2])
    if version is None:
        return None
    retain_until = version.retain_until if match[3] is None else parse_date(match[3])
    if retain_until is None:
        return None
    return FileName(match[1], match[2], version.stored_at, retain_until, is_marker=match[3] is not None)


def may_hold(stem: str, prefix: str, after: str) -> bool:
    """Whether some key that starts with ``stem`` may start with ``prefix`` and be greater than ``after``."""
    return (stem.startswith(prefix) or prefix.startswith(stem)) and stem >= after[: len(stem)]


def _crockford(value: int, digits: int) -> str:
    """The lowest ``5 * digits`` bits of ``value`` in lowercase Crockford base32."""
    return "".join(_CROCKFORD[(value >> (5 * place)) & 31] for place in range(digits - 1, -1, -1))
