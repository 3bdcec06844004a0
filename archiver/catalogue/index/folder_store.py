"""An index store in a folder of this host."""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from vanvault.archiver.catalogue.index.store import StoredFile, not_held
from vanvault.archiver.core.errors import Damaged, InvalidInput, SiteUnavailable
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.disk import sync_folder
from vanvault.archiver.stores import check_key, read_failed, write_failed

_SITE = "index"
_DRAFTS = ".drafts"  # no part of a name may begin so by chance: listings leave it out
_MODE = 0o700
#: Folders in folders that a listing enters; names of index files have one.
_DEEPEST = 8
#: Names that a listing takes; an index has some dozens of files.
MOST_NAMES = 1_000_000


class FolderStore:
    """Files under ``folder``; a put is a draft that is synced and renamed."""

    def __init__(self, folder: Path, *, site: str = _SITE, own: bool = True) -> None:
        """Make the folder (mode 0700) if it is not there. Raises SiteUnavailable.

        Args:
            site: what errors call it.
            own: nobody else writes there. Else the first put makes the folder, and no link in it is followed.
        """
        self._root = folder
        self._site = site
        self._own = own
        self._numbers = iter(range(2**62))
        self._lock = threading.Lock()
        if own:
            try:
                self._make()
                folder.chmod(_MODE)
            except OSError as error:
                raise write_failed(error, site=site, may_be_stored=False) from error

    def _make(self) -> None:
        self._root.mkdir(mode=_MODE, parents=self._own, exist_ok=True)
        (self._root / _DRAFTS).mkdir(mode=_MODE, exist_ok=True)

    def put(self, name: str, source: Path) -> None:
        target = self._path(name)
        with self._lock:
            draft = self._root / _DRAFTS / f"{os.getpid()}-{id(self)}-{next(self._numbers)}"
        try:
            if not self._own:
                self._make_below_site(target)
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
            raise write_failed(error, site=self._site, may_be_stored=False) from error

    def open(self, name: str) -> _FolderFile:
        try:
            return _FolderFile(self._path(name), self._site, follow=self._own)
        except IsADirectoryError as error:
            if self._own:
                raise not_held(name) from error
            raise _no_file(self._root / name, self._site) from error
        except (FileNotFoundError, NotADirectoryError) as error:
            raise not_held(name) from error
        except OSError as error:
            raise read_failed(error, site=self._site) from error

    def fetch(self, name: str, offset: int, length: int) -> bytes:
        file = self.open(name)
        try:
            return file.read(offset, min(length, max(0, file.size - offset)))
        finally:
            file.close()

    def map(self, name: str) -> MappedPath:
        try:
            return MappedPath(self._path(name))
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise not_held(name) from error
        except OSError as error:
            raise read_failed(error, site=self._site) from error

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        try:
            found = list(islice(self._files(), MOST_NAMES + 1))
        except OSError as error:
            raise read_failed(error, site=self._site) from error
        if len(found) > MOST_NAMES:
            raise SiteUnavailable(
                f"site {self._site} holds more than {MOST_NAMES:,} files where index files lie",
                site=self._site,
                may_be_stored=False,
                hint="Remove what is not the index's from that folder.",
            )
        return (StoredFile(name, size) for name, size in sorted(found) if name.startswith(prefix))

    def _files(self) -> Iterator[tuple[str, int]]:
        """Names and sizes; of what lies deeper than any name of the index, the folder, where others write."""
        left = [("", 0)]
        while left:
            folder, depth = left.pop()
            with (
                suppress(FileNotFoundError, NotADirectoryError, PermissionError),
                os.scandir(self._root / folder) as entries,
            ):
                for one in entries:
                    name = folder + one.name
                    if one.is_dir(follow_symlinks=False):
                        if one.name == _DRAFTS:
                            continue
                        if depth < _DEEPEST:
                            left.append((name + "/", depth + 1))
                        elif not self._own:
                            yield name + "/", 0
                    elif one.is_file(follow_symlinks=self._own):
                        with suppress(FileNotFoundError):
                            yield name, one.stat(follow_symlinks=self._own).st_size

    def path(self, name: str) -> Path | None:
        """Where the file lies, if it is there."""
        path = self._path(name)
        return path if path.is_file() else None

    def sweep(self, before: float) -> None:
        """Remove drafts that were begun before a time (seconds since 1970). Raises SiteUnavailable."""
        try:
            for path in (self._root / _DRAFTS).glob("*"):
                if path.lstat().st_mtime < before:
                    path.unlink(missing_ok=True)
        except FileNotFoundError:
            return
        except OSError as error:
            raise write_failed(error, site=self._site, may_be_stored=False) from error

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
            raise write_failed(error, site=self._site, may_be_stored=False) from error

    def forget(self, name: str) -> None:
        """There are no copies besides the files themselves."""

    def close(self) -> None:
        """Nothing is held open."""

    def _path(self, name: str) -> Path:
        if check_key(name).split("/")[0] == _DRAFTS:
            raise InvalidInput(f"{_DRAFTS} is no name for index files", field="name")
        path = self._root / name
        if not self._own and (link := self._link_to(path)) is not None:
            raise SiteUnavailable(
                f"site {self._site}: {link} is a link, which nobody follows",
                site=self._site,
                may_be_stored=False,
                hint="Remove it from the folder where index files lie; it is not the archive's.",
            )
        return path

    def _link_to(self, path: Path) -> Path | None:
        """The first link on the way from the folder to a path; None: there is none."""
        folders = [one for one in path.parents if one == self._root or self._root in one.parents]
        return next((one for one in (*folders, self._root / _DRAFTS) if one.is_symlink()), None)

    def _make_below_site(self, target: Path) -> None:
        self._make()
        if target.parent != self._root:
            self._make_folders(target.parent)

    def _make_folders(self, folder: Path) -> None:
        """Never the store's own folder: where that went meanwhile, the site went, and stays away."""
        if folder == self._root or folder.is_dir():
            return
        self._make_folders(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir(mode=_MODE)
        sync_folder(folder.parent)


class _FolderFile:
    """Reads with ``pread``, which gives an error where a memory map would crash: if the file shrinks."""

    def __init__(self, path: Path, site: str, *, follow: bool) -> None:
        """Raises OSError; Damaged: it is no file, but a pipe, or (without ``follow``) a link."""
        self._site = site
        try:
            self._file = open(path, "rb", buffering=0, opener=_OPENERS[follow])  # noqa: SIM115
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise _no_file(path, site) from error
            raise
        facts = os.fstat(self._file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            self._file.close()
            raise _no_file(path, site)
        self.size = facts.st_size

    def read(self, offset: int, length: int, *, keep: bool = False) -> bytes:
        try:
            return os.pread(self._file.fileno(), length, offset)
        except (OSError, ValueError) as error:
            raise_limit(error)
            raise SiteUnavailable(
                f"site {self._site} could not be read: {error}", site=self._site, may_be_stored=False
            ) from error

    def close(self) -> None:
        self._file.close()


def _opener(flags_more: int) -> Callable[[str, int], int]:
    return lambda path, flags: os.open(path, flags | flags_more)


#: By whether links are followed. Without waiting: where others write, a pipe may lie there.
_OPENERS = {True: _opener(os.O_NONBLOCK), False: _opener(os.O_NONBLOCK | os.O_NOFOLLOW)}


def _no_file(path: Path, site: str) -> Damaged:
    return Damaged(f"site {site}: what lies at {path.name} is no file", key=path.name, site=site)


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
