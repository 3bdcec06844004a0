"""Standard output and standard error of a process, so that what cannot be written is noticed, once.

A full disk, a reader that has ended or a descriptor that was closed is no error of what a verb does. What
is lost of standard output is kept in mind, for the edge that says so (``output_lost``), and the first write
that fails raises; later ones are dropped. What standard error does not take is dropped: nobody could be told.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_lost: list[OSError] = []  # what the first failed write to standard output said


class OutputLost(OSError):
    """Standard output takes no more."""


def guard_streams() -> None:
    """Put guarded streams in the place of ``sys.stdout`` and ``sys.stderr``.

    A number below 3 that is closed is opened first: else the next file of this process gets it, and what is
    printed goes into that file.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # writing to one that is open for reading fails, as it should
    sys.stdout = _stream(1, raises=True)
    sys.stderr = _stream(2, raises=False)


def output_lost() -> OSError | None:
    """Why standard output lost something; None: it did not."""
    return _lost[0] if _lost else None


def _stream(number: int, *, raises: bool) -> io.TextIOWrapper:
    """Names of files that are no UTF-8 are written with escapes."""
    raw = _GuardedRaw(number, raises=raises)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=not raises or raw.isatty(),
    )


class _GuardedRaw(io.RawIOBase):
    def __init__(self, number: int, *, raises: bool) -> None:
        self._number = number
        self._raises = raises
        self._over = False

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> Any:
        """Raises OutputLost, at the first failure of standard output."""
        if self._over:
            return memoryview(data).nbytes
        try:
            return os.write(self._number, data)
        except BlockingIOError:
            return None
        except OSError as error:
            self._over = True
            if not self._raises:
                return memoryview(data).nbytes
            _lost.append(error)
            raise OutputLost(error.errno, error.strerror) from error
