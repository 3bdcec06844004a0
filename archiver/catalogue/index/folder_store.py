"""An index store in a folder of this host."""

from __future__ import annotations

import mmap
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vanvault.archiver.catalogue.index.store import StoredFile
from vanvault.archiver.core.errors import InvalidInput, NotFound, SiteUnavailable
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.disk import sync_folder
from vanvault.archiver.stores import check_key, read_failed, write_failed

_SITE = "index"
_DRAFTS = ".drafts"  # no part of a name may begin so by chance: listings leave it out
_MODE = 0o700


class FolderStore:
    """Files under ``folder``; a put is a draft that is synced and renamed."""

    def __init__(self, folder: Path) -> None:
        """Make the folder (mode 0700) if it is not there. Raises SiteUnavailable."""
        self._root = folder
        self._numbers = iter(range(2**62))
        self._lock = threading.Lock()
        try:
            (folder / _DRAFTS).mkdir(mode=_MODE, parents=True, exist_ok=True)
            folder.chmod(_MODE)
        except OSError as error:
            raise write_failed(error, site=_SITE, may_be_stored=False) from error

    def put(self, name: str, source: Path) -> None:
        target = self._path(name)
        with self._lock:
            draft = self._root / _DRAFTS / f"{os.getpid()}-{id(self)}-{next(self._numbers)}"
        try:
            try:
                # Not ``replace_file``: a source is too large for memory, and no listing shows these drafts.
                with source.open("rb") as read, draft.open("xb") as written:
                    shutil.copyfileobj(read, written, 2**20)
                    written.flush()
                    os.fsync(written.fileno())
                self._make_folders(target.parent)
                draft.replace(target)
                sync_folder(target.parent)
            finally:
                draft.unlink(missing_ok=True)
        except OSError as error:
            raise write_failed(error, site=_SITE, may_be_stored=False) from error

    def open(self, name: str) -> _FolderFile:
        try:
            return _FolderFile(self._path(name))
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise _missing(name) from error
        except OSError as error:
            raise read_failed(error, site=_SITE) from error

    def map(self, name: str) -> MappedPath:
        try:
            return MappedPath(self._path(name))
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise _missing(name) from error
        except OSError as error:
            raise read_failed(error, site=_SITE) from error

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        try:
            found = [
                (path.relative_to(self._root).as_posix(), path.stat().st_size)
                for path in self._root.rglob("*")
                if path.is_file() and _DRAFTS not in path.parts
            ]
        except OSError as error:
            raise read_failed(error, site=_SITE) from error
        return (StoredFile(name, size) for name, size in sorted(found) if name.startswith(prefix))

    def size(self, name: str) -> int:
        file = self.open(name)
        file.close()
        return file.size

    def delete(self, name: str) -> None:
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                sync_folder(path.parent)
        except NotADirectoryError:
            return
        except OSError as error:
            raise write_failed(error, site=_SITE, may_be_stored=False) from error

    def forget(self, name: str) -> None:
        """There are no copies besides the files themselves."""

    def close(self) -> None:
        """Nothing is held open."""

    def _path(self, name: str) -> Path:
        if check_key(name).split("/")[0] == _DRAFTS:
            raise InvalidInput(f"{_DRAFTS} is no name for index files", field="name")
        return self._root / name

    def _make_folders(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folders(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir(mode=_MODE)
        sync_folder(folder.parent)


class _FolderFile:
    """Reads with ``pread``, which gives an error where a memory map would crash: if the file shrinks."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._file = path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, length: int, *, keep: bool = False) -> bytes:
        try:
            return os.pread(self._file.fileno(), length, offset)
        except (OSError, ValueError) as error:
            raise_limit(error)
            raise SiteUnavailable(
                f"site {_SITE} could not be read: {error}", site=_SITE, may_be_stored=False
            ) from error

    def close(self) -> None:
        self._file.close()


class MappedPath:
    """A file of the local disk as memory."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            # An empty file cannot be mapped; it is damaged, which its reader will say.
            self.view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b"")

    def close(self) -> None:
        """The map goes when nothing looks at it any more."""
        self.view = memoryview(b"")


def _missing(name: str) -> NotFound:
    return NotFound(f"the index store holds no {name}", hint="Rebuild the index: vanvault index rebuild.")
