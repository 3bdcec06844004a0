"""The port of a WORM site: put once, read, extend a lock. Dangerous verbs are apart, by type.

A store holds *versions* of *keys*. A key never loses a version before that version's
retain-until, and a version's bytes never change. Overwriting does not exist: a second put of
a key adds a version. Names carry the SHA-256 of the bytes (``archiver/core/names.py``), so any
version whose bytes match the name is the right one.

Every implementation passes ``tests/contract/``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from vanvault.archiver.core.errors import Damaged, SiteUnavailable


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of one key, as the store itself reports it (read back, never assumed)."""

    key: str
    version: str
    size: int  # bytes
    retain_until: datetime | None  # UTC; None: not locked, or listed where list_shows_locks is false
    stored_at: datetime  # UTC, by the store's clock
    held: bool = False  # under a legal hold; listings need not tell, nor stores that know none


@dataclass(frozen=True, slots=True)
class Stray:
    """What a site holds besides versions of keys."""

    path: str  # where it lies, for people
    hides: str = ""  # the key whose versions it hides from other programs: a delete marker on top of them
    system: bool = False  # a file system or a storage box made it by itself (``core/system_files.py``)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store can and cannot do; code asks for these, never for the kind of store."""

    lock: str  # how strong the lock is, for people: "compliance", "immutable-flag", "permissions"
    lock_binds_administrator: bool  # does the lock also hold against whoever runs the store's host?
    exact_dates: bool = True  # retain-until reads back to the second as it was put
    put_if_absent: bool = False  # two racing puts of one key: at most one wins
    keys_may_nest: bool = True  # "a" and "a/b" may both be keys, and both are listed
    list_shows_locks: bool = True  # list() fills in retain-until; where not, it is None and stat() tells
    latest_retain_until: datetime | None = None  # later dates are refused; None: any date holds
    max_single_put: int = 5 * 1024**3  # bytes


class Oversize(Damaged):
    """A version is longer than its reader takes at once; nothing of it was read."""

    def __init__(self, key: str, *, site: str, size: int | None, most: int) -> None:
        """``size``: bytes, None where the site did not tell it."""
        told = f"{size} bytes" if size is not None else "an unknown number of bytes"
        super().__init__(f"{key} at {site} has {told}, and at most {most} are read", key=key, site=site)
        self.size = size


class SiteReader(Protocol):
    """May read; nothing else."""

    @property
    def site(self) -> str:
        """The site's name in settings, receipts and reports, such as ``primary``."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        """All bytes of one version (None: the newest).

        ``most``: a longer version is refused before any of it is read, so that no memory is taken for it.

        Raises NotFound, SiteUnavailable, Oversize.
        """
        ...

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        """``length`` bytes from ``offset``; shorter only where the object ends, and never more.

        Raises NotFound, SiteUnavailable.
        """
        ...

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        """All bytes of one version, and what ``stat`` says of it: where a store can, by one request.

        Raises NotFound, SiteUnavailable, Oversize.
        """
        ...

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        """What the store says about one version (None: the newest). Raises NotFound, SiteUnavailable."""
        ...

    def versions(self, key: str) -> list[StoredVersion]:
        """All versions of one key, newest first; empty when there is none. Raises SiteUnavailable."""
        ...

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        """Every version of every key that starts with ``prefix`` and is greater than ``after``.

        By key in code-point order, newest version of a key first. May or may not show what is put
        while it runs. Memory is bounded by a page, not by the site. Raises SiteUnavailable.
        """
        ...

    def strays(self) -> Iterator[Stray]:
        """Foreign files, delete markers on top of a key, and whatever else is no version of a key.

        Raises SiteUnavailable.
        """
        ...

    def now(self) -> datetime:
        """The store's own clock, UTC: retention is judged by it. Raises SiteUnavailable."""
        ...

    def close(self) -> None: ...


class SiteWriter(SiteReader, Protocol):
    """May also put, which adds a locked version; can take nothing away."""

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        """Store ``data`` durably as a new version of ``key``, locked until ``retain_until`` (whole seconds).

        Returns only after the bytes and the lock are durable and mode, date, size and version
        were read back. ``sha256`` is the digest of ``data`` (32 bytes), which the caller has computed.

        Raises:
            SiteFull: no room; nothing was kept.
            SiteUnavailable: ``may_be_stored`` says which of the two failures it was.
            InvalidInput: the key breaks the grammar, or the date is in the past or not in whole seconds.
            Damaged: the store took other bytes or another lock than it was given.
        """
        ...


class RetentionKeeper(SiteReader, Protocol):
    """May also extend locks."""

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        """Move a version's retain-until later. The same date again is not an error.

        Raises LockRefused for an earlier date; NotFound, SiteUnavailable.
        """
        ...


class Disposer(SiteReader, Protocol):
    """May remove what has expired. Given only to approved disposal and to tests, never to the write path."""

    def delete(self, key: str, version: str) -> None:
        """Remove one version whose retain-until has passed by the store's clock.

        Raises LockRefused before that; NotFound, SiteUnavailable.
        """
        ...


class Site(SiteWriter, RetentionKeeper, Protocol):
    """What intake and recovery hold: put, read, extend; never delete."""


class AllRights(Site, Disposer, Protocol):
    """What a store's own class can do; it is handed out as less. Even its holder breaks no lock."""


class Incoming(Protocol):
    """A version of an object while its bytes come; to be left, as a context, by whoever opened it."""

    @property
    def found(self) -> StoredVersion:
        """The version, with its lock."""
        ...

    @property
    def md5(self) -> bytes:
        """What its store says is the MD5 of the bytes; b"": it does not tell."""
        ...

    def read_into(self, buffer: memoryview) -> int:
        """The next bytes, as many as there are or fit; 0 at the end. Raises SiteUnavailable."""
        ...

    def __enter__(self) -> Incoming: ...

    def __exit__(self, *_: Any) -> None: ...


@runtime_checkable
class Passing(Protocol):
    """What some sites can besides: an object is put while it comes from another, a piece in memory.

    It is tried once. Whoever gets an error of a site reads and puts the object as a whole, which tries again
    and says what is wrong.
    """

    def passes_on(self) -> bool:
        """Can this very site? One that hands calls on asks the site behind it. Raises SiteUnavailable."""
        ...

    def open_locked(self, key: str, version: str, *, most: int | None = None) -> Incoming:
        """As ``SiteReader.get_locked``, before any of the bytes are read."""
        ...

    def put_from(
        self, key: str, incoming: Incoming, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        """As ``SiteWriter.put``. Bytes with another digest are not stored, as are those that break off.

        Raises SiteUnavailable (either site, or other bytes), Damaged, InvalidInput.
        """
        ...


def passing(site: SiteReader) -> Passing | None:
    """The site, if it can pass objects on. Raises SiteUnavailable."""
    return site if isinstance(site, Passing) and site.passes_on() else None


def able_to_pass(site: SiteReader) -> Passing:
    """The site, which is known to pass objects on. Raises SiteUnavailable: it does not any more."""
    found = passing(site)
    if found is None:
        raise SiteUnavailable(f"site {site.site} passes no objects on", site=site.site, may_be_stored=False)
    return found
