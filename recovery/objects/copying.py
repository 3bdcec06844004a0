"""One object from a site that holds it whole to a site that does not, with its lock; idempotent.

What counts at the target is the newest version, because that is what readers are given: where it is
damaged, a good one is put on top, though an older good one may lie below.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.core.names import parse_key, sha256_of
from vanvault.archiver.replicas import holds, read_version, still_to_come
from vanvault.archiver.stores import Site, SiteReader, StoredVersion
from vanvault.recovery.objects.locks import with_lock

#: No copy is locked for less than this: what has expired but was not disposed of is kept, too.
SHORTEST_LOCK = timedelta(days=1)


def read_good(
    source: SiteReader, key: str, listed: Sequence[StoredVersion] | None = None
) -> tuple[bytes, StoredVersion]:
    """The bytes that the name promises, and the newest version that holds them, with its lock.

    ``listed``: the key's versions as a listing has just shown them; None: they are looked up.

    Raises NotFound (no version), Damaged (none that is whole, or no name of an object), SiteUnavailable
    (the site does not answer, or gives no version that is whole and does not give one of them at all).
    """
    data, version = read_version(source, key, listed)
    return data, with_lock(source, version)


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


def write_good(
    target: Site,
    key: str,
    data: bytes,
    retain_until: datetime,
    *,
    held: Sequence[StoredVersion] | None = None,
) -> bool:
    """See that the target's newest version of ``key`` is ``data``, locked; false if it was already.

    ``data`` was checked against the name. ``held``: the target's versions of the key, newest first, as a
    listing has just shown them; None: they are looked up. Should one have come since, the key has two good
    versions.

    Raises SiteUnavailable, SiteFull, Damaged (the target took other bytes).
    """
    digest = sha256_of(key)
    newest = next(iter(target.versions(key) if held is None else held), None)
    if newest is not None and _gives(target, newest, digest):
        newest = with_lock(target, newest)
        if newest.retain_until is not None and newest.retain_until >= retain_until:
            return False
        target.extend(key, newest.version, retain_until)
        return True
    target.put(key, data, sha256=digest, retain_until=retain_until)
    return True


def _gives(site: SiteReader, version: StoredVersion, digest: bytes) -> bool:
    """Does a read give the right bytes? The site has just answered: one that cannot give them is damaged.

    A site that is away refuses the put that follows.
    """
    try:
        return holds(site, version, digest)
    except SiteUnavailable:
        return False
