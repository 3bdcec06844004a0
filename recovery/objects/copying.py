"""One object from a site that holds it whole to a site that does not, with its lock; idempotent.

What counts at the target is the newest version, because that is what readers are given: where it is
damaged, a good one is put on top, though an older good one may lie below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import takewhile

from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable
from vanvault.archiver.core.names import parse_key, sha256_of
from vanvault.archiver.core.object_limits import LockRules
from vanvault.archiver.replicas import holds, read_version
from vanvault.archiver.stores import Site, SiteReader, StoredVersion, able_to_pass
from vanvault.recovery.objects.locks import listed_with_locks, with_lock


def read_good(
    source: SiteReader, key: str, listed: Sequence[StoredVersion] | None = None
) -> tuple[bytes, StoredVersion]:
    """The bytes that the name promises, and the newest version that holds them, with its lock.

    ``listed``: the key's versions as a listing has just shown them; None: they are looked up.

    Raises NotFound (no version), Damaged (none that is whole, or no name of an object), SiteUnavailable
    (the site does not answer, or gives no version that is whole and does not give one of them at all).
    """
    return read_version(source, key, _versions(source, key) if listed is None else listed)


def pass_on(
    source: SiteReader,
    target: Site,
    version: StoredVersion,
    lock: Callable[[StoredVersion], datetime | None],
) -> bool | None:
    """Put a version at a target that lacks its key while it comes from the source; true once it is there.

    ``lock``: of the copy, by what the source says of the version; None: no copy is wanted, and the answer
    is false.

    The answer is None where it failed: a site cannot do that (``passing``) or is in trouble, or the bytes are
    not those that the name promises. ``read_good`` and ``write_good`` then tell what is wrong; the target may
    hold the object all the same.

    Raises InvalidInput, TooLarge (no archive puts this).
    """
    key = version.key
    try:
        giver, taker = able_to_pass(source), able_to_pass(target)
        with giver.open_locked(key, version.version) as incoming:
            until = lock(incoming.found)
            if until is None:
                return False
            taker.put_from(key, incoming, sha256=sha256_of(key), retain_until=until)
    except (Damaged, NotFound, SiteUnavailable):
        return None
    return True


def lock_of(
    version: StoredVersion, signed: datetime | None, now: datetime, rules: LockRules | None = None
) -> datetime:
    """The lock of a copy of ``version``: computed by the rules, never followed beyond them.

    Args:
        signed: the date in the batch's header or in the segment's manifest; None: it is not known.
        now: the target's time.

    Raises Damaged: the key is no object's name.
    """
    name = parse_key(version.key)
    if name is None:
        raise Damaged(f"{version.key} is not the name of an archive object", key=version.key)
    return (rules or LockRules()).of_copy(name, shown=version.retain_until, signed=signed, now=now)


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
    newest = next(iter(_versions(target, key) if held is None else held), None)
    if newest is not None and _gives(target, newest, digest):
        newest = with_lock(target, newest)
        if newest.retain_until is not None and newest.retain_until >= retain_until:
            return False
        target.extend(key, newest.version, retain_until)
        return True
    target.put(key, data, sha256=digest, retain_until=retain_until)
    return True


def _versions(site: SiteReader, key: str) -> Sequence[StoredVersion]:
    """The key's versions, newest first: without a request for the lock of each, where listings show none."""
    if listed_with_locks(site):
        return site.versions(key)
    return list(takewhile(lambda version: version.key == key, site.list(key)))


def _gives(site: SiteReader, version: StoredVersion, digest: bytes) -> bool:
    """Does a read give the right bytes? The site has just answered: one that cannot give them is damaged.

    A site that is away refuses the put that follows.
    """
    try:
        return holds(site, version, digest)
    except SiteUnavailable:
        return False
