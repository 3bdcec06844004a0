"""Which copies of batches at one site may be spent, by its listing. Pure; nothing is read here.

A batch is spent when a segment covers it that is whole and proved at every site, and its lock there ended a
while ago. What is planned is compared once more before it is removed (``comparing.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from vanvault.archiver.catalogue import KnownSegment
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.times import from_us
from vanvault.archiver.stores import StoredVersion

#: Of a segment, batches whose locks are asked for where listings show none; if none is over, it waits.
_MOST_ASKED = 3
#: By writer, ranges that segments hold: first and last sequence, number of the segment.
Ranges = Mapping[str, Sequence[tuple[int, int, int]]]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long after its lock a batch is left, and how many a run takes."""

    after: timedelta
    most: int
    first_lock: timedelta  # of a batch, from its receipt

    def is_over(self, until: datetime | None, now: datetime) -> bool:
        """Did the lock end so long ago? What has none is not the archive's doing, and is left."""
        return until is not None and until + self.after <= now

    def must_be_over(self, segment: KnownSegment, now: datetime) -> bool:
        """Did the first lock of each of its batches end so long ago?"""
        return self.is_over(from_us(segment.manifest.last_us) + self.first_lock, now)


@dataclass(slots=True)
class SpentCopies:
    """Copies at one site of batches that one segment covers."""

    site: str
    segment: KnownSegment
    versions: dict[str, list[StoredVersion]] = field(default_factory=dict)  # by key, newest first

    @property
    def bytes(self) -> int:
        return sum(version.size for found in self.versions.values() for version in found)


@dataclass(slots=True)
class SitePlan:
    """What may be removed at one site, oldest writers first."""

    site: str
    groups: dict[int, SpentCopies] = field(default_factory=dict)  # by the number of the segment
    batches: int = 0
    more: bool = False  # there is more than a run takes


def plan_site(
    site: str,
    listed: Iterable[StoredVersion],
    segments: Mapping[int, KnownSegment],
    ranges: Ranges,
    waiting: Waiting,
    now: datetime,
    is_over: Callable[[str], bool],
) -> SitePlan:
    """Go through a listing (by key, newest version of a key first), up to as many batches as a run takes.

    What is locked yet is not counted: else old batches whose locks were prolonged would keep younger ones
    from their turn for ever.

    Args:
        segments: those that count, and are whole at every site, by number.
        ranges: what all segments hold.
        is_over: whether the locks of the batch with this key are over; asked where the listing shows none.

    Raises what ``is_over`` raises.
    """
    plan, asked = SitePlan(site), _AskedLocks(is_over)
    taken = ""
    for version in listed:
        name = parse_key(version.key)
        if name is None or name.family != "batch":
            continue
        covering = [
            segments[n]
            for first, last, n in ranges.get(name.writer, ())
            if first <= name.sequence <= last and n in segments
        ]
        if not covering:
            continue
        segment = min(covering, key=lambda one: one.key)
        if version.retain_until is not None:
            if not waiting.is_over(version.retain_until, now):
                continue
        elif not waiting.must_be_over(segment, now) or not asked.may_be_over(segment.n, version.key):
            continue
        if version.key != taken:
            if plan.batches == waiting.most:
                plan.more = True
                break
            plan.batches += 1
            taken = version.key
        group = plan.groups.setdefault(segment.n, SpentCopies(site, segment))
        group.versions.setdefault(version.key, []).append(version)
    return plan


@dataclass(slots=True)
class _AskedLocks:
    """Asks for a few locks of each segment, until one is over."""

    is_over: Callable[[str], bool]
    _open: set[int] = field(default_factory=set)  # numbers of segments of which one is over
    _locked: dict[int, list[str]] = field(default_factory=dict)  # keys whose locks are not

    def may_be_over(self, segment: int, key: str) -> bool:
        locked = self._locked.setdefault(segment, [])
        if key in locked:
            return False
        if segment in self._open:
            return True
        if len(locked) == _MOST_ASKED:
            return False
        if self.is_over(key):
            self._open.add(segment)
            return True
        locked.append(key)
        return False


def sample(group: SpentCopies) -> list[str]:
    """Keys of which a site is asked first, where listings show no locks: batches of a day end together."""
    keys = sorted(group.versions)
    return sorted({keys[0], keys[len(keys) // 2], keys[-1]})
