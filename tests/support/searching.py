"""Search over a hot tail alone, for tests that need no sites."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.support.clocks import ManualClock
from vanvault.archiver.catalogue import (
    HotTail,
    IndexStorage,
    Search,
    SearchRoom,
)
from vanvault.archiver.core.options import S3Options, SearchLimits
from vanvault.archiver.core.ports import ClockStopwatch, Ports, SystemEntropy
from vanvault.archiver.keys import KeyFiles
from vanvault.archiver.keys.parquet import ParquetKeys


def search_over(tail: HotTail) -> Search:
    """A search for which nothing is compacted."""
    clock, entropy = ManualClock(), SystemEntropy()
    with tempfile.TemporaryDirectory() as folder:
        keys = KeyFiles.create(Path(folder) / "keys", entropy)
        room = SearchRoom.open(
            tail,
            {},
            ParquetKeys(keys),
            IndexStorage.open(
                "file:index", home=Path(folder), folder=Path(folder) / "work", options=S3Options()
            ),
            Ports(clock, ClockStopwatch(clock), entropy),
            SearchLimits(threads=1, cache_bytes=2**20),
        )
        room.threads.shutdown()
        return room.search
