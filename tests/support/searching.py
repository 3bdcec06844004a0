"""Search over a hot tail alone, for tests that need no sites."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.support.clocks import ManualClock
from vanvault.archiver.catalogue import (
    FolderStore,
    HotTail,
    IndexStorage,
    Search,
    SearchKeys,
    open_search,
)
from vanvault.archiver.core.options import SearchLimits
from vanvault.archiver.core.ports import ClockStopwatch, Ports, SystemEntropy
from vanvault.archiver.keys import KeyFiles, ParquetKeys


def search_over(tail: HotTail, cursor_key: bytes) -> Search:
    """A search for which nothing is compacted."""
    clock, entropy = ManualClock(), SystemEntropy()
    with tempfile.TemporaryDirectory() as folder:
        keys = KeyFiles.create(Path(folder) / "keys", entropy)
        room = open_search(
            tail,
            {},
            SearchKeys(keys, ParquetKeys(keys), cursor_key),
            IndexStorage(FolderStore(Path(folder) / "index"), Path(folder) / "work"),
            Ports(clock, ClockStopwatch(clock), entropy),
            SearchLimits(threads=1, cache_bytes=2**20),
        )
        room.threads.shutdown()
        return room.search
