"""What a clearing would free, as far as a look at listings tells: cheap, for ``vanvault status``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.names import batch_prefix, parse_key
from vanvault.archiver.core.times import from_us


@dataclass(frozen=True, slots=True)
class SpentCount:
    """Batches at one site that segments hold and whose locks are long over."""

    site: str
    batches: int
    bytes: int

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"site": self.site, "batches": self.batches, "bytes": self.bytes}


def spent_now(archive: Archive) -> tuple[SpentCount, ...]:
    """By site, from its listing; a site that cannot be listed is left out. Raises nothing.

    Where listings show no locks, a batch counts as locked for as long as its first lock lasts today: no lock
    is asked for.
    """
    settings, now = archive.settings, archive.clock.now()
    after = timedelta(days=settings.clearing.after_days)
    first_lock = settings.compaction.lock_pace().lock
    ends = {
        one.n: from_us(one.manifest.last_us) + first_lock
        for one in archive.catalogue.segments()
        if not one.manifest.disposal
    }
    ranges = archive.catalogue.ranges()

    def spent_at(site: str) -> Iterator[tuple[str, int]]:
        for version in archive.sites[site].list(batch_prefix()):
            name = parse_key(version.key)
            if name is None:
                continue
            held = ranges.get(name.writer, ())
            over = [ends[n] for first, last, n in held if first <= name.sequence <= last and n in ends]
            if over and (version.retain_until or min(over)) + after <= now:
                yield version.key, version.size

    found = []
    for site in archive.sites:
        batches, size, before = 0, 0, ""
        try:
            for key, stored in spent_at(site):
                batches, size, before = batches + (key != before), size + stored, key
        except VanVaultError:
            continue
        found.append(SpentCount(site, batches, size))
    return tuple(found)
