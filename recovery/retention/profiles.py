"""A change of the retention profile: what it would do to what is owed, and its being put in force on record.

Nothing is shortened here: locks stand as they are, and all that closed before the change keeps the longest of
the periods that were in force since. See docs/decisions/0038-keeping.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment, Unread
from vanvault.archiver.core.errors import Conflict, InvalidInput, SettingsError
from vanvault.archiver.core.retention import Profile, profile, profiles_between, with_years
from vanvault.archiver.core.times import from_us, parse_rfc3339, rfc3339_us, to_us, vietnam_day
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.retention import RetentionClass, due_of
from vanvault.recovery.approvals import need
from vanvault.recovery.retention.entry_clock import EntryClock
from vanvault.recovery.retention.entry_clocks import clocks_of_segments
from vanvault.recovery.retention.in_force import known_profile

_MOST_REASON = 1000
_CLASSES: tuple[RetentionClass, ...] = ("log", "originals")


@dataclass(slots=True)
class ClassEffect:
    """What a change does to closed transactions in one class."""

    longer: int = 0  # transactions
    shorter: int = 0
    most_days: int = 0  # by which one is owed longer or shorter, at the most
    latest_before: int = 0  # the last end of all, microseconds since 1970; 0: nothing is closed
    latest_after: int = 0
    prolonged: int = 0  # objects (at each site) whose lock, as it was written, must become longer
    locked: int = 0  # objects whose lock lasts beyond what would be owed: it cannot be shortened

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "longer": self.longer,
            "shorter": self.shorter,
            "most_days": self.most_days,
            "until_before": rfc3339_us(self.latest_before) if self.latest_before else None,
            "until_after": rfc3339_us(self.latest_after) if self.latest_after else None,
            "prolonged": self.prolonged,
            "locked": self.locked,
        }


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """A plan: from one profile to another, and what that does to what is archived now."""

    before: Profile
    after: Profile
    transactions: int  # closed ones
    open: int  # nothing of them is due by either
    effects: Mapping[str, ClassEffect]  # by class: log, originals
    unread: tuple[str, ...] = ()

    @property
    def is_shorter(self) -> bool:
        """Does it ask for less of anything, also of what is still to come?"""
        return (
            self.after.log.years < self.before.log.years
            or self.after.originals.years < self.before.originals.years
        )

    def sentences(self) -> tuple[str, ...]:
        """For people, the clauses last."""
        old, new = self.before, self.after
        found = [
            f"from {old.name} (log {old.log.years} years, originals {old.originals.years}) to {new.name}"
            f" (log {new.log.years} years, originals {new.originals.years})",
            f"{self.transactions} closed transactions, {self.open} open ones, of which nothing is due",
        ]
        for name, effect in self.effects.items():
            found.append(
                f"{name}: {effect.longer} owed longer, {effect.shorter} shorter, by {effect.most_days} days"
                f" at most; {effect.prolonged} objects at each site to be locked for longer,"
                f" {effect.locked} that stay locked for longer than they are owed"
            )
        for one in (old, new):
            found += [f"{one.name}, log: {one.log.source}", f"{one.name}, originals: {one.originals.source}"]
        return tuple(found)

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "before": _profile_json(self.before),
            "after": _profile_json(self.after),
            "shorter": self.is_shorter,
            "transactions": self.transactions,
            "open": self.open,
            **{name: effect.as_json() for name, effect in self.effects.items()},
            "unread": list(self.unread),
        }


def plan_change(archive: Archive, name: str, originals_years: int | None = None) -> ProfileChange:
    """What it would do to put this profile in force. All logs are gone through, and nothing is changed.

    Raises InvalidInput (no such profile, or years it does not allow), SiteUnavailable, Damaged (the record),
    KeyUnavailable.
    """
    try:
        after = with_years(profile(name), originals=originals_years)
    except SettingsError as error:
        raise InvalidInput(error.message, field="profile", hint=error.hint) from error
    before = _in_force(archive)
    unread: set[str] = set()

    def note(one: Unread) -> None:
        unread.add(one.object)

    counting = _Counting(before, after, vietnam_day(archive.clock.now()))
    segments = archive.catalogue.segments()
    together = archive.settings.retention.segments_together
    for start in range(0, len(segments), together):
        some = segments[start : start + together]
        needs = {one.key: _Needs(one) for one in some}
        for entry in clocks_of_segments(archive, some, note):
            counting.learn(entry, needs[entry.segment])
        for need_of in needs.values():
            counting.locks(need_of)
    missing = tuple(sorted(unread)[:100])
    return ProfileChange(before, after, counting.transactions, counting.open, counting.effects, missing)


def put_in_force(archive: Archive, change: ProfileChange, who: Requester, reason: str) -> None:
    """Put a planned change on record. One that asks for less needs the approval of others.

    The settings of each node must name the same profile: ``profile_differs`` tells of one that does not.

    Raises InvalidInput (no reason), Conflict (it is in force, or something could not be read),
    ApprovalNeeded, and what ``need`` raises.
    """
    if not reason.strip() or len(reason) > _MOST_REASON:
        raise InvalidInput(f"a reason has 1 to {_MOST_REASON} characters", field="reason")
    if change.unread:
        raise Conflict(
            f"what it does is not known: {change.unread[0]} could not be read",
            hint="Run: vanvault verify, then vanvault repair, then plan it again.",
        )
    known, after = known_profile(archive), _years(change.after)
    if known is not None and (known.name, known.log_years, known.originals_years) == after:
        raise Conflict(f"the profile {change.after.name} is in force already")
    subject = {"before": _years_json(change.before), "after": _years_json(change.after), "reason": reason}
    good = need(archive, "retention-profile", subject, who) if change.is_shorter else None
    archive.record(
        EventType.RETENTION_PROFILE_CHANGED,
        {
            **_years_json(change.after),
            "before": _years_json(change.before),
            "effect": {name: effect.as_json() for name, effect in change.effects.items()},
            "reason": reason,
            "request": good.request if good else "",
            "who": who.name,
        },
    )


def profile_differs(archive: Archive) -> dict[str, datetime]:
    """How the settings of this node differ from the profile on record, for people, and since when.

    Raises SiteUnavailable, Damaged (the record).
    """
    known = known_profile(archive)
    if known is None or (known.name, known.log_years, known.originals_years) == _years(archive.profile):
        return {}
    own = archive.profile
    text = (
        f"{known.name} is in force (log {known.log_years} years, originals {known.originals_years}), and the"
        f" settings say {own.name} (log {own.log.years}, originals {own.originals.years})"
    )
    return {text: known.at}


def _in_force(archive: Archive) -> Profile:
    known = known_profile(archive)
    if known is None:
        return archive.profile
    return with_years(profile(known.name), log=known.log_years, originals=known.originals_years)


class _Needs:
    """Until when the parts of a segment are owed, by both profiles."""

    def __init__(self, segment: KnownSegment) -> None:
        self.segment = segment
        self.is_open = False
        self.before = dict.fromkeys(_CLASSES, 0)
        self.after = dict.fromkeys(_CLASSES, 0)


@dataclass(slots=True)
class _Counting:
    """Adds up what a change does."""

    old: Profile
    new: Profile
    today: date
    transactions: int = 0
    open: int = 0
    effects: dict[str, ClassEffect] = field(
        default_factory=lambda: {name: ClassEffect() for name in _CLASSES}
    )
    _known: dict[tuple[date, date, str], tuple[int, int]] = field(default_factory=dict)

    def learn(self, entry: EntryClock, needs: _Needs) -> None:
        """One entry; its transaction is counted at its first one."""
        if entry.is_own or entry.state == "disposed":
            return
        is_first = entry.received_us == entry.first_us and not entry.repeats
        if entry.closed_us is None or entry.start_us is None:
            needs.is_open = True
            self.open += is_first
            return
        self.transactions += is_first
        for kept in _CLASSES:
            before, after = self._ends(entry.closed_us, entry.start_us, kept)
            needs.before[kept] = max(needs.before[kept], before)
            needs.after[kept] = max(needs.after[kept], after)
            if is_first:
                effect = self.effects[kept]
                effect.longer += after > before
                effect.shorter += after < before
                effect.most_days = max(effect.most_days, abs(after - before) // 86_400_000_000)
                effect.latest_before = max(effect.latest_before, before)
                effect.latest_after = max(effect.latest_after, after)

    def locks(self, needs: _Needs) -> None:
        """The objects of a segment whose entries were all learnt."""
        if needs.is_open:
            return  # it is kept whatever a profile says
        for part in needs.segment.manifest.parts:
            kept: RetentionClass = "originals" if part.kind == "originals" else "log"
            before, after = needs.before[kept], needs.after[kept]
            lock = to_us(parse_rfc3339(part.retain_until))
            self.effects[kept].prolonged += max(before, lock) < after
            self.effects[kept].locked += after < before and after < lock

    def _ends(self, closed_us: int, start_us: int, kept: RetentionClass) -> tuple[int, int]:
        closed, start = vietnam_day(from_us(closed_us)), vietnam_day(from_us(start_us))
        found = self._known.get((closed, start, kept))
        if found is None:
            old, new = (
                to_us(due_of(start_us, kept, profiles_between(closed, self.today, chosen=one)).until)
                for one in (self.old, self.new)
            )
            found = self._known[closed, start, kept] = (old, new)
        return found


def _years(one: Profile) -> tuple[str, int, int]:
    return one.name, one.log.years, one.originals.years


def _years_json(one: Profile) -> dict[str, object]:
    return {"profile": one.name, "log_years": one.log.years, "originals_years": one.originals.years}


def _profile_json(one: Profile) -> dict[str, Any]:
    return {
        **_years_json(one),
        "in_force_from": one.in_force_from.isoformat(),
        "clauses": {"log": one.log.source, "originals": one.originals.source},
    }
