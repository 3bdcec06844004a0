"""Notes on disk: one file for each running job, and a lock that its process holds.

Only who writes a note holds its lock; a note without one is of a process that died, and is passed by. It is
removed by whoever sees it on its own host only: where homes are shared, ``flock`` may not hold between hosts,
and the note may be of a process that lives. Nothing here is durable: after a crash of the host no job runs.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.disk import HeldLock, read_small, try_lock
from vanvault.recovery.running.model import RunningJob, cut, note_of, parse_note

_FOLDER = Path("cache") / "running"
_MOST_NOTES = 64
_MOST_BYTES = 16_384  # texts of control characters take six bytes for each


def this_host() -> str:
    """The name of this host as a note holds it."""
    return cut(socket.gethostname())


class ProgressNote:
    """The note of one job, from its begin to its end. Where the cache cannot be used there is none."""

    def __init__(self, home: Path, id: str) -> None:
        self._path = home / _FOLDER / f"{id}.json"
        self._lock: HeldLock | None = None

    def __enter__(self) -> Self:
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = try_lock(self._path.with_suffix(".lock"))
        return self

    def write(self, job: RunningJob) -> None:
        """Replace the note; what keeps it from being written is nobody's trouble."""
        if self._lock is None:
            return
        draft = self._path.with_suffix(".draft")
        with suppress(OSError):
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(note_of(job))
            draft.replace(self._path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is None:
            return
        _remove(self._path)
        self._lock.release()
        self._lock = None


def verbs_here(home: Path) -> list[RunningJob]:
    """The jobs that run now in this home and note it, the first begun first; what is no note is passed by."""
    found = []
    for path in _notes(home / _FOLDER):
        try:
            job = parse_note(path.stem, read_small(path, _MOST_BYTES))
            if not _is_over(path, job):
                found.append(job)
        except (OSError, InvalidInput):
            continue
    return sorted(found, key=lambda job: (job.began_at, job.id))


def _notes(folder: Path) -> list[Path]:
    """The notes written last: what others left there hides none that is written now."""
    try:
        notes = [path for path in folder.iterdir() if path.suffix == ".json"]
    except OSError:
        return []
    return sorted(notes, key=_written_ns, reverse=True)[:_MOST_NOTES]


def _written_ns(path: Path) -> int:
    try:
        return path.lstat().st_mtime_ns
    except OSError:
        return 0


def _is_over(path: Path, job: RunningJob) -> bool:
    """Has the process of this note ended? Then its files go if it was of this host. Raises OSError."""
    lock = try_lock(path.with_suffix(".lock"))
    if lock is None:
        return False
    with lock:
        if job.host == this_host():
            _remove(path)
    return True


def _remove(path: Path) -> None:
    for one in (path, path.with_suffix(".draft"), path.with_suffix(".lock")):
        with suppress(OSError):
            one.unlink(missing_ok=True)
