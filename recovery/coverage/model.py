"""Which object was last verified when, from the runs on record. Pure.

A run reads the objects of one subset, which a digest decides, so a run need not list what it read: the run,
the digest and the time at which the object was stored say it all. What a run found wrong it names, and that
object does not count as verified by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import lcm

from vanvault.recovery.verify import SiteRun, VerifyRun

#: Finest division into which subsets of different sizes are brought to compare them.
MAX_PARTS = 100_000


class VerifiedAt:
    """When objects were last found whole at one site: one look into a list for each division.

    The runs are grouped by division and subset, newest first, so that many objects are looked up fast.
    """

    def __init__(self, runs: Iterable[VerifyRun], site: str) -> None:
        self._runs: dict[int, dict[int, list[SiteRun]]] = {}
        for run in runs:
            if run.named and site in run.sites:
                numbers = self._runs.setdefault(run.subset.of, {})
                numbers.setdefault(run.subset.number, []).append(run.sites[site])
        for numbers in self._runs.values():
            for found in numbers.values():
                found.sort(key=lambda one: one.began, reverse=True)

    def __call__(self, digest: bytes, stored_at: datetime, *, by: bytes | None = None) -> datetime | None:
        """When the object with this digest in its name was last found whole; None: never.

        Args:
            stored_at: by the site's clock; a run that began before it cannot have read the object.
            by: the digest that decides the subset, where that is another object's: all parts of a segment
                are read together, in the subset of the part that is last by name.
        """
        number = int.from_bytes((digest if by is None else by)[:8])
        times = [
            time
            for of, numbers in self._runs.items()
            if (time := _newest(numbers.get(number % of + 1, ()), digest, stored_at)) is not None
        ]
        return max(times, default=None)


def _newest(runs: Iterable[SiteRun], digest: bytes, stored_at: datetime) -> datetime | None:
    for run in runs:
        if run.began <= stored_at:
            return None
        if digest not in run.damaged:
            return run.began
    return None


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


def waiting(times: Sequence[datetime | None]) -> datetime | None:
    """The time that holds for all of several sites: the earliest, or None where one has none."""
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None
