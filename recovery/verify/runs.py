"""Verifications that were made, and which subset of the archive is to be read next. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from vanvault.recovery.verify.model import Subset

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SiteRun:
    """What one run did at one site."""

    began: datetime  # by the site's own clock, before anything was listed
    objects: int  # versions that were read back
    size: int  # bytes of them
    damaged: frozenset[bytes] = frozenset()  # digests in the names of objects that are not whole here
    aside: int = 0  # what lies here and is not the archive's


@dataclass(frozen=True, slots=True)
class VerifyRun:
    """One verification on record."""

    finished: datetime
    subset: Subset
    whole: bool
    findings: Mapping[str, int]  # problem -> how many
    named: bool  # are all failing findings named in ``sites``? Else the run vouches for no object
    asked: frozenset[str]  # sites that it was to read
    sites: Mapping[str, SiteRun]  # those that it could read
    seconds: float


def next_subset(runs: Iterable[VerifyRun], parts: int, sites: Collection[str]) -> Subset:
    """The subset whose turn it is: of those never read the first, else the one that was tried longest ago.

    A try counts though a site was away or something was wrong: otherwise one subset that cannot be read
    would keep all others waiting. Runs over some of the sites do not count.
    """
    tried: list[datetime | None] = [None] * parts
    for run in runs:
        if run.asked >= set(sites) and parts % run.subset.of == 0:
            for number in range(run.subset.number - 1, parts, run.subset.of):
                before = tried[number]
                tried[number] = run.finished if before is None else max(before, run.finished)
    turn = min(range(parts), key=lambda number: (tried[number] or _NEVER, number))
    return Subset(turn + 1, parts)
