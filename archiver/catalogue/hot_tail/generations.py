"""The files of one hot tail: each time it is made anew it gets another name.

Several processes of a home use the file at once. A name that was used is not used again while a file of a
later number is there, because SQLite removes the log of a database by its name: a process that still has an
old file open would remove the log of the new one. The file with the highest number is the one in use::

    hot-tail-index-1.sqlite      the first
    hot-tail-index-1.1.sqlite    the one after it was made anew, and so on
"""

from __future__ import annotations

import errno
import logging
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vanvault.archiver.catalogue.hot_tail.soundness import MARKS
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.disk import lock_descriptor

_log = logging.getLogger("vanvault.cache")

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class TailName:
    """One file by its number, and whether it lies in the home's cache."""

    path: Path
    number: int
    shared: bool = True  # false: in a folder of this process alone

    def identity(self) -> tuple[int, int] | None:
        """Which file the name leads to now; None: there is none, or what is there or beside it is no file."""
        for suffix in _BESIDE:
            with suppress(OSError):
                if not stat.S_ISREG(os.lstat(f"{self.path}{suffix}").st_mode):
                    return None
        try:
            found = self.path.lstat()
        except OSError:
            return None
        return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


class Generations:
    """Finds and makes the files of one hot tail."""

    def __init__(self, first: Path) -> None:
        """``first``: the path of number 0."""
        self._first = first
        self._pattern = re.compile(
            re.escape(first.stem) + r"(?:\.([1-9][0-9]{0,8}))?" + re.escape(first.suffix)
        )
        self._own: tempfile.TemporaryDirectory[str] | None = None

    @property
    def folder(self) -> Path:
        """Where the files are made now."""
        return self._first.parent if self._own is None else Path(self._own.name)

    def newest(self) -> TailName | None:
        """The file in use; None when there is none, or the folder cannot be read."""
        numbers = self._numbers()
        return self._name(max(numbers)) if numbers else None

    def make(self, after: int) -> TailName:
        """A new, empty file with a number greater than ``after``, or the one that another process just made.

        Where the home's cache cannot be used, it lies in a folder of this process alone, and a warning is
        logged: what others folded is then folded once more. Raises MachineLimit, OSError (no folder at all).
        """
        if self._own is None:
            try:
                return self._made(after)
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise_limit(error)
                self.do_without(error.strerror or "")
        return self._made(after)

    def do_without(self, why: str) -> bool:
        """From now on the files lie in a folder of this process alone; false: they do so already.

        Raises OSError (no folder at all).
        """
        if self._own is not None:
            return False
        _log.warning("warning: %s cannot be used (%s); this process does without it", self._first.parent, why)
        self._own = tempfile.TemporaryDirectory(prefix="vanvault-cache-", ignore_cleanup_errors=True)
        return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within this block no other process makes a file into a database: SQLite does not wait for that.

        Where the folder cannot be locked, the block runs all the same.
        """
        with ExitStack() as opened:
            with suppress(OSError):
                folder = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC)
                opened.callback(os.close, folder)
                lock_descriptor(folder, wait=True)
            yield

    def remove_older(self, than: int) -> None:
        """Remove the files with smaller numbers. Who still reads one keeps it until it is closed."""
        for number in self._numbers():
            if number < than:
                path = self._name(number).path
                for suffix in ("", *_BESIDE, *MARKS):
                    with suppress(OSError):
                        Path(f"{path}{suffix}").unlink()

    def close(self) -> None:
        """Remove the folder of this process alone, if there is one."""
        if self._own is not None:
            self._own.cleanup()

    def _made(self, after: int) -> TailName:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # One listing decides: of two that find no file, one makes it and the other finds its name taken.
        taken = self._taken()
        usable = [n for n in taken if n > after and self._name(n).identity() is not None]
        if usable:
            return self._name(max(usable))
        # A number is also taken by what is no plain file.
        number = max((after, *taken), default=after) + 1
        while True:
            name = self._name(number)
            try:
                os.close(os.open(name.path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
                return name
            except FileExistsError:
                if name.identity() is not None:
                    return name  # another process made it just now
                number += 1

    def _numbers(self) -> list[int]:
        return [number for number in self._taken() if self._name(number).identity() is not None]

    def _taken(self) -> list[int]:
        try:
            names = [path.name for path in self.folder.iterdir()]
        except OSError as error:
            raise_limit(error)
            return []
        return [int(found[1] or 0) for name in names if (found := self._pattern.fullmatch(name))]

    def _name(self, number: int) -> TailName:
        name = f"{self._first.stem}.{number}{self._first.suffix}" if number else self._first.name
        return TailName(self.folder / name, number, self._own is None)
