"""A WORM site in a folder of a local file system (ext4, xfs): the embedded default.

A version's retain-until is part of its file's name, so that bytes and lock become durable
together (``put.py``); a later date is an empty file beside it. Layout at byte level: ../LAYOUT.md.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from io import FileIO
from pathlib import Path

from vanvault.archiver.core.errors import Damaged, InvalidInput, LockRefused, NotFound, SettingsError
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.ports import Clock, Entropy, SystemEntropy
from vanvault.archiver.core.system_files import is_system_file
from vanvault.archiver.disk import lock_descriptor
from vanvault.archiver.stores.files import layout
from vanvault.archiver.stores.files import walk as file_walk
from vanvault.archiver.stores.files.errors import read_failed, write_failed
from vanvault.archiver.stores.files.flags import immutable_supported, unlink_name
from vanvault.archiver.stores.files.put import put_file
from vanvault.archiver.stores.files.root import (
    DISPOSER,
    KEPT_FOLDER,
    MANIFEST,
    OBJECTS,
    TEMP,
    Manifest,
    SiteRoot,
    abandoned,
    create_root,
    read_manifest,
)
from vanvault.archiver.stores.port import Capabilities, Oversize, StoredVersion, Stray
from vanvault.archiver.stores.rules import (
    check_digest,
    check_key,
    check_range,
    check_retain_until,
)

# Nobody waits at a pipe that somebody put in the place of a file.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAX_OBJECT = 2**40  # bytes; far below what ext4 and xfs take


class FileSite:
    """``Site`` and ``Disposer`` over a folder. Safe to share between threads, and between processes by path.

    ``immutable`` sets the immutable flag on every object, which then binds root too until somebody
    clears it; without it the lock is only file permissions and this code.
    """

    def __init__(
        self,
        root: Path,
        site: str,
        *,
        clock: Clock,
        entropy: Entropy | None = None,
        immutable: bool = False,
        fault: Fault = no_fault,
    ) -> None:
        """Open the site that ``create`` made, sweeping what crashed writers left.

        Raises:
            SiteUnavailable: there is no site at ``root``.
            SettingsError: it is another site or format, or ``immutable`` is asked for but not permitted.
        """
        self.manifest: Manifest = read_manifest(root)
        if self.manifest.site != site:
            raise SettingsError(
                f"{root} holds the site {self.manifest.site}, not {site}", hint="Correct the site's path."
            )
        if immutable and not immutable_supported(root / TEMP):
            raise SettingsError(
                f"the immutable flag cannot be set in {root}",
                hint="Use ext4 or xfs and grant CAP_LINUX_IMMUTABLE, or switch the setting off.",
            )
        try:
            self._root = SiteRoot(root)
        except OSError as error:
            raise read_failed(error, site=site) from error
        self._site = site
        self._clock = clock
        self._entropy = entropy or SystemEntropy()
        self._immutable = immutable
        self._fault = fault
        self._last_ms = 0
        self._version_lock = threading.Lock()
        self._capabilities = Capabilities(
            lock="immutable-flag" if immutable else "permissions",
            lock_binds_administrator=False,  # who can set the flag can clear it
            max_single_put=_MAX_OBJECT,
        )

    @staticmethod
    def create(root: Path, site: str, *, archive: str, clock: Clock) -> None:
        """Make an empty site of the archive with the id ``archive``. Raises SettingsError."""
        create_root(root, site=site, archive=archive, created=clock.now())

    @property
    def site(self) -> str:
        return self._site

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def close(self) -> None:
        self._root.close()

    def now(self) -> datetime:
        with self._reading():
            self._root.check_present()
        return self._clock.now()

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        """See ``SiteWriter.put``. Costs one fsync of the file and one of its folder.

        Raises InvalidInput also for a key in a folder with the name of a system file: it would not be listed.
        """
        _check_no_system_file(check_key(key))
        check_digest(sha256)
        now = self._clock.now()
        until = check_retain_until(retain_until, now)
        version = self._new_version(now, until)
        self._put_file(layout.folder_of(key), layout.data_name(key, version.id), data)
        return StoredVersion(key, version.id, len(data), until, version.stored_at)

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        with self._open_version(key, version) as file:
            size = os.fstat(file.fileno()).st_size
            if most is not None and size > most:
                raise Oversize(key, site=self._site, size=size, most=most)
            return _read_up_to(file, size)  # no more than that, though the file may grow

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        check_range(offset, length)
        with self._open_version(key, version) as file:
            file.seek(offset)
            return _read_up_to(file, length)

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        return self.get(key, version, most=most), self.stat(key, version)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        for found in self.versions(key):
            if version in (None, found.version):
                return found
        raise self._not_found(key)

    def versions(self, key: str) -> list[StoredVersion]:
        check_key(key)
        with self._reading():
            try:
                return file_walk.key_versions(self._root.objects, key)
            except (FileNotFoundError, NotADirectoryError):
                self._root.check_present()
                return []

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        with self._reading():
            self._root.check_present()
            yield from file_walk.walk(self._root.objects, prefix, after)
            self._root.check_present()  # an end that came because the folder went away is not an end

    def strays(self) -> Iterator[Stray]:
        """Paths, relative to the root, of files and folders that no version of this site accounts for.

        Files that a crash left in ``tmp`` are among them until the next writer sweeps them.
        Raises SiteUnavailable.
        """
        with self._reading():
            self._root.check_present()
            for entry in sorted(self._root.path.iterdir()):
                kept = entry.name == KEPT_FOLDER and entry.is_dir() and not entry.is_symlink()
                if entry.name not in (MANIFEST, DISPOSER, OBJECTS, TEMP) and not kept:
                    yield file_walk.stray("", entry.name)
            yield from file_walk.strays(self._root.objects, OBJECTS)
            yield from abandoned(self._root.path / TEMP)
            self._root.check_present()

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        """See ``RetentionKeeper.extend``. The later date is an empty file beside the data, never a rename."""
        with self._locked_folder(key):
            found = self.stat(key, version)
            current = _locked_until(found)
            if retain_until == current:
                return found
            if retain_until < current:
                raise LockRefused(f"the lock until {current.isoformat()} is only ever moved later: {key}")
            until = check_retain_until(retain_until, self._clock.now())
            self._put_file(layout.folder_of(key), layout.marker_name(key, version, until), b"")
        return replace(found, retain_until=until)

    def delete(self, key: str, version: str) -> None:
        """See ``Disposer.delete``."""
        with self._locked_folder(key) as folder:
            until = _locked_until(self.stat(key, version))
            if until > self._clock.now():
                raise LockRefused(f"locked until {until.isoformat()}: {key}")
            name = layout.data_name(key, version)
            try:
                # Markers first: after a crash between the two the data still says when its lock ran out.
                for marker in file_walk.names_starting(folder, f"{name}~"):
                    unlink_name(folder, marker)
                unlink_name(folder, name)
                os.fsync(folder)
            except OSError as error:
                raise write_failed(error, site=self._site, may_be_stored=True) from error

    def _put_file(self, folder: str, name: str, data: bytes | memoryview) -> None:
        put_file(self._root, self._site, folder, name, data, immutable=self._immutable, fault=self._fault)

    def _new_version(self, now: datetime, retain_until: datetime) -> layout.VersionId:
        """Within a process no two versions share a millisecond: their ids sort in the order of the puts."""
        random = self._entropy.token(layout.RANDOM_BYTES)
        with self._version_lock:
            self._last_ms = max(layout.milliseconds(now), self._last_ms + 1)
            return layout.make_version(self._last_ms, random, retain_until)

    @contextmanager
    def _open_version(self, key: str, version: str | None) -> Iterator[FileIO]:
        """The file with a version's bytes; with a version id it is opened without a look into the folder."""
        check_key(key)
        if version is None:
            version = self.stat(key).version
        elif layout.parse_version(version) is None:
            raise self._not_found(key)
        path = f"{layout.folder_of(key)}/{layout.data_name(key, version)}"
        with self._reading():
            try:
                descriptor = os.open(path, _READ, dir_fd=self._root.objects)
            except (FileNotFoundError, NotADirectoryError) as error:
                self._root.check_present()
                raise self._not_found(key) from error
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)  # a folder, or a pipe that nobody writes to: no version, as in listings
                raise self._not_found(key)
            with FileIO(descriptor) as file:
                yield file

    @contextmanager
    def _locked_folder(self, key: str) -> Iterator[int]:
        """Extensions and disposals in one folder take turns, between processes too."""
        check_key(key)
        with self._reading():
            try:
                self._root.check_present()
                folder = self._root.open_folder(layout.folder_of(key))
            except (FileNotFoundError, NotADirectoryError) as error:
                self._root.check_present()
                raise self._not_found(key) from error
            try:
                lock_descriptor(folder, wait=True)
                yield folder
            finally:
                os.close(folder)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise read_failed(error, site=self._site) from error

    def _not_found(self, key: str) -> NotFound:
        return NotFound(f"site {self._site} holds no such version of {key}")


def _check_no_system_file(key: str) -> None:
    if any(map(is_system_file, key.split("/")[:-1])):
        raise InvalidInput(
            "a part of this key is a name that file systems give to files of their own", field="key"
        )


def _read_up_to(file: FileIO, length: int) -> bytes:
    """``length`` bytes; fewer only where the file ends."""
    pieces = []
    while length and (piece := file.read(length)):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _locked_until(found: StoredVersion) -> datetime:
    if found.retain_until is None:  # pragma: no cover - the layout has no version without a date
        raise Damaged(f"no retain-until: {found.key}", key=found.key)
    return found.retain_until
