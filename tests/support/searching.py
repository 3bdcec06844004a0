"""Search over a hot tail alone, for tests that need no sites."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.support.clocks import ManualClock
from tests.support.key_ring import KeyRing
from vanvault.archiver.catalogue import (
    HotTail,
    IndexStorage,
    Search,
    SearchRoom,
)
from vanvault.archiver.core.options import S3Options, SearchLimits
from vanvault.archiver.core.ports import ClockStopwatch, Ports, SystemEntropy


def search_over(tail: HotTail) -> Search:
    """A search for which nothing is compacted."""
    clock, entropy = ManualClock(), SystemEntropy()
    with tempfile.TemporaryDirectory() as folder:
        ring = KeyRing.create(Path(folder) / "keys")
        room = SearchRoom.open(
            tail,
            {},
            ring.parquet,
            IndexStorage.open(
                "file:index", home=Path(folder), folder=Path(folder) / "work", options=S3Options()
            ),
            Ports(clock, ClockStopwatch(clock), entropy),
            SearchLimits(threads=1, cache_bytes=2**20),
        )
        room.threads.shutdown()
        return room.search
