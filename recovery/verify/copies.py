"""What is wrong with the copies of one object as copies: their bytes and their locks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from vanvault.archiver.core.names import ObjectName
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.replicas import still_to_come
from vanvault.archiver.stores import StoredVersion
from vanvault.recovery.verify.model import Finding
from vanvault.recovery.verify.reading import CopyRead, ObjectRead

#: An uncompacted batch whose lock ends within this is about to lose it.
ENDS_SOON = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WrongBytes:
    """A damaged copy, with the digest of what lies there: perhaps that of another object's name."""

    finding: Finding
    sha256: bytes | None  # None: it cannot be read


def held_at(read: ObjectRead) -> list[str]:
    """The sites that have any version of the object."""
    return list(dict.fromkeys(copy.site for copy in read.copies if not copy.gone))


def as_damaged_where_gone(read: ObjectRead) -> ObjectRead:
    """The same, of an object that was listed once more after reads did not find it.

    MinIO lists an object of which it lost the data, and says to a read of the version that there is none.
    """
    copies = tuple(replace(copy, gone=False) if copy.gone else copy for copy in read.copies)
    return replace(read, copies=copies)


def whole_at(name: ObjectName, read: ObjectRead) -> tuple[str, ...]:
    """The sites that have a version with the bytes of the name."""
    return tuple(dict.fromkeys(copy.site for copy in read.copies if copy.sha256 == name.sha256))


def newest_whole(name: ObjectName, read: ObjectRead) -> list[tuple[str, StoredVersion]]:
    """By site, the newest version with the bytes of the name."""
    found: dict[str, StoredVersion] = {}
    for copy in read.copies:
        if copy.sha256 == name.sha256:
            found.setdefault(copy.site, copy.version)
    return list(found.items())


def every_whole(name: ObjectName, read: ObjectRead) -> list[tuple[str, StoredVersion]]:
    """By site, every version with the bytes of the name."""
    return [(copy.site, copy.version) for copy in read.copies if copy.sha256 == name.sha256]


def wrong_bytes(
    name: ObjectName, site: str, copies: Iterable[CopyRead], until: datetime | None
) -> Iterator[WrongBytes | Finding]:
    """The newest version must hold the bytes of the name; what lies damaged below it is only superseded."""
    there = [copy for copy in copies if not copy.gone]
    whole = next((copy for copy in there if copy.sha256 == name.sha256), None)
    for copy in there:
        if copy.sha256 == name.sha256:
            continue
        if copy is there[0]:
            version = whole.version.version if whole else ""
            yield WrongBytes(
                Finding(site, name.key, "damaged", _what(copy, whole), until, whole_version=version),
                copy.sha256,
            )
        elif there[0] is whole:
            detail = f"version {copy.version.version} is damaged; a newer one is whole"
            yield Finding(site, name.key, "superseded", detail)


def short_locks(
    key: str, versions: Iterable[tuple[str, StoredVersion]], until: datetime | None
) -> Iterator[Finding]:
    """Versions that are not locked, or not until ``until`` (None: any date will do)."""
    for site, version in versions:
        locked = version.retain_until
        if locked is None:
            yield Finding(site, key, "lock", "it is not locked", until)
        elif until is not None and locked < until:
            detail = f"it is locked until {rfc3339_seconds(locked)}, not {rfc3339_seconds(until)}"
            yield Finding(site, key, "lock", detail, until)


def batch_locks(
    key: str,
    versions: Iterable[tuple[str, StoredVersion]],
    until: datetime | None,
    *,
    covered: bool,
    now: Mapping[str, datetime],
    kept_for: timedelta | None,
) -> Iterator[Finding]:
    """Versions of a batch whose lock is too short, as far as the batch still needs one.

    A batch that a segment holds needs none beyond its own date. One that no segment holds needs one
    whatever its date was: a keeper extends it long before its end.

    ``kept_for``: what a keeper gives. A batch whose date is within the rules, counted from its own time,
    needs no more than that now: a clock ahead may have written both. None: its own date stands.
    """
    for site, version in versions:
        moment, locked = now[site], version.retain_until
        if covered and until is not None and until <= moment:
            continue
        if not covered and locked is not None and locked < moment + ENDS_SOON:
            detail = f"its lock ends at {rfc3339_seconds(locked)}, and no segment holds it"
            yield Finding(site, key, "lock", detail, still_to_come(until or locked, moment))
        else:
            due = until
            if until is not None and kept_for is not None:
                due = min(until, moment.replace(microsecond=0) + kept_for)
            yield from short_locks(key, [(site, version)], due)


def _what(copy: CopyRead, whole: CopyRead | None) -> str:
    if copy.sha256 is None:
        detail = f"it cannot be read: {copy.failure}"
    else:
        detail = f"its {copy.size} bytes are not those that its name promises"
    if whole is not None:
        detail += f"; the older version {whole.version.version} is whole"
    return detail
