"""What is owed for one entry, and the locks that stand for it now, beside what its receipt says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.retention import source_in
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds, vietnam_day
from vanvault.archiver.retention import SENTENCES, Due, StandingLock
from vanvault.recovery.retention.explaining import ClockShown, clock_beside, standing_locks


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """One entry: until when it is kept at least, and what locks it now."""

    clock: ClockShown
    owed: Due
    segment: str | None  # None: it lies in its batch
    locks: tuple[StandingLock, ...]
    receipted: datetime | None = None  # the earliest lock that its receipt names

    @property
    def lock(self) -> datetime | None:
        """The earliest lock that stands now; None: one of them is not known."""
        known = [one.retain_until for one in self.locks if one.retain_until is not None]
        return min(known) if known and len(known) == len(self.locks) else None

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            **self.clock.as_json(),
            "kept_until_at_least": self.owed.last_day.isoformat(),
            "lock": None if self.lock is None else rfc3339_seconds(self.lock),
            "locks": [
                {
                    "site": one.site,
                    "key": one.key,
                    "retain_until": None if one.retain_until is None else rfc3339_seconds(one.retain_until),
                    "problem": one.problem or None,
                }
                for one in self.locks
            ],
            "receipt_says": None if self.receipted is None else rfc3339_seconds(self.receipted),
            "words": {"vi": self.sentences("vi"), "en": self.sentences("en")},
        }

    def sentences(self, language: str) -> list[str]:
        """The same for people, in "vi" or "en"."""
        words = SENTENCES[language]
        rule = f"{self.owed.rule.years} năm" if language == "vi" else f"{self.owed.rule.years} years"
        told = "least" if self.clock.log is not None else "least-open"
        day, clause = self.owed.last_day, source_in(self.owed.rule.source, language)
        found = [words[told].format(day=day, rule=rule, clause=clause)]
        if self.lock is None:
            found.append(words["lock-unknown"])
        else:
            shorter = self.lock < self.owed.until
            day = vietnam_day(self.lock)
            found.append(words["lock-shorter" if shorter else "lock"].format(day=day))
        if self.receipted is not None:
            short = self.receipted < self.owed.until
            found.append(
                words["receipt-short" if short else "receipt"].format(day=vietnam_day(self.receipted))
            )
            if short and self.segment is not None:
                found.append(words["receipt-segment"].format(segment=self.segment))
        return found


def kept_entry(archive: Archive, item: Item, receipt: Receipt | None = None) -> KeptEntry:
    """What is owed for an entry and stands for it now, read from the sites; a site that is away is said.

    Args:
        receipt: of the entry; what it says is explained.

    Raises SiteUnavailable, Damaged (the index), SettingsError.
    """
    clock = clock_beside(archive, item)
    locks = tuple(standing_locks(archive, [item]))
    named: Sequence[dict[str, str]] = receipt["placements"] if receipt else ()
    times = [parse_rfc3339(one["retain_until"]) for one in named]
    return KeptEntry(clock, clock.least.of(item), item.get("segment"), locks, min(times, default=None))
