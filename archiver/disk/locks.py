"""Locks between processes of one host, on files and folders (``flock``).

The kernel ends a lock when the last descriptor of its opening is closed, so also when its process dies.
"""

from __future__ import annotations

import errno
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A lock that this process holds until ``release`` or the end of a ``with`` block.

    ``descriptor`` may be handed to a child process; the lock then lasts as long as either has it open.
    """

    descriptor: int

    def release(self) -> None:
        """Give the lock back; call it once."""
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def take_lock(path: Path) -> HeldLock:
    """Lock a lock file, and wait for whoever holds it. Raises OSError when it cannot be opened.

    The file is made (mode 0600) where there is none; its folder must be there.
    """
    lock = HeldLock(_opened(path))
    try:
        lock_descriptor(lock.descriptor, wait=True)
    except BaseException:
        lock.release()
        raise
    return lock


def lock_beside(path: Path) -> HeldLock:
    """Lock a file that is read, changed and replaced, and wait for whoever holds it. Raises OSError.

    The lock is on ``.NAME.lock`` in the same folder: the file itself gets another inode at each change, so a
    lock on it would not keep out who opens it next.
    """
    return take_lock(path.with_name(f".{path.name}.lock"))


def try_lock(path: Path) -> HeldLock | None:
    """As ``take_lock``, without waiting: None when somebody holds it. Raises OSError."""
    lock = HeldLock(_opened(path))
    if lock_descriptor(lock.descriptor, wait=False):
        return lock
    lock.release()
    return None


def lock_descriptor(descriptor: int, *, wait: bool) -> bool:
    """Lock an open file or folder until the descriptor is closed; False when another opening holds it.

    Raises OSError.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def still_named(descriptor: int, path: Path) -> bool:
    """Does ``path`` lead to the open file? A name may be removed or given to another while one waits."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


_LIMITS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


def lock_file(path: Path, instead: Path) -> Path:
    """The lock file of a cache: ``path``, made with its folder; ``instead`` where that cannot be used.

    Every process of a home comes to the same answer. Raises OSError: a limit of this machine, which says
    nothing about the path and may be over for the next process.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(_opened(path))
    except OSError as error:
        if error.errno in _LIMITS:
            raise
        return instead
    return path


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except IsADirectoryError:  # it can be locked all the same
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
