"""Heartbeat files: one for each running node of a home, written every second, in its cache.

They cost nothing in the archive and bound a crash to the second. The next start, or another node of the
home, puts the last word of a dead one on record. Lost with the disk, the archive's own entries remain.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.machine import machine_limit
from vanvault.archiver.core.names import is_writer_id
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_us, to_us
from vanvault.archiver.disk import read_plain

#: A file that was not written for so long is of a dead node.
STALE_US = 5_000_000


@dataclass(frozen=True, slots=True)
class LastWord:
    """The last proof of life of a run that is over."""

    writer: str
    at_us: int


class AliveFiles:
    """The heartbeat files of a home."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def beat(self, writer: str, now_us: int) -> None:
        """This run is alive. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        # Not waiting: somebody may have put a pipe there.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(self._folder / writer, flags, 0o600), "wb") as file:  # noqa: PTH123
            file.write(rfc3339_us(now_us).encode("ascii"))

    def dead(self, own: str, now_us: int) -> list[LastWord]:
        """The last heartbeats of other runs that are over. Raises OSError."""
        found = []
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            if path.name == own or not is_writer_id(path.name):
                continue
            try:
                at_us = to_us(parse_rfc3339(read_plain(path).decode("ascii")))
            except OSError as error:
                if machine_limit(error) is not None:
                    raise
                continue  # it ended well just now, or it is no heartbeat file; the others' words count
            except (InvalidInput, UnicodeError):
                at_us = path.stat().st_mtime_ns // 1000  # the crash came in the middle of a beat
            if abs(now_us - at_us) > STALE_US:  # or of a clock that was ahead
                found.append(LastWord(path.name, at_us))
        return found

    def forget(self, writer: str) -> None:
        """Its end is on record."""
        path = self._folder / writer
        if not path.is_dir():
            path.unlink(missing_ok=True)
