"""The bytes that an object's name promises: the one reader of them, for every room.

A name holds the SHA-256 of its object's bytes, so whatever version of a key has that digest is right, at
whatever site. Three things can be wrong, and callers act on them differently:

- ``NotFound``: the site has no version of the key. Copy it there.
- ``Damaged``: it has versions, and none with the right bytes. Put the right ones on top.
- ``SiteUnavailable``: it did not give them. Where the site gives other objects (``serves_others``), it is
  this object that it cannot read: MinIO says 503 of an object whose bytes rotted, a disk EIO. That is damage
  of the object, and no outage: nothing that waits for the site to come back would ever go on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, groupby, islice

from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.names import digest_in
from vanvault.archiver.stores import Site, SiteReader, StoredVersion

#: Other objects that a site which refuses one is asked for: some that follow it, some from the beginning.
_CONTROLS = 4


def read_anywhere(sites: Mapping[str, Site], key: str, at: Mapping[str, str] | None = None) -> bytes:
    """The right bytes from the first site that has them; a site that is late (``Readable``) is asked last.

    ``at``: by site, the version that was put there, which is tried first: a file site opens it without a look
    into its folder.

    A site that refuses the object is asked once more when no other has it: for older versions, and whether it
    is away. Raises NotFound when no site has the key, SiteUnavailable when a site that may have them is away,
    Damaged.
    """
    failure: VanVaultError = NotFound(f"no site holds {key}")
    refused: list[tuple[Site, SiteUnavailable]] = []
    for site in sorted(sites.values(), key=_is_late):
        try:
            return read_whole(site, key, (at or {}).get(site.site, ""))
        except NotFound:
            continue
        except Damaged as error:
            failure = error
        except SiteUnavailable as error:
            refused.append((site, error))
    away: SiteUnavailable | None = None
    for site, refusal in refused:
        try:
            return _read_refused(site, key, refusal)
        except Damaged as damage:
            failure = damage
        except SiteUnavailable as absent:  # a site that may yet give the bytes is no damage
            away = away or absent
    raise away or failure


def read_whole(site: SiteReader, key: str, version: str = "") -> bytes:
    """The right bytes from one site: of the newest version, which costs one request, else of an older one.

    A site that does not give the newest is not asked for others: another site is nearer. Where a ``version``
    is known that should have the bytes, it is tried before all others.
    Raises NotFound, Damaged (also for a key that is no object name), SiteUnavailable.
    """
    digest = _digest_of(site, key)
    known = _known(site, key, version, digest) if version else None
    if known is not None:
        return known
    with suppress(Damaged):  # known for wrong before all of it was read
        newest = site.get(key)
        if hashlib.sha256(newest).digest() == digest:
            return newest
        del newest
    data, _ = _first_whole(site, key, digest, site.versions(key)[1:])
    return data


def read_version(
    site: SiteReader, key: str, listed: Sequence[StoredVersion] | None = None
) -> tuple[bytes, StoredVersion]:
    """The right bytes and the newest version that holds them, with its lock; tried one by one.

    Where a listing does not show locks, the answer with the bytes tells the lock too.

    Args:
        listed: the key's versions, newest first, as a listing has just shown them; None: they are looked up.

    Raises:
        NotFound: the site has no version, or none any more.
        Damaged: none is whole; or the key is no object name.
        SiteUnavailable: the site is away; or none is whole, and one cannot be read although the site answers.
    """
    digest = _digest_of(site, key)
    versions = site.versions(key) if listed is None else listed
    if not versions:
        raise NotFound(f"site {site.site} does not hold {key}")
    return _first_whole(site, key, digest, versions, read_listed)


def read_listed(site: SiteReader, version: StoredVersion) -> tuple[bytes, StoredVersion]:
    """The bytes of a listed version, right or not, and the version with its lock.

    Where listings show no locks, the answer with the bytes tells it. Raises NotFound, Damaged,
    SiteUnavailable, SettingsError.
    """
    if version.retain_until is not None or site.capabilities.list_shows_locks:
        return _get(site, version)
    return site.get_locked(version.key, version.version)


def holds(site: SiteReader, version: StoredVersion, digest: bytes) -> bool:
    """Does reading this version give bytes with this SHA-256? Raises SiteUnavailable."""
    try:
        return hashlib.sha256(site.get(version.key, version.version)).digest() == digest
    except (NotFound, Damaged):
        return False


def answers(site: SiteReader) -> bool:
    """Does the site tell its time? One that does not is away; else a failure is of one object only."""
    try:
        site.now()
    except SiteUnavailable:
        return False
    return True


def serves_others(site: SiteReader, key: str) -> bool:
    """Does the site give other objects, now that it refuses this one? A few are asked for one byte each.

    A site that does not tell its time is away; so is, here, one that holds no other object to ask for.
    """
    with suppress(SiteUnavailable):
        if not answers(site):
            return False
        for other in _controls(site, key):
            with suppress(NotFound, Damaged, SiteUnavailable):
                if site.get_range(other.key, 0, 1, other.version):
                    return True
    return False


def unreadable(site: SiteReader, key: str, error: SiteUnavailable) -> Damaged:
    """What a site that serves others does not give is damaged there."""
    damage = Damaged(
        f"{key} cannot be read at {site.site}, which gives other objects: {error.message}",
        key=key,
        site=site.site,
        hint="Run: vanvault verify, then: vanvault repair.",
    )
    damage.__cause__ = error
    return damage


def _is_late(site: Site) -> bool:
    """Is it known that the site refuses or gives no answer? Only sites from ``Readable`` know."""
    return bool(getattr(site, "is_late", False))


def _read_refused(site: SiteReader, key: str, error: SiteUnavailable) -> bytes:
    """From a version below the newest, which the site refuses. Raises Damaged, SiteUnavailable (away)."""
    if not serves_others(site, key):
        raise error
    with suppress(NotFound, Damaged, SiteUnavailable):
        data, _ = _first_whole(site, key, _digest_of(site, key), site.versions(key)[1:])
        return data
    raise unreadable(site, key, error)


def _controls(site: SiteReader, key: str) -> Iterator[StoredVersion]:
    following = (versions for other, versions in _newest(site, key) if other != key)
    first = (versions for other, versions in _newest(site, "") if other != key)
    return chain(islice(following, _CONTROLS), islice(first, _CONTROLS))


def _newest(site: SiteReader, after: str) -> Iterator[tuple[str, StoredVersion]]:
    for key, versions in groupby(site.list("", after), key=lambda version: version.key):
        yield key, next(versions)


def _get(site: SiteReader, version: StoredVersion) -> tuple[bytes, StoredVersion]:
    return site.get(version.key, version.version), version


def _known(site: SiteReader, key: str, version: str, digest: bytes) -> bytes | None:
    """The bytes of a version; None: they are not right, or the site does not give them and answers."""
    try:
        data = site.get(key, version)
    except (NotFound, Damaged):
        return None
    except SiteUnavailable:
        if not answers(site):
            raise
        return None
    return data if hashlib.sha256(data).digest() == digest else None


def _first_whole(
    site: SiteReader,
    key: str,
    digest: bytes,
    versions: Sequence[StoredVersion],
    read: Callable[[SiteReader, StoredVersion], tuple[bytes, StoredVersion]] = _get,
) -> tuple[bytes, StoredVersion]:
    unreadable: SiteUnavailable | None = None
    gone = 0
    for version in versions:
        try:
            data, found = read(site, version)
        except NotFound:
            gone += 1
        except Damaged:
            continue
        except SiteUnavailable as error:
            if not answers(site):
                raise
            unreadable = unreadable or error
        else:
            if hashlib.sha256(data).digest() == digest:
                return data, found
    if unreadable is not None:
        raise unreadable
    if versions and gone == len(versions):
        raise NotFound(f"site {site.site} does not hold {key} any more")
    raise Damaged(
        f"{key} at {site.site} does not hold the bytes that its name promises",
        key=key,
        site=site.site,
        hint="Run: vanvault verify, then: vanvault repair.",
    )


def _digest_of(site: SiteReader, key: str) -> bytes:
    digest = digest_in(key)
    if digest is None:
        raise Damaged(f"{key} is not the name of an archive object", key=key, site=site.site)
    return digest
