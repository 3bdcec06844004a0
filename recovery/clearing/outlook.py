"""What a clearing would free, as far as a look at listings tells: cheap, for ``vanvault status``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.times import from_us
from vanvault.archiver.stores import StoredVersion


@dataclass(frozen=True, slots=True)
class SpentCount:
    """Batches at one site that segments hold and whose locks are long over."""

    site: str
    batches: int
    bytes: int

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"site": self.site, "batches": self.batches, "bytes": self.bytes}


class SpentTally:
    """Counts spent batches while somebody else lists them, so that nothing is listed twice.

    Where listings show no locks, a batch counts as locked for as long as its first lock lasts today: no lock
    is asked for.
    """

    def __init__(self, archive: Archive) -> None:
        settings = archive.settings
        first_lock = settings.compaction.lock_pace().lock
        self._over_before = archive.clock.now() - timedelta(days=settings.clearing.after_days)
        self._ends = {
            one.n: from_us(one.manifest.last_us) + first_lock
            for one in archive.catalogue.segments()
            if not one.manifest.disposal
        }
        self._ranges = archive.catalogue.ranges()
        self._counts: dict[str, SpentCount] = {}

    def watch(self, site: str, listed: Iterable[StoredVersion]) -> Iterator[StoredVersion]:
        """Give a listing of a site's batches on. It counts once it came to its end."""
        batches, size, before = 0, 0, ""
        for version in listed:
            if self._is_spent(version):
                batches, size = batches + (version.key != before), size + version.size
                before = version.key
            yield version
        self._counts[site] = SpentCount(site, batches, size)

    def counts(self) -> tuple[SpentCount, ...]:
        """By site; one that was not listed to its end is left out."""
        return tuple(self._counts.values())

    def _is_spent(self, version: StoredVersion) -> bool:
        name = parse_key(version.key)
        if name is None:
            return False
        held = self._ranges.get(name.writer, ())
        ends = [
            self._ends[n] for first, last, n in held if first <= name.sequence <= last and n in self._ends
        ]
        return bool(ends) and (version.retain_until or min(ends)) <= self._over_before
