"""Kept files that this node found damaged at a site: not taken from there any more, until they are put anew.

On local disk, so that the next process need not find out again, and whoever keeps the index level puts a good
file in their place. Deleted, it is found out again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from vanvault.archiver.catalogue.kept.directory import KeptFile, is_index_file

_NAME = "refused-kept"
#: What more is damaged is refused by this process only.
_MOST_BYTES = 4 * 2**20

#: Site, name, and the digest that the directory tells.
_Refused = tuple[str, str, str]


class RefusedFiles:
    """Safe to share between threads, and between the processes of one home."""

    def __init__(self, folder: Path) -> None:
        """``folder``: local; made when there is something to note."""
        self._path = folder / _NAME
        self._mine: set[_Refused] = set()  # also where the disk takes nothing
        self._read: tuple[tuple[int, int], frozenset[_Refused]] = ((0, 0), frozenset())
        self._lock = threading.Lock()

    def add(self, site: str, file: KeptFile) -> None:
        """Take this file from this site no more."""
        one = (site, file.name, file.sha256)
        with self._lock:
            if one in self._all():
                return
            self._mine.add(one)
            with suppress(OSError):
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not self._path.exists() or self._path.stat().st_size < _MOST_BYTES:
                    with self._path.open("a", encoding="utf-8") as noted:
                        noted.write(" ".join(one) + "\n")

    def holds(self, site: str, file: KeptFile) -> bool:
        """Was this file found damaged at this site?"""
        with self._lock:
            return (site, file.name, file.sha256) in self._all()

    def drop(self, site: str, when: Callable[[str], bool]) -> None:
        """Files of this site, by name, are good again, or gone."""
        with self._lock:
            found = self._all()
            left = {one for one in found if one[0] != site or not when(one[1])}
            if left == found:
                return
            self._mine &= left
            with suppress(OSError):  # else they are refused a while longer, which costs time only
                draft = self._path.with_suffix(".draft")
                draft.write_text("".join(" ".join(one) + "\n" for one in sorted(left)), encoding="utf-8")
                draft.replace(self._path)

    def _all(self) -> set[_Refused]:
        """What this process and others noted."""
        with suppress(OSError):
            facts = self._path.stat()
            version = (facts.st_mtime_ns, facts.st_size)
            if version != self._read[0]:
                self._read = (version, _decoded(self._path.read_bytes()[: 2 * _MOST_BYTES]))
            return self._mine | self._read[1]
        return set(self._mine)


def _decoded(data: bytes) -> frozenset[_Refused]:
    """A line that is cut off, or of another form, says nothing."""
    lines = (line.split(" ") for line in data.decode("utf-8", "replace").splitlines())
    return frozenset((one[0], one[1], one[2]) for one in lines if len(one) == 3 and is_index_file(one[1]))
