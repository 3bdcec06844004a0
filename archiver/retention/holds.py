"""Holds: what must not be let go whatever its clock says. A pure fold of events, in whatever order they come.

::

    hold.placed     hold (its id), case, reason, authority (SHA-256 of a document, or ""), entries, filters,
                    from, to, future, who, who_key
    hold.confirmed  hold, who, who_key
    hold.released   hold, reason, who, who_key

A hold is in force from the moment at which it is placed, confirmed or not. It ends when two people have
released it who did not place it; nobody else's word counts, and what this version cannot read ends none.
Whoever has no account here is one person: one human has several accounts of the operating system.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from vanvault.archiver.core.bound_fold import count_in, text_in, text_of
from vanvault.archiver.core.errors import Conflict, InvalidInput, NotFound
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.core.times import from_us, rfc3339_us, to_us

PLACED, CONFIRMED, RELEASED = "hold.placed", "hold.confirmed", "hold.released"
#: Every type that ``fold_holds`` looks at, without ``vanvault.``.
HOLD_EVENTS = (PLACED, CONFIRMED, RELEASED)

#: By then another person has confirmed a hold; one that nobody did is told, and stays in force.
CONFIRM_WITHIN = timedelta(hours=72)
#: People other than the one who placed it that a release needs.
RELEASERS = 2

HoldState = Literal["placed", "confirmed", "release-asked", "released"]

#: Begins the key of who has no account here.
_NO_ACCOUNT = "os:"
_MOST_TEXT = 500  # characters
_MOST_ENTRIES = 1000
_SIGN_ON = "Whoever is not signed on counts as one person: vanvault login NAME."
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class HoldScope:
    """What a hold is about: entries by id, or all that a search finds."""

    entries: tuple[str, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)  # as of a search
    from_us: int = 0  # received in [from, to)
    to_us: int | None = None
    future: bool = True  # also what is received after it was placed


@dataclass(frozen=True, slots=True)
class HoldReason:
    """Why something is held."""

    case: str
    reason: str
    authority: str = ""  # SHA-256 of the document that asks for it, in hex


@dataclass(frozen=True, slots=True)
class HoldSay:
    """What one person said to a hold."""

    at: datetime
    who: str
    key: str  # the same for one person, whatever they are called
    reason: str = ""

    def may_be(self, other: HoldSay) -> bool:
        """Can it be the same human: by key, by name, or because neither has an account?"""
        if self._has_account and other._has_account:
            return self.key == other.key
        if self._has_account or other._has_account:
            return f"{_NO_ACCOUNT}{self.who}" == other.key or f"{_NO_ACCOUNT}{other.who}" == self.key
        return True

    @property
    def _has_account(self) -> bool:
        return not self.key.startswith(_NO_ACCOUNT)


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold, with all that was said to it."""

    id: str  # ``h-`` and 16 hexadecimal digits
    why: HoldReason
    scope: HoldScope
    placed: HoldSay
    confirmed: tuple[HoldSay, ...] = ()
    released: tuple[HoldSay, ...] = ()  # one for each person

    @property
    def state(self) -> HoldState:
        if len(self.released) >= RELEASERS:
            return "released"
        if self.released:
            return "release-asked"
        return "confirmed" if self.confirmed else "placed"

    @property
    def holds(self) -> bool:
        """Is it in force?"""
        return self.state != "released"

    @property
    def confirm_until(self) -> datetime:
        """The last moment at which somebody else confirms it in time."""
        return self.placed.at + CONFIRM_WITHIN

    def is_late(self, now: datetime) -> bool:
        """Did nobody confirm it in time?"""
        return self.holds and not self.confirmed and now - self.placed.at > CONFIRM_WITHIN

    @property
    def ends_us(self) -> int | None:
        """Entries received from then on are not held; None: there is no end."""
        placed = None if self.scope.future else to_us(self.placed.at)
        ends = [end for end in (self.scope.to_us, placed) if end is not None]
        return min(ends, default=None)

    def as_json(self, now: datetime) -> dict[str, Any]:
        """As JSON values."""
        scope = self.scope
        return {
            "hold": self.id,
            "state": self.state,
            "in_force": self.holds,
            "late": self.is_late(now),
            "case": self.why.case,
            "reason": self.why.reason,
            "authority": self.why.authority or None,
            "entries": list(scope.entries),
            "filters": dict(scope.filters),
            "from": rfc3339_us(scope.from_us) if scope.from_us else None,
            "to": None if scope.to_us is None else rfc3339_us(scope.to_us),
            "future": scope.future,
            "placed": _said(self.placed),
            "confirmed": [_said(one) for one in self.confirmed],
            "released": [_said(one) for one in self.released],
        }


@dataclass(frozen=True, slots=True)
class HoldBook:
    """All holds that the record tells of."""

    by_id: Mapping[str, Hold] = field(default_factory=dict)
    unclear: tuple[str, ...] = ()  # ids of events that this version cannot read
    lacking: tuple[str, ...] = ()  # objects that could not be read, so holds and releases may be missing

    def get(self, id: str) -> Hold:
        """Raises NotFound."""
        found = self.by_id.get(id)
        if found is None:
            raise NotFound(f"there is no hold {id[:40]}", hint="See: vanvault hold list --all")
        return found

    def in_force(self) -> tuple[Hold, ...]:
        """The oldest first."""
        return tuple(one for one in self.by_id.values() if one.holds)


def fold_holds(events: Iterable[RecordedEvent]) -> HoldBook:
    """All holds, the oldest first."""
    known = sorted({one.id: one for one in events}.values(), key=lambda one: (one.at, one.id))
    holds: dict[str, Hold] = {}
    unclear = []
    for event in (one for one in known if one.type == PLACED):
        try:
            hold = _placed(event)
        except (KeyError, TypeError, ValueError, AttributeError):
            unclear.append(event.id)
            continue
        holds.setdefault(hold.id, hold)
    for event in (one for one in known if one.type != PLACED):
        try:
            hold, say = holds[event.detail["hold"]], _say(event)
        except (KeyError, TypeError, ValueError, AttributeError):
            unclear.append(event.id)
            continue
        said = hold.confirmed if event.type == CONFIRMED else hold.released
        if say.may_be(hold.placed) or any(say.may_be(one) for one in said):
            continue
        if event.type == CONFIRMED:
            holds[hold.id] = replace(hold, confirmed=(*said, say))
        elif event.type == RELEASED:
            holds[hold.id] = replace(hold, released=(*said, say))
    return HoldBook(holds, tuple(unclear))


def placing(id: str, why: HoldReason, scope: HoldScope, who: HoldSay) -> dict[str, Any]:
    """The detail of ``hold.placed``. Raises InvalidInput: texts, digest, or a scope that says nothing."""
    _check_text("case", why.case)
    _check_text("reason", why.reason)
    if why.authority and not _DIGEST.fullmatch(why.authority):
        raise InvalidInput("the digest of a document has 64 hexadecimal digits", field="authority")
    if not scope.entries and not scope.filters and not scope.from_us and scope.to_us is None:
        raise InvalidInput(
            "a hold says what it is about",
            field="scope",
            hint="Name entries, or fields as vanvault search takes them.",
        )
    if scope.entries and (scope.filters or scope.from_us or scope.to_us is not None):
        raise InvalidInput("a hold is about entries, or about what a search finds, not both", field="entries")
    if len(scope.entries) > _MOST_ENTRIES:
        raise InvalidInput(f"a hold names at most {_MOST_ENTRIES} entries", field="entries")
    return {
        "hold": id,
        "case": why.case,
        "reason": why.reason,
        "authority": why.authority,
        "entries": list(scope.entries),
        "filters": dict(scope.filters),
        "from": scope.from_us,
        "to": scope.to_us,
        "future": scope.future,
        **_by(who),
    }


def confirming(hold: Hold, who: HoldSay) -> dict[str, Any]:
    """The detail of ``hold.confirmed``. Raises Conflict: it is one's own, was confirmed, or is over."""
    _check_another(hold, who, "confirm")
    if hold.confirmed or not hold.holds:
        raise Conflict(f"{hold.id} is {hold.state} already", hint=f"See: vanvault hold show {hold.id}")
    return {"hold": hold.id, **_by(who)}


def releasing(hold: Hold, who: HoldSay) -> dict[str, Any]:
    """The detail of ``hold.released``.

    Raises Conflict: who placed it, or released it before, or it is over; InvalidInput: no reason.
    """
    _check_another(hold, who, "release")
    _check_text("reason", who.reason)
    if not hold.holds:
        raise Conflict(f"{hold.id} is released already", hint=f"See: vanvault hold show {hold.id}")
    before = next((one for one in hold.released if who.may_be(one)), None)
    if before is not None:
        raise Conflict(
            f"{before.who} released {hold.id} already; another person must, too",
            hint=f"Two who did not place it: vanvault hold release {hold.id}. {_SIGN_ON}",
        )
    return {"hold": hold.id, "reason": who.reason, **_by(who)}


def _check_another(hold: Hold, who: HoldSay, verb: str) -> None:
    if who.may_be(hold.placed):
        raise Conflict(f"who placed a hold does not {verb} it", hint=f"Another person must. {_SIGN_ON}")


def _check_text(name: str, text: str) -> None:
    if not text.strip() or len(text) > _MOST_TEXT or not text.isprintable():
        raise InvalidInput(
            f"{name} has 1 to {_MOST_TEXT} characters that can be shown", field=name, hint="Say it in a line."
        )


def _by(who: HoldSay) -> dict[str, str]:
    return {"who": who.who, "who_key": who.key}


def _said(say: HoldSay) -> dict[str, str | None]:
    return {"at": rfc3339_us(to_us(say.at)), "who": say.who, "reason": say.reason or None}


def _say(event: RecordedEvent) -> HoldSay:
    detail = event.detail
    return HoldSay(
        event.at, text_in(detail, "who"), text_in(detail, "who_key"), text_of(detail.get("reason", ""))
    )


def _placed(event: RecordedEvent) -> Hold:
    detail = event.detail
    entries, filters, to = detail["entries"], detail["filters"], detail["to"]
    scope = HoldScope(
        tuple(map(text_of, entries)),
        {text_of(name): text_of(value) for name, value in filters.items()},
        count_in(detail, "from"),
        None if to is None else count_in(detail, "to"),
        _truth(detail["future"]),
    )
    why = HoldReason(text_in(detail, "case"), text_in(detail, "reason"), text_in(detail, "authority"))
    from_us(scope.from_us)
    return Hold(text_in(detail, "hold"), why, scope, replace(_say(event), reason=""))


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not true or false")
    return value
