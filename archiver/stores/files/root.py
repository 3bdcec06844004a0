"""The root folder of a file site: what it is, whether it is still there, its folders and temporary files.

All paths below the root are opened relative to descriptors taken once. A root that was removed,
renamed or unmounted while the process runs is noticed before anything is acknowledged, and is
never silently made again.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import secrets
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from io import FileIO
from pathlib import Path

from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.system_files import is_system_file
from vanvault.archiver.disk import lock_descriptor, sync_folder, synced_file
from vanvault.archiver.stores.files.walk import names_starting
from vanvault.archiver.stores.port import Stray
from vanvault.archiver.stores.rules import printable

FORMAT = "vanvault-file-site/1"
MANIFEST = "site.json"
#: Digest of the secret of whoever may remove what has expired; no object (LAYOUT.md).
DISPOSER = "disposer.json"
OBJECTS = "objects"
TEMP = "tmp"
#: Index files that are kept for a new node; no objects (LAYOUT.md).
KEPT_FOLDER = "index"

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_FOLDER = frozenset({errno.ENOTDIR, errno.ELOOP})  # a file; a symbolic link
_FOLDER_MODE = 0o750
_MANIFEST_BYTES = 64 * 2**10  # what is longer is none
_KNOWN_FOLDERS = 4096  # folders whose durability is remembered; more only cost some needless fsyncs


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``site.json`` says."""

    format: str
    site: str
    archive: str
    created: str  # ISO 8601, UTC


def create_root(root: Path, *, site: str, archive: str, created: datetime) -> None:
    """Make a file site at ``root``, durably. ``site.json`` comes last, so a crash half-way can be repeated.

    Raises SettingsError when the folder holds anything else (but system files) or cannot be made.
    """
    manifest = {"format": FORMAT, "site": site, "archive": archive, "created": created.isoformat()}
    objects, temp = root / OBJECTS, root / TEMP
    try:
        for folder in (root, objects, temp):
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        strangers = {entry.name for entry in root.iterdir()} - {OBJECTS, TEMP}
        strangers |= {f"{OBJECTS}/{entry.name}" for entry in objects.iterdir()}
        if named := sorted(name for name in strangers if not is_system_file(name.rpartition("/")[2])):
            raise SettingsError(
                f"{root} is not empty ({printable(named[0])} lies there), so no site is made there",
                hint="Choose an empty folder for the site.",
            )
        draft = temp / f"{MANIFEST}.{secrets.token_hex(8)}"
        # Not ``create_file``: its draft would lie in the root, where the check above takes it for a stranger.
        with synced_file(draft, mode=0o440, new=True) as file:
            file.write((json.dumps(manifest, indent=2) + "\n").encode())
        (root / MANIFEST).hardlink_to(draft)
        draft.unlink()
        for folder in (root, *root.resolve().parents):
            with suppress(PermissionError):  # parents that this process may not read were not made by it
                sync_folder(folder)
    except OSError as error:
        raise_limit(error)
        raise SettingsError(f"no site can be made at {root}: {error.strerror}") from error


def read_manifest(root: Path) -> Manifest:
    """Raises SiteUnavailable when there is no site at ``root``, SettingsError when it is of another kind."""
    try:
        # Without waiting: somebody may have put a pipe in its place.
        descriptor = os.open(root / MANIFEST, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with FileIO(descriptor) as file:
            text = file.read(_MANIFEST_BYTES) or b""
    except OSError as error:
        raise_limit(error)
        raise SiteUnavailable(
            f"there is no site at {root}: {error.strerror}",
            site=root.name,
            may_be_stored=False,
            hint="Mount or restore the site's folder.",
        ) from error
    try:
        fields = json.loads(text)
        manifest = Manifest(*(str(fields[name]) for name in ("format", "site", "archive", "created")))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SettingsError(f"{root / MANIFEST} is not the description of a file site") from error
    if manifest.format != FORMAT:
        raise SettingsError(f"{root} has the format {manifest.format}; this version reads {FORMAT}")
    return manifest


class SiteRoot:
    """An open site root. Safe to share between threads."""

    def __init__(self, root: Path) -> None:
        """Open the root and sweep what crashed processes left in ``tmp``. Raises OSError, MachineLimit."""
        self.path = root
        self.objects = -1
        self._temp: int | None = None
        self._temp_lock = threading.Lock()
        self._known: dict[str, None] = {"": None}
        self._manifest_path = root / MANIFEST
        self._identity = _identity(self._manifest_path)
        self.objects = os.open(root / OBJECTS, _FOLDER_FLAGS)
        self._temp_numbers = itertools.count()
        _sweep(root / TEMP)

    def __del__(self) -> None:
        """Close descriptors when the object is collected, after threads that still use it."""
        self.close()

    def close(self) -> None:
        with self._temp_lock:
            if self.objects >= 0:
                os.close(self.objects)
                self.objects = -1
            if self._temp is not None:
                os.close(self._temp)
                self._temp = None

    def check_present(self) -> None:
        """Raises OSError unless the path still leads to the very site that was opened."""
        if _identity(self._manifest_path) != self._identity:
            raise OSError(errno.ESTALE, "the site's folder was replaced while in use")

    def durable_folder(self, folder: str) -> None:
        """Make a folder under ``objects`` with its parents, every entry synced. Raises OSError.

        What another thread or process has just made may not be on disk yet: so each process syncs
        each folder's parent once before it relies on it.
        """
        if folder in self._known:
            return
        parent = os.path.dirname(folder)  # noqa: PTH120 - a key's parents, not a path of this host
        self.durable_folder(parent)
        with suppress(FileExistsError):
            os.mkdir(folder, _FOLDER_MODE, dir_fd=self.objects)
            self._open_up(folder, parent)
        self.sync_folder(parent)
        if len(self._known) >= _KNOWN_FOLDERS:
            self._known = {"": None}
        self._known[folder] = None

    def _open_up(self, folder: str, parent: str) -> None:
        """A new folder is as open as its parent: whoever opened ``objects`` to a group meant all of it."""
        with suppress(OSError):  # a file system without modes is no reason to refuse what is put
            mode = stat.S_IMODE(os.stat(parent or ".", dir_fd=self.objects).st_mode)
            if stat.S_IMODE(os.stat(folder, dir_fd=self.objects).st_mode) != mode:
                os.chmod(folder, mode, dir_fd=self.objects)

    def forget_folder(self, folder: str) -> None:
        """Do not rely on ``folder`` any more: it has vanished."""
        self._known.pop(folder, None)

    def open_folder(self, folder: str) -> int:
        """A descriptor of a folder under ``objects``, for the caller to close. Raises OSError."""
        return os.open(folder or ".", _FOLDER_FLAGS, dir_fd=self.objects)

    def sync_folder(self, folder: str) -> None:
        """Make a folder's entries durable. Raises OSError."""
        sync_folder(folder or ".", inside=self.objects)

    def temp_folder(self) -> int:
        """A descriptor of this instance's own folder in ``tmp``, locked against the sweep. Raises OSError."""
        with self._temp_lock:
            if self.objects < 0:
                raise OSError(errno.EBADF, "the site is closed")
            if self._temp is None:
                self._temp = _own_temp_folder(self.path / TEMP)
            return self._temp

    def temp_name(self) -> str:
        """A name that is new in this instance's folder under ``tmp``."""
        return str(next(self._temp_numbers))


def _identity(manifest: Path) -> tuple[int, int]:
    facts = os.stat(manifest)  # noqa: PTH116 - on the path of every put; half the cost of Path.stat
    return facts.st_dev, facts.st_ino


def _own_temp_folder(temp: Path) -> int:
    """Make and lock a folder of one's own; again if a sweep took it between the two."""
    while True:
        own = temp / secrets.token_hex(8)
        own.mkdir(mode=0o700)
        try:
            descriptor = os.open(own, _FOLDER_FLAGS)
        except OSError:
            with suppress(OSError):
                own.rmdir()
            raise
        lock_descriptor(descriptor, wait=True)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def abandoned(temp: Path) -> Iterator[Stray]:
    """What lies in ``tmp`` and belongs to no running process: nobody locks it any more. Raises OSError.

    A folder that only system files keep from being removed is one of them.
    """
    with _temp_folder(temp) as folder:
        for name, inside in _unlocked(folder):
            left = names_starting(inside, "") if inside is not None else []
            system = is_system_file(name) or (bool(left) and all(map(is_system_file, left)))
            yield Stray(printable(f"{temp.name}/{name}"), system=system)


def _sweep(temp: Path) -> None:
    """Remove what crashed processes left in ``tmp``. Raises OSError, MachineLimit.

    Whoever writes at the site may have put links there: nothing outside of ``tmp`` is ever removed.
    """
    with _temp_folder(temp) as folder:
        for name, inside in _unlocked(folder):
            if is_system_file(name):
                continue
            try:
                _remove(folder, name, inside)
            except OSError as error:
                raise_limit(
                    error
                )  # what this process may not remove (it may only read) waits for the next one


@contextmanager
def _temp_folder(temp: Path) -> Iterator[int]:
    descriptor = os.open(temp, _FOLDER_FLAGS | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _unlocked(folder: int) -> Iterator[tuple[str, int | None]]:
    """Names in ``tmp`` that nobody locks, each with its descriptor where it is a folder, locked by now."""
    for name in sorted(names_starting(folder, "")):
        try:
            descriptor = os.open(name, _FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno not in _NO_FOLDER:  # it may be a running process's own
                raise
            yield name, None
            continue
        try:
            if lock_descriptor(descriptor, wait=False):
                yield name, descriptor
        finally:
            os.close(descriptor)


def _remove(folder: int, name: str, inside: int | None) -> None:
    if inside is None:
        os.unlink(name, dir_fd=folder)
        return
    for file in names_starting(inside, ""):
        if not is_system_file(file):
            os.unlink(file, dir_fd=inside)
    os.rmdir(name, dir_fd=folder)
