"""Which index files to merge, so that ten years stay about twenty files. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from vanvault.archiver.index.fields import TIERS, Tier

#: Files of one tier and key from which on the oldest are merged, whatever the calendar says.
MAX_FILES = 40

_PERIOD = {
    "day": len("2026-11"),
    "month": len("2026"),
}  # of a day: the next tier's period


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """What planning needs to know of an index file."""

    name: str
    tier: Tier
    key_id: str
    first_day: str  # YYYY-MM-DD, of its segments
    last_day: str


@dataclass(frozen=True, slots=True)
class Merge:
    """Files to be replaced by one file of ``tier``."""

    tier: Tier
    inputs: tuple[IndexFacts, ...]  # two or more, of one key, by day


def plan_merges(files: Sequence[IndexFacts], today: date, *, limit: int = MAX_FILES) -> list[Merge]:
    """The merges that are due, oldest first; no file is in two of them.

    Day files are merged when their month is over, month files when their year is. A tier that still has more
    than ``limit`` files of one key gives its oldest to the next tier, down to half the limit; years are
    merged among themselves. Carrying out plans until none is left ends, since each merge leaves fewer files.
    """
    groups: dict[tuple[str, Tier], list[IndexFacts]] = defaultdict(list)
    for file in files:
        groups[file.key_id, file.tier].append(file)
    merges: list[Merge] = []
    for (_, tier), members in groups.items():
        left = sorted(members, key=_age)
        if tier != "year":
            due = _closed_periods(left, today.isoformat()[: _PERIOD[tier]], _PERIOD[tier])
            merges += [Merge(_next(tier), tuple(group)) for group in due]
            taken = {file.name for group in due for file in group}
            left = [file for file in left if file.name not in taken]
        if len(left) > limit:
            keep = min(limit // 2, len(left) - 2)
            merges.append(Merge(_next(tier), tuple(left[: len(left) - keep])))
    return sorted(merges, key=lambda merge: (_age(merge.inputs[0]), TIERS.index(merge.tier)))


def _closed_periods(files: Sequence[IndexFacts], current: str, length: int) -> list[list[IndexFacts]]:
    """Files by period, of periods that are over and have more than one file."""
    periods: dict[str, list[IndexFacts]] = defaultdict(list)
    for file in files:
        periods[file.last_day[:length]].append(file)
    return [group for period, group in periods.items() if period < current and len(group) > 1]


def _age(file: IndexFacts) -> tuple[str, str, str]:
    return file.first_day, file.last_day, file.name


def _next(tier: Tier) -> Tier:
    return TIERS[min(TIERS.index(tier) + 1, len(TIERS) - 1)]
