"""Homes that were written to, and sites that fail at the call that a test names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from tests.support.archives import Home, event, message
from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.model import Draft, Metadata
from vanvault.archiver.stores import (
    StoredVersion,
)


class ArmedSite(MemorySite):
    """Fails at the nth put or extend from when it was armed."""

    def __init__(self, site: str, *, clock: ManualClock) -> None:
        super().__init__(site, clock=clock)
        self._armed: tuple[str, Literal["before", "after"]] | None = None
        self._left = 0
        self.seen = {"put": 0, "extend": 0}

    def arm(self, operation: Literal["put", "extend"], nth: int, when: Literal["before", "after"]) -> None:
        self._armed, self._left = (operation, when), nth

    @property
    def fired(self) -> bool:
        return self._armed is not None and self._left <= 0

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        self._tick("put")
        return super().put(key, data, sha256=sha256, retain_until=retain_until)

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        self._tick("extend")
        return super().extend(key, version, retain_until)

    def _tick(self, operation: Literal["put", "extend"]) -> None:
        self.seen[operation] += 1
        if self._armed is not None and self._armed[0] == operation:
            self._left -= 1
            if self._left == 0:
                self.fail_next(operation, self._armed[1])


def drafts(day: int, count: int = 5) -> list[Draft]:
    """Messages and events of one day."""
    about = Metadata(transaction_id=f"t-{day}", procedure="600", insurance_numbers=("7912345678",))
    return [
        *(message(f"m-{day}-{n}", b"<hs n='%d'/>" % n * 20, given=about) for n in range(count)),
        event(f"e-{day}", transaction_id=f"t-{day}"),
    ]


def push(archive: Archive, entries: Sequence[Draft], *, final: bool = True) -> list[str]:
    """Archive entries through a writer of their own, as of now; keys of its batches."""
    writer, opened = archive.open_writer()
    try:
        done = [*opened, *writer.commit(entries, final=final)]
        archive.tail.apply([batch.folded for batch in done])
    finally:
        writer.close()
    return [batch.folded.key for batch in done]


def fill(home: Home, archive: Archive, days: int = 2) -> list[str]:
    """Some days of two writers each; the clock stands on the morning after. Keys of all batches."""
    keys = []
    for day in range(days):
        for part in range(2):
            keys += push(archive, drafts(10 * day + part))
            home.clock.advance(timedelta(hours=2))
        home.clock.advance(timedelta(hours=20))
    home.clock.advance(timedelta(hours=12))
    return keys
