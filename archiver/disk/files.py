"""Files that are durable, and whole or absent whatever moment a process or a host stops at.

The order is always: write, fsync of the file, then its name, then fsync of the folder.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

#: Characters of a file's name that its draft's name repeats; a name may have 255 bytes.
_NAME_LIMIT = 60


@contextmanager
def synced_file(path: Path, *, mode: int = 0o600, new: bool = False) -> Iterator[BinaryIO]:
    """An empty file to write, durable when the block ends well; its name is durable after ``sync_folder``.

    Args:
        mode: permissions, whatever the umask.
        new: raise FileExistsError when there is one already, instead of emptying it.

    Raises OSError.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_EXCL if new else os.O_TRUNC)
    descriptor = os.open(path, flags, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        yield file
        file.flush()
        os.fsync(descriptor)


def replace_file(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file durably: readers and crashes find the old one or the new one. Raises OSError."""
    with _draft(path, data, mode) as draft:
        draft.replace(path)
    sync_folder(path.parent)


def create_file(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a new file durably: it appears whole or not at all, and never in place of another.

    Raises FileExistsError when there is one of this name, OSError.
    """
    with _draft(path, data, mode) as draft:
        # A link, unlike a rename, refuses to replace: of two processes that make one file, one wins.
        path.hardlink_to(draft)
    sync_folder(path.parent)


def sync_folder(folder: str | Path, *, inside: int | None = None) -> None:
    """Make the names in a folder durable. Raises OSError.

    Args:
        inside: descriptor of the folder that ``folder`` is relative to.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=inside)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_plain(path: Path) -> bytes:
    """The bytes of a plain file; a pipe in its place is not waited for.

    Raises FileNotFoundError also where the name leads to a pipe, a folder or a device; OSError.
    """
    return _read(path, 0, -1)


def read_small(path: Path, most: int) -> bytes:
    """The bytes of a plain file that others may have put there: at most ``most``, and no link is followed.

    Raises OSError as ``read_plain``, with ELOOP for a link and EFBIG for more bytes; one more is read.
    """
    data = _read(path, os.O_NOFOLLOW, most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"there are more than {most} bytes", str(path))
    return data


def _read(path: Path, flags: int, size: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileNotFoundError(errno.ENOENT, "there is no plain file", str(path))
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(size)
    finally:
        os.close(descriptor)


@contextmanager
def _draft(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """The data in a synced file beside ``path`` whose name no other process uses; removed at the end."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:_NAME_LIMIT]}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        yield draft
    finally:
        draft.unlink(missing_ok=True)
