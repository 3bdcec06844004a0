"""Which index files to merge, so that ten years stay about twenty files. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from vanvault.archiver.catalogue.index.fields import TIERS, Tier

#: Files of one tier and key from which on the oldest are merged, whatever the calendar says.
MAX_FILES = 40


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

    Day files are merged when their month is over; day and month files together when their year is. A tier
    that still has more than ``limit`` files of one key gives its oldest to the next tier, down to half the
    limit; years are merged among themselves. Carrying out plans until none is left ends, since each merge
    leaves fewer files.
    """
    merges: list[Merge] = []
    for key in dict.fromkeys(file.key_id for file in files):
        merges += _merges_of(sorted((f for f in files if f.key_id == key), key=_age), today, limit)
    return sorted(merges, key=lambda merge: (_age(merge.inputs[0]), TIERS.index(merge.tier)))


def _merges_of(files: Sequence[IndexFacts], today: date, limit: int) -> list[Merge]:
    """The merges of one key's files, which come by age."""
    this_year, this_month = f"{today:%Y}", f"{today:%Y-%m}"
    past = [file for file in files if file.tier != "year" and file.last_day[: len(this_year)] < this_year]
    days = [file for file in files if file.tier == "day" and file not in past]
    merges = [Merge("year", tuple(group)) for group in _closed_periods(past, this_year)]
    merges += [Merge("month", tuple(group)) for group in _closed_periods(days, this_month)]
    taken = {file.name for merge in merges for file in merge.inputs}
    for tier in TIERS:
        left = [file for file in files if file.tier == tier and file.name not in taken]
        if len(left) > limit:
            keep = min(limit // 2, len(left) - 2)
            merges.append(Merge(_next(tier), tuple(left[: len(left) - keep])))
    return merges


def _closed_periods(files: Sequence[IndexFacts], current: str) -> list[list[IndexFacts]]:
    """Files by period, of periods before the current one that have more than one file."""
    length = len(current)
    periods: dict[str, list[IndexFacts]] = defaultdict(list)
    for file in files:
        periods[file.last_day[:length]].append(file)
    return [group for period, group in periods.items() if period < current and len(group) > 1]


def _age(file: IndexFacts) -> tuple[str, str, str]:
    return file.first_day, file.last_day, file.name


def _next(tier: Tier) -> Tier:
    return TIERS[min(TIERS.index(tier) + 1, len(TIERS) - 1)]
