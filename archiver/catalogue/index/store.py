"""The port of an index store: immutable files, put whole, read in ranges, deletable.

An index store is not a WORM site: what lies here can be rebuilt from segments, so nothing is locked.
Names follow the key grammar of sites (``archiver/stores/rules.py``). Every implementation passes
``tests/catalogue/index/test_stores.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vanvault.archiver.core.errors import NotFound

#: What the name of a filter adds to that of its index file.
FILTER_SUFFIX = ".filter"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of the store."""

    name: str
    size: int  # bytes


class RangeFile(Protocol):
    """An open file; safe to share between threads."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def read(self, offset: int, length: int, *, keep: bool = False) -> bytes:
        """``length`` bytes from ``offset``; shorter only where the file ends.

        ``keep``: these bytes will be asked for again by later processes, so a remote store may hold on to
        them on local disk.

        Raises NotFound (it was deleted meanwhile), SiteUnavailable.
        """
        ...

    def close(self) -> None: ...


class MappedFile(Protocol):
    """A whole file as memory, on local disk."""

    @property
    def view(self) -> memoryview: ...

    def close(self) -> None:
        """Release the file; its memory is freed when no view of it is left."""
        ...


class IndexStore(Protocol):
    """Safe to share between threads."""

    def put(self, name: str, source: Path) -> None:
        """Store the file at ``source`` under ``name``, durably, whole or not at all.

        Raises InvalidInput (the name), SiteFull, SiteUnavailable.
        """
        ...

    def open(self, name: str) -> RangeFile:
        """Raises NotFound, SiteUnavailable."""
        ...

    def fetch(self, name: str, offset: int, length: int) -> bytes:
        """As ``read`` of the file, which need not be opened. Raises NotFound, SiteUnavailable, Damaged."""
        ...

    def map(self, name: str) -> MappedFile:
        """The whole file, brought to local disk if it is not there. Raises NotFound, SiteUnavailable."""
        ...

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Files whose names start with ``prefix``, by name. Raises SiteUnavailable."""
        ...

    def path(self, name: str) -> Path | None:
        """Where the whole file lies on local disk; None: it does not. Asks no remote store."""
        ...

    def size(self, name: str) -> int:
        """Bytes. Raises NotFound, SiteUnavailable."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file; no error when there is none. Raises SiteUnavailable."""
        ...

    def forget(self, name: str) -> None:
        """Drop local copies of a file, because what was read is damaged; the next read asks the store."""
        ...

    def close(self) -> None: ...


def not_held(name: str) -> NotFound:
    """What a store raises for a file that it does not hold."""
    return NotFound(f"the index store holds no {name}", hint="Rebuild the index: vanvault index rebuild.")
