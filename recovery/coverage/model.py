"""How much of a site was verified, and since when all of it was, from the runs on record. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import lcm

from vanvault.recovery.verified import VerifyRun

#: Finest division into which subsets of different sizes are brought to compare them.
MAX_PARTS = 100_000


def verified_since(runs: Sequence[VerifyRun], site: str) -> datetime | None:
    """Every object that the site held whole before this moment was verified at this moment or later.

    None: some part was never read. Says nothing of objects that a run found damaged, but that they are on
    record. Needs no listing, so it is cheap. Subsets of different sizes are compared by common parts.
    """
    counted = [run for run in runs if run.named and site in run.sites]
    parts = 1
    usable = []
    for run in sorted(counted, key=lambda one: one.subset.of):
        common = lcm(parts, run.subset.of)
        if common <= MAX_PARTS:
            parts = common
            usable.append(run)
    newest: list[datetime | None] = [None] * parts
    for run in sorted(usable, key=lambda one: one.sites[site].began):
        began = run.sites[site].began
        newest[run.subset.number - 1 :: run.subset.of] = [began] * (parts // run.subset.of)
    times = [time for time in newest if time is not None]
    return min(times) if len(times) == parts else None


@dataclass(frozen=True, slots=True)
class Tally:
    """Objects and their bytes."""

    objects: int = 0
    bytes: int = 0

    def __add__(self, size: int) -> Tally:
        return Tally(self.objects + 1, self.bytes + size)

    def fraction_of(self, all: Tally) -> float:
        """By bytes, 1 when there are none."""
        return self.bytes / all.bytes if all.bytes else 1.0


@dataclass(slots=True)
class SiteCoverage:
    """How much of one site was verified lately enough."""

    site: str
    total: Tally = field(default_factory=Tally)
    verified: Tally = field(default_factory=Tally)  # within the limit
    young: Tally = field(default_factory=Tally)  # not verified yet, but stored within the limit
    overdue: Tally = field(default_factory=Tally)  # neither
    oldest: tuple[datetime, str] | None = None  # since when, and which: the longest without verification

    def take(
        self, key: str, size: int, stored_at: datetime, verified: datetime | None, limit: datetime
    ) -> None:
        """The next object. ``limit``: what was verified before it must be verified again by now."""
        self.total += size
        if verified is not None and verified >= limit:
            self.verified += size
            return
        since = verified or stored_at
        if since >= limit:
            self.young += size
        else:
            self.overdue += size
        if self.oldest is None or since < self.oldest[0]:
            self.oldest = (since, key)
