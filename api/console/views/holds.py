"""Pages of holds: what must not be let go, for which case, and who said what to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class HoldSaid:
    """What one person said to a hold; ``act``: placed, confirmed, released."""

    act: str
    at: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class HoldLine:
    """One hold. Entries by id, or all that fields find which were received in a time."""

    id: str
    state: str  # placed, confirmed, release-asked, released
    in_force: bool
    late: bool  # nobody confirmed it in time
    case: str
    reason: str
    authority: str  # SHA-256 of the document that asks for it
    entries: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    begin: str | None
    end: str | None
    future: bool  # also what is received from now on
    said: tuple[HoldSaid, ...]  # the oldest first


@dataclass(frozen=True, slots=True)
class HoldsView:
    """The page of holds."""

    holds: tuple[HoldLine, ...]
    everything: bool  # those too that are released
    complete: bool  # nothing of the record is missing


@dataclass(frozen=True, slots=True)
class HoldView:
    """The page of one hold."""

    hold: HoldLine
    over: int  # entries that it is over now
    more: bool  # there are more than were counted
    opens: bool  # may who opens the page open entries?


def hold_line(told: Mapping[str, Any]) -> HoldLine:
    """A hold as the API tells it."""
    said = [("placed", told["placed"])]
    said += [("confirmed", one) for one in told["confirmed"]]
    said += [("released", one) for one in told["released"]]
    return HoldLine(
        id=told["hold"],
        state=told["state"],
        in_force=told["in_force"],
        late=told["late"],
        case=told["case"],
        reason=told["reason"],
        authority=told["authority"] or "",
        entries=tuple(told["entries"]),
        fields=tuple(sorted(told["filters"].items())),
        begin=told["from"],
        end=told["to"],
        future=told["future"],
        said=tuple(HoldSaid(act, one["at"], one["who"], one.get("reason") or "") for act, one in said),
    )
