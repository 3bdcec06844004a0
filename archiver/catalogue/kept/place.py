"""Where one site keeps index files: a folder beside its objects, or a bucket without locks.

Nothing that comes from there is believed by itself: the directory is signed, and holds a digest of each file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as NoAnswer
from pathlib import Path
from typing import TypeVar

from vanvault.archiver.catalogue.index.folder_store import FolderStore
from vanvault.archiver.catalogue.index.store import FILTER_SUFFIX, IndexStore
from vanvault.archiver.catalogue.kept.directory import (
    DIRECTORY_NAME,
    MOST_DIRECTORY_BYTES,
    KeptFile,
)
from vanvault.archiver.core.errors import Damaged, SettingsError, SiteUnavailable
from vanvault.archiver.core.options import FileOptions, S3Options
from vanvault.archiver.stores import (
    KEPT_FOLDER,
    DaemonThreads,
    FileUrl,
    S3Url,
    check_file_site,
    optional_credentials,
    parse_site_url,
    site_credentials,
)

#: In place of a URL: this site keeps no index files.
NOWHERE = "none"

_PART = 8 * 2**20  # bytes of one read, for which a site that hangs is waited
_THREADS = 8
#: How long a place is waited for that gave no answer the last time.
_LATE_S = 1.0

T = TypeVar("T")


class KeptPlace:
    """One site's index files; safe to share between threads. Calls are given up after a time-out."""

    def __init__(self, site: str, opener: Callable[[], IndexStore], options: FileOptions) -> None:
        """``opener``: the store, opened at the first use. Raises nothing yet."""
        self.site = site
        self._opener = opener
        self._options = options
        self._store: IndexStore | None = None
        self._threads = DaemonThreads(_THREADS, f"kept-index-{site}")
        self.late = False  # it did not answer the last time

    def directory(self) -> bytes:
        """The bytes of the directory. Raises NotFound (there is none), SiteUnavailable, Damaged."""
        return self._ask(lambda store: store.fetch(DIRECTORY_NAME, 0, MOST_DIRECTORY_BYTES + 1), _PART)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Bytes of a file. Raises NotFound, SiteUnavailable, Damaged."""
        return self._ask(lambda store: store.fetch(name, offset, length), length)

    def fetch(self, file: KeptFile, path: Path, *, filter: bool) -> None:
        """Write a whole file, or its filter, to ``path``, and compare it with the directory.

        Raises Damaged, NotFound, SiteUnavailable, OSError (``path``).
        """
        name = file.name + FILTER_SUFFIX if filter else file.name
        size, sha256 = (file.filter_size, file.filter_sha256) if filter else (file.size, file.sha256)
        digest, at = hashlib.sha256(), 0
        with path.open("xb") as target:
            while at < size and (part := self.read(name, at, min(_PART, size - at))):
                digest.update(part)
                target.write(part)
                at += len(part)
        if at != size or digest.hexdigest() != sha256:
            raise Damaged(
                f"site {self.site}: {name} is not what its directory says", key=name, site=self.site
            )

    def put(self, name: str, source: Path) -> None:
        """Store a file. Raises SiteFull, SiteUnavailable."""
        size = source.stat().st_size
        self._ask(lambda store: store.put(name, source), size)

    def list(self, most: int) -> dict[str, int]:
        """Names and sizes, of so many at most. Raises SiteUnavailable."""

        def listed(store: IndexStore) -> dict[str, int]:
            found: dict[str, int] = {}
            for one in store.list():
                if len(found) == most:
                    raise SiteUnavailable(
                        f"site {self.site} holds more than {most:,} files where index files lie",
                        site=self.site,
                        may_be_stored=False,
                        hint="Remove what is not the index's from there.",
                    )
                found[one.name] = one.size
            return found

        return self._ask(listed, _PART)

    def delete(self, name: str) -> None:
        """Remove a file and its filter. Raises SiteUnavailable."""

        def removed(store: IndexStore) -> None:
            store.delete(name)  # first what makes both count
            store.delete(name + FILTER_SUFFIX)

        self._ask(removed, 0)

    def sweep(self, before: float) -> None:
        """Remove drafts that were begun before a time. Raises SiteUnavailable."""
        self._ask(lambda store: store.sweep(before) if isinstance(store, FolderStore) else None, 0)

    def close(self) -> None:
        """Let the threads end; one that hangs ends with its call, or with the process."""
        self._threads.close()
        if self._store is not None:
            self._store.close()

    def _ask(self, work: Callable[[IndexStore], T], size: int) -> T:
        timeout_s = self._options.timeout_s
        wait_s = (
            min(_LATE_S, timeout_s) if self.late else timeout_s
        ) + size / self._options.least_bytes_per_s
        future = self._threads.submit(lambda: work(self._opened()))
        try:
            found = future.result(wait_s)
        except NoAnswer as error:
            if future.done():
                raise
            self.late = True
            raise SiteUnavailable(
                f"site {self.site} gives no answer for {wait_s:g} s where index files lie",
                site=self.site,
                may_be_stored=False,
            ) from error
        except SiteUnavailable:
            self.late = True
            raise
        except SettingsError as error:  # no credentials; a cache that cannot be made
            raise SiteUnavailable(
                error.message, site=self.site, may_be_stored=False, hint=error.hint
            ) from error
        self.late = False
        return found

    def _opened(self) -> IndexStore:
        if self._store is None:
            self._store = self._opener()
        return self._store


def kept_place(
    site: str,
    *,
    site_url: str,
    index_url: str,
    home: Path,
    archive: str,
    work: Path,
    file: FileOptions,
    s3: S3Options,
    environment: Mapping[str, str] = os.environ,
) -> KeptPlace | None:
    """Where this site keeps index files; None: nowhere is configured.

    Args:
        index_url: a bucket without locks; ``none``; or empty: beside the objects of a file site.
        work: a local folder for what is being brought here.

    Raises InvalidInput (a URL), SettingsError (a folder is named).
    """
    if index_url == NOWHERE:
        return None
    where = parse_site_url(index_url or site_url)
    if index_url and isinstance(where, FileUrl):
        raise SettingsError(
            f"sites.{site}.index_url names a folder; a file site keeps its index files in its own",
            hint="Write s3+https://HOST:PORT/BUCKET (a bucket without Object Lock), none, or leave it out.",
        )
    if isinstance(where, FileUrl):
        root = home / where.path

        def folder() -> IndexStore:
            check_file_site(root, site, archive)  # a share that is not mounted is no place
            return FolderStore(root / KEPT_FOLDER, site=site, own=False)

        return KeptPlace(site, folder, file)
    if not index_url:
        return None  # an S3 site has locks on all that it holds
    bucket = where

    def opened() -> IndexStore:
        return _bucket(site, bucket, work / f"parts-{site}", s3, environment)

    return KeptPlace(site, opened, FileOptions(s3.request_timeout_s * s3.attempts, s3.least_bytes_per_s))


def _bucket(
    site: str, where: S3Url, cache: Path, options: S3Options, environment: Mapping[str, str]
) -> IndexStore:
    from vanvault.archiver.catalogue.index.s3_store import S3Store  # boto3: see index/open.py

    credentials = optional_credentials(site, "index", environment)
    credentials = credentials or site_credentials(site, environment).writer
    return S3Store(where, credentials, cache, options=options, site=site)
