"""Which batches a compaction takes, and what a keeper does about the others. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from vanvault.archiver.catalogue import KnownBatch
from vanvault.archiver.core.times import from_us


@dataclass(frozen=True, slots=True)
class DayPlan:
    """The batches of one day, oldest first, that are ready to be compacted."""

    day: str  # YYYY-MM-DD, UTC
    batches: tuple[KnownBatch, ...]


def day_of(us: int) -> str:
    """The UTC day of a time."""
    return f"{from_us(us):%Y-%m-%d}"


def days_over_before(now: datetime, settle: timedelta) -> datetime:
    """The first moment of the oldest day that is not over yet, or over for less than ``settle``."""
    return (now.astimezone(UTC) - settle).replace(hour=0, minute=0, second=0, microsecond=0)


def plan_days(
    batches: Iterable[KnownBatch],
    recorded: set[str],
    before: datetime,
    is_covered: Callable[[str, int], bool] = lambda writer, sequence: True,
) -> list[DayPlan]:
    """Batches that may be compacted, by the day of their youngest row.

    A batch may be when its day is over, its commit lies in the archive (so that its receipts can be made
    again from the segment), and every earlier batch of its writer may be, too: what a segment covers of a
    writer is a range, and a commit record is never farther than one object behind.

    Args:
        batches: all that are not compacted.
        recorded: keys of those whose commit record a header holds.
        before: the first moment that is too young.
        is_covered: is the batch (writer, sequence) compacted? Asked where ``batches`` have a gap: what is
            missing is either that, or damaged at every site.
    """
    ready = []
    ordered = sorted(batches, key=lambda batch: (batch.header.writer, batch.header.sequence))
    for writer, group in groupby(ordered, key=lambda batch: batch.header.writer):
        last = -1
        for batch in group:
            gap = batch.header.sequence != last + 1
            if gap and not is_covered(writer, batch.header.sequence - 1):
                break
            last = batch.header.sequence
            if batch.key not in recorded or from_us(batch.header.created_us) >= before:
                break
            ready.append(batch)
    ready.sort(key=lambda batch: (batch.header.created_us, batch.key))
    return [
        DayPlan(day, tuple(group)) for day, group in groupby(ready, lambda b: day_of(b.header.created_us))
    ]


@dataclass(frozen=True, slots=True)
class HeldBatch:
    """One version of a batch at one site, and its lock."""

    site: str
    key: str
    version: str
    retain_until: datetime | None


@dataclass(frozen=True, slots=True)
class KeepAction:
    """Move the lock of this version later."""

    held: HeldBatch
    retain_until: datetime


@dataclass(frozen=True, slots=True)
class KeepPlan:
    """What a keeper does now, and what somebody must look at."""

    actions: tuple[KeepAction, ...]
    alarms: tuple[HeldBatch, ...]  # so close to the end of their lock that a keeper should have come before


def plan_keeping(
    held: Sequence[HeldBatch], now: datetime, *, lock: timedelta, ahead: timedelta, alarm: timedelta
) -> KeepPlan:
    """Locks to extend of batches that no proved segment holds.

    Args:
        held: their versions at every site.
        lock: an extended lock lasts this long from now.
        ahead: extend what ends within this.
        alarm: what ends within this (or is over) is reported as well.
    """
    until = (now + lock).replace(microsecond=0)
    ending = [one for one in held if one.retain_until is None or one.retain_until < now + ahead]
    alarms = [one for one in ending if one.retain_until is None or one.retain_until < now + alarm]
    return KeepPlan(tuple(KeepAction(one, until) for one in ending), tuple(alarms))
