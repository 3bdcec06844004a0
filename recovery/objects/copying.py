"""One object from a site that holds it whole to a site that does not, with its lock; idempotent.

What counts at the target is the newest version, because that is what readers are given: where it is
damaged, a good one is put on top, though an older good one may lie below.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.replicas import still_to_come
from vanvault.archiver.stores import Site, SiteReader, StoredVersion
from vanvault.recovery.objects.locks import with_lock
from vanvault.recovery.objects.outage import answers

#: No copy is locked for less than this: what has expired but was not disposed of is kept, too.
SHORTEST_LOCK = timedelta(days=1)
#: A folder, and a name that ends with the digest and a suffix (archiver/FORMAT.md, section 2).
_DIGEST = re.compile(r"[a-z]+/(?:[^/]+/)*(?:[^/]*-)?([0-9a-f]{64})\.[a-z.]+")


def read_good(
    source: SiteReader, key: str, listed: Sequence[StoredVersion] | None = None
) -> tuple[bytes, StoredVersion]:
    """The bytes that the name promises, and the newest version that holds them, with its lock.

    ``listed``: the key's versions as a listing has just shown them; None: they are looked up.

    Raises NotFound (no version), Damaged (none that is whole, or no name of an object), SiteUnavailable
    (the site does not answer, or gives no version that is whole and does not give one of them at all).
    """
    digest = digest_in(key)
    if digest is None:
        raise Damaged(f"{key} is not the name of an archive object", key=key, site=source.site)
    versions = source.versions(key) if listed is None else listed
    if not versions:
        raise NotFound(f"site {source.site} does not hold {key}")
    unreadable: SiteUnavailable | None = None
    for version in versions:
        try:
            data = source.get(key, version.version)
            if hashlib.sha256(data).digest() == digest:
                return data, with_lock(source, version)
        except NotFound:
            continue
        except SiteUnavailable as error:
            if not answers(source):
                raise
            unreadable = unreadable or error
    if unreadable is not None:
        raise unreadable
    raise Damaged(f"no version of {key} at {source.site} is whole", key=key, site=source.site)


def lock_of(version: StoredVersion, at_least: datetime | None, now: datetime) -> datetime:
    """The lock of a copy: that of its source, the date that it needs, or a day, whichever is the latest.

    A batch's own lock is short, and nobody may have extended it meanwhile; its copy is locked at least as
    long as a keeper needs to take over. ``now``: the target's time.
    """
    shortest = now.replace(microsecond=0) + SHORTEST_LOCK
    name = parse_key(version.key)
    if name is not None and name.family == "batch":
        shortest = still_to_come(shortest, now)
    return max(date for date in (version.retain_until, at_least, shortest) if date is not None)


def write_good(target: Site, key: str, data: bytes, retain_until: datetime, *, absent: bool = False) -> bool:
    """See that the target's newest version of ``key`` is ``data``, locked; false if it was already.

    ``data`` was checked against the name. ``absent``: a listing has just shown that the target has no
    version, so it is not asked again; should one have come since, the key has two good versions.

    Raises SiteUnavailable, Damaged (the target took other bytes).
    """
    digest = sha256_of(key)
    newest = None if absent else next(iter(target.versions(key)), None)
    if newest is not None and _holds(target, newest, digest):
        if newest.retain_until is not None and newest.retain_until >= retain_until:
            return False
        target.extend(key, newest.version, retain_until)
        return True
    target.put(key, data, sha256=digest, retain_until=retain_until)
    return True


def sha256_of(key: str) -> bytes:
    """The digest in an object's name. Raises Damaged."""
    digest = digest_in(key)
    if digest is None:
        raise Damaged(f"{key} is not the name of an archive object", key=key)
    return digest


def digest_in(key: str) -> bytes | None:
    """The SHA-256 that an object's name promises, or None: whatever family the object is of."""
    match = _DIGEST.fullmatch(key)
    return bytes.fromhex(match[1]) if match else None


def _holds(site: SiteReader, version: StoredVersion, digest: bytes) -> bool:
    """Does a read give the right bytes? The site has just answered: one that cannot give them is damaged.

    MinIO says "try later" of an object whose bytes rotted; a site that is away refuses the put that follows.
    """
    try:
        return hashlib.sha256(site.get(version.key, version.version)).digest() == digest
    except (NotFound, SiteUnavailable):
        return False
