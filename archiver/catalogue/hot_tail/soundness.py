"""Whether every page of the file was looked at since anything but SQLite may have harmed it.

The look costs as much as the file is large, so it is made once: by the first who needs it after an unclean
end (a kill, a loss of power), after a change from outside, or in a new file. Whoever has the file open holds
a shared lock on ``NAME.in-use``. ``NAME.sound`` says ``open`` while a file is used that was looked at; the
last who closes it writes there which file it leaves: device, inode, size, times. The first who opens it next
compares them. Where this cannot be read, written or locked, the file counts as never looked at.

Damage of a disk that changes no time, and what happens to the file while it is open, is met at use, where
every error of SQLite is judged, or by a node, which looks at all pages with each round of its keeper.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

#: What lies beside the file.
MARKS = (".in-use", ".sound")
_OPEN = "open"


class FileUse:
    """One opening of the file, until ``end``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = Path(f"{path}.sound")
        self._lock: int | None = None
        try:
            self._lock = self._begun()
        except OSError:
            self._unknown()

    @property
    def is_checked(self) -> bool:
        """Was the whole file looked at, and used by nobody but SQLite since?"""
        return self._lock is not None and self._read() == _OPEN

    def checked(self) -> None:
        """The whole file was just looked at, and is right."""
        if self._lock is not None:
            self._write(_OPEN)

    def lost(self) -> None:
        """The file is left as it is, or its name leads to another one by now: nothing is known of it."""
        lock, self._lock = self._lock, None
        if lock is not None:
            self._unknown()
            os.close(lock)

    def end(self) -> None:
        """All connections of this opening are closed."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        try:
            if _alone(lock) and self._read() == _OPEN:
                self._write(self._seal())
        except OSError:
            self._unknown()
        finally:
            os.close(lock)

    def _begun(self) -> int:
        lock = os.open(f"{self._path}.in-use", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if _alone(lock):
                self._write(_OPEN if self._read() == self._seal() else "")
            fcntl.flock(lock, fcntl.LOCK_SH)
        except BaseException:
            os.close(lock)
            raise
        return lock

    def _seal(self) -> str:
        """What changes when the file does; "log", which is never noted, where SQLite left one."""
        if Path(f"{self._path}-wal").exists():
            return "log"
        found = self._path.stat()
        return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"

    def _read(self) -> str:
        try:
            descriptor = os.open(self._state, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return ""
        try:
            return os.read(descriptor, 200).decode("ascii", "replace")
        except OSError:
            return ""
        finally:
            os.close(descriptor)

    def _write(self, state: str) -> None:
        """Raises OSError."""
        if not state or state == "log":
            self._state.unlink(missing_ok=True)
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._state, flags, 0o600)
        try:
            os.write(descriptor, state.encode())
        finally:
            os.close(descriptor)

    def _unknown(self) -> None:
        with suppress(OSError):
            self._state.unlink(missing_ok=True)


def _alone(lock: int) -> bool:
    """Take the lock for this process alone; False when another has the file open."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
