"""Search over a hot tail alone, for tests that need no sites."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.contract.harness import ManualClock
from vanvault.archiver.catalogue import FolderStore, HotTail, Search, open_search
from vanvault.archiver.core.options import ScanLimits
from vanvault.archiver.core.ports import ClockStopwatch, SystemEntropy
from vanvault.archiver.keys import KeyFiles, ParquetKeys, SigningKeys


def search_over(tail: HotTail, cursor_key: bytes) -> Search:
    """A search for which nothing is compacted."""
    clock, entropy = ManualClock(), SystemEntropy()
    with tempfile.TemporaryDirectory() as folder:
        keys = KeyFiles.create(Path(folder) / "keys", entropy)
        signing = SigningKeys.create(Path(folder) / "keys", entropy)
        room = open_search(
            tail=tail,
            sites={},
            parquet=ParquetKeys(keys),
            provider=keys,
            signing=signing,
            store=FolderStore(Path(folder) / "index"),
            folder=Path(folder) / "work",
            cursor_key=cursor_key,
            clock=clock,
            stopwatch=ClockStopwatch(clock),
            entropy=entropy,
            limits=ScanLimits(),
            threads=1,
            cache_bytes=2**20,
        )
        room.threads.shutdown()
        return room.search
