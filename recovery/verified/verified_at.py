"""Which object was last verified when, from the runs on record. Pure.

A run reads the objects of one subset, which a digest decides, so a run need not list what it read: the run,
the digest and the time at which the object was stored say it all. What a run found wrong it names, and that
object does not count as verified by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from vanvault.recovery.verified.runs import SiteRun, VerifyRun


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


def waiting(times: Sequence[datetime | None]) -> datetime | None:
    """The time that holds for all of several sites: the earliest, or None where one has none."""
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None
