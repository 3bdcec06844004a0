"""What is owed for one transaction, as JSON values and in sentences, in Vietnamese and English. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vanvault.archiver.core.times import from_us, rfc3339_seconds, rfc3339_us, vietnam_day
from vanvault.archiver.retention.clock import TransactionClock
from vanvault.archiver.retention.due import Due
from vanvault.archiver.retention.words import SENTENCES


@dataclass(frozen=True, slots=True)
class StandingLock:
    """The lock of one copy, as its site tells it now."""

    site: str
    key: str
    retain_until: datetime | None  # None: not known now, see ``problem``
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DisposedPart:
    """What of a transaction one disposal took."""

    certificate: str  # its number
    on: datetime
    entries: int  # that went whole
    originals: int  # of which the bytes alone went

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "certificate": self.certificate,
            "on": rfc3339_seconds(self.on),
            "entries": self.entries,
            "originals": self.originals,
        }


@dataclass(frozen=True, slots=True)
class Subject:
    """Which transaction is told of."""

    gateway: str
    transaction_id: str  # "" for an entry that belongs to none
    entry: str = ""  # its id where it was asked for by an entry


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed for a transaction, and what stands at the sites."""

    subject: Subject
    clock: TransactionClock
    log: Due | None  # None: it is open, or all of it is gone
    originals: Due | None
    clause: str  # that the rule of the log cites
    locks: tuple[StandingLock, ...]
    ids: tuple[str, ...]  # of its entries
    unread: tuple[str, ...] = ()  # what could not be read, so entries may be missing
    holds: tuple[str, ...] = field(default=())
    disposed: tuple[DisposedPart, ...] = ()  # by day

    @property
    def lock(self) -> datetime | None:
        """The earliest lock that stands; None: one of them is not known, or there is none."""
        dates = [one.retain_until for one in self.locks]
        known = [one for one in dates if one is not None]
        return min(known) if known and len(known) == len(dates) else None

    def as_json(self) -> dict[str, Any]:
        """As JSON values; times are RFC 3339, days ``2036-11-30``."""
        clock, closed = self.clock, self.clock.closed_by
        return {
            "gateway": self.subject.gateway,
            "transaction_id": self.subject.transaction_id,
            "entry": self.subject.entry or None,
            "state": clock.state,
            "entries": clock.entries,
            "rule": None if self.log is None else _rule("en", self.log.rule.years),
            "clause": self.clause,
            "profile": None if self.log is None else self.log.profile,
            "started_by": None
            if closed is None
            else {
                "id": closed.entry.id,
                "type": closed.entry.type,
                "effect": closed.effect,
                "occurred_at": rfc3339_us(closed.entry.occurred_us),
                "received_at": rfc3339_us(closed.entry.received_us),
                "counts_at": rfc3339_us(closed.counts_us),
                "doubt": closed.doubt or None,
            },
            "start": None if clock.start_us is None else rfc3339_us(clock.start_us),
            "due": _end(self.log),
            "last_day": None if self.log is None else self.log.last_day.isoformat(),
            "due_originals": _end(self.originals),
            "kept_at_least_from": None if clock.floor_us is None else rfc3339_us(clock.floor_us),
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
            "holds": list(self.holds),
            "disposed": [one.as_json() for one in self.disposed],
            "unread": list(self.unread),
            "words": {"vi": self.sentences("vi"), "en": self.sentences("en")},
        }

    def sentences(self, language: str, *, stored: bool = True) -> list[str]:
        """The same for people, in "vi" or "en".

        ``stored`` false: for somebody who may not see how it is stored, so without holds, locks and names of
        objects that could not be read.
        """
        words = SENTENCES[language]
        clock, closed = self.clock, self.clock.closed_by
        found = [words["closed-before" if clock.state == "closed" else clock.state], *self._gone(words)]
        if clock.state == "disposed":
            held = [words["holds"].format(holds=", ".join(self.holds))] if self.holds else []
            return [*found, *held, *self._unread_told(words)] if stored else found
        if closed is not None:
            day = vietnam_day(from_us(closed.counts_us)).isoformat()
            found.append(words["closed"].format(type=closed.entry.type, id=closed.entry.id, day=day))
            if closed.doubt:
                found.append(words[closed.doubt])
        if self.log is not None and self.originals is not None:
            if clock.start_us is not None and clock.start_us > (clock.closed_us or 0):
                found.append(words["later"].format(day=vietnam_day(from_us(clock.start_us)).isoformat()))
            rule = _rule(language, self.log.rule.years)
            found.append(words["due"].format(rule=rule, day=self.log.last_day, profile=self.log.profile))
            if self.originals.last_day != self.log.last_day:
                found.append(words["originals"].format(day=self.originals.last_day))
        else:
            found.append(words["not-due"])
        if clock.floor_us is not None:
            day = vietnam_day(from_us(clock.floor_us)).isoformat()
            found.append(words["floor"].format(day=day))
        if not stored:
            return found
        found.append(self._lock_sentence(words))
        found.append(words["holds"].format(holds=", ".join(self.holds)) if self.holds else words["no-hold"])
        return [*found, *self._unread_told(words)]

    def _gone(self, words: dict[str, str]) -> list[str]:
        found = []
        for one in self.disposed:
            told = {"day": vietnam_day(one.on), "certificate": one.certificate, "entries": self.clock.entries}
            for name, count in (("gone-entries", one.entries), ("gone-originals", one.originals)):
                if count:
                    found.append(words[name].format(count=count, **told))
        return found

    def _unread_told(self, words: dict[str, str]) -> list[str]:
        return [words["unread"].format(what=", ".join(self.unread))] if self.unread else []

    def _lock_sentence(self, words: dict[str, str]) -> str:
        if self.lock is None:
            return words["lock-unknown"]
        day = vietnam_day(self.lock).isoformat()
        owed = [due.until for due in (self.log, self.originals) if due is not None]
        shorter = bool(owed) and self.lock < max(owed)
        return words["lock-shorter" if shorter else "lock"].format(day=day)


def _end(due: Due | None) -> str | None:
    return None if due is None else rfc3339_seconds(due.until)


def _rule(language: str, years: int) -> str:
    return f"{years} năm" if language == "vi" else f"{years} years"
