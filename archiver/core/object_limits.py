"""What no genuine object exceeds: how large it may be, and until when it may be locked. Pure.

A site is not believed about either. Sizes come from the settings and the format. Up to ``usual``, which is
what today's settings give, an object is read at once. Up to ``greatest``, which is what any settings could
ever have given, it is read only after its bytes were hashed piece by piece. Beyond that it is none of the
archive's. So a setting that is lowered makes no older object unreadable, and a hostile size costs no more
memory than a good one.

Locks come from the retention rules and the start that an object's signed name tells. What a site shows
beyond them is never carried to another site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from vanvault.archiver.core.names import ObjectKind, ObjectName, writer_started_at
from vanvault.archiver.core.options import LockPace, PoolLimits, SegmentLimits
from vanvault.archiver.core.retention import Profile, profile, retain_until

_MIB = 2**20
#: Largest values of the settings that decide sizes (``core/settings``), in bytes: originals in one batch, one
#: message at all, originals in one segment; and one message within a batch.
BATCH_BYTES_LIMIT = MESSAGE_BYTES_LIMIT = SEGMENT_BYTES_LIMIT = 2**30
SMALL_MESSAGE_BYTES_LIMIT = 2**26
#: What comes on top of the originals: metadata, headers, Parquet's own bytes, tags of frames.
_USUAL_REST = 16 * _MIB
_GREATEST_REST = 256 * _MIB
_USUAL_MANIFEST, _GREATEST_MANIFEST = _MIB, 64 * _MIB

#: Days that no copy's lock is shorter than: what has expired but was not disposed of is kept, too.
SHORTEST_LOCK = timedelta(days=1)
#: A copy of a batch is locked at least as long as the lock keeper needs to take over.
FRESH_LOCK = timedelta(days=30)
#: A lock of a residue segment that ends sooner than this is extended; until so long from then.
RESIDUE_AHEAD = timedelta(days=2 * 366)
RESIDUE_LOCK = RESIDUE_AHEAD + timedelta(days=90)
#: Clocks of hosts differ, and work takes a while.
_SLACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """Bytes of one object of a kind."""

    usual: int  # under the settings of today
    greatest: int  # under any settings


@dataclass(frozen=True, slots=True)
class ObjectSizes:
    """How large objects may be, by kind."""

    by_kind: Mapping[ObjectKind, SizeLimit]

    @classmethod
    def under(
        cls,
        *,
        pool: PoolLimits | None = None,
        segments: SegmentLimits | None = None,
        max_message_bytes: int = 64 * _MIB,
        large_message_bytes: int = _MIB,
    ) -> ObjectSizes:
        """The limits under these settings (by default those of a new home)."""
        batch = (pool or PoolLimits()).batch_bytes + large_message_bytes + _USUAL_REST
        segment = (segments or SegmentLimits()).raw_bytes + batch
        greatest_batch = BATCH_BYTES_LIMIT + SMALL_MESSAGE_BYTES_LIMIT + _GREATEST_REST
        greatest_segment = SEGMENT_BYTES_LIMIT + greatest_batch  # a batch is never divided
        in_batch, in_segment = SizeLimit(batch, greatest_batch), SizeLimit(segment, greatest_segment)
        large = SizeLimit(max_message_bytes + _MIB, MESSAGE_BYTES_LIMIT + _MIB)
        manifest = SizeLimit(_USUAL_MANIFEST, _GREATEST_MANIFEST)
        return cls(
            {
                "messages": in_batch,
                "events": in_batch,
                "framed": large,
                "log": in_segment,
                "originals": in_segment,
                "evidence": in_segment,
                "residue": in_segment,
                "manifest": manifest,
            }
        )

    def of(self, name: ObjectName) -> SizeLimit:
        """The limits of the object with this name."""
        return self.by_kind[name.kind]


@dataclass(frozen=True, slots=True)
class LockRules:
    """Until when objects may be locked, by the profile in force."""

    profile: Profile = field(default_factory=lambda: profile("QD08-2015"))
    batch_lock: timedelta = LockPace().lock  # what the lock keeper gives a batch that no segment holds

    def longest(self, now: datetime) -> datetime:
        """No lock that is set at ``now`` (aware) ends later: the profile's longest period and its margin."""
        return self._period(now + _SLACK)

    def believed(self, name: ObjectName, shown: datetime, now: datetime) -> datetime | None:
        """How much of the lock that a site shows these rules can have asked for; None: nothing of it.

        A segment is younger than its rows, so its locks end within the period that begins with itself. A
        batch is locked for as long as the lock keeper gives it: a later date tells nothing. A large object
        may be younger than its writer by any time, and is counted from its writer's start only where a site
        shows what cannot be.
        """
        if name.family == "segment":
            most = self._period(writer_started_at(name.writer))
            # Locks of residue segments are rolled for as long as they count.
            return min(shown, max(most, now + RESIDUE_LOCK + _SLACK) if name.of_residue else most)
        if name.family == "batch":
            return shown if shown <= now + self.batch_lock + _SLACK else None
        return shown if shown <= self.longest(now) else self._period(writer_started_at(name.writer))

    def of_copy(
        self, name: ObjectName, *, shown: datetime | None, signed: datetime | None, now: datetime
    ) -> datetime:
        """The lock of a copy: the signed date; without one what its source shows within the rules.

        It is a day at least, and a batch's as long as a lock keeper needs to take over. Where a batch's
        source tells nothing that may be followed, the copy gets what a lock keeper gives: its signed date,
        which nobody has read yet, is no later.

        Args:
            shown: the source's lock; None: it has none, or does not tell.
            signed: the date in a batch's header or a segment's manifest, where that is known.
            now: the target's time.
        """
        shortest = now.replace(microsecond=0) + (FRESH_LOCK if name.family == "batch" else SHORTEST_LOCK)
        wanted = signed
        if wanted is None and shown is not None:
            wanted = self.believed(name, shown, now)
        if wanted is None and name.family == "batch":
            wanted = now.replace(microsecond=0) + self.batch_lock
        return min(max(shortest, wanted or shortest), self.longest(now))

    def is_beyond(self, name: ObjectName, shown: datetime, signed: datetime | None, now: datetime) -> bool:
        """Is a lock that a site shows later than these rules, its signed date and a repair ask for?"""
        asked = (date for date in (self.believed(name, shown, now), signed) if date is not None)
        if any(shown <= date + _SLACK for date in asked):
            return False
        return shown > now + max(self.batch_lock, FRESH_LOCK) + _SLACK

    def _period(self, start: datetime) -> datetime:
        rules = (self.profile.log, self.profile.originals)
        return max(retain_until(rule, start) for rule in rules)
