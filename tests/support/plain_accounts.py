"""What accounts are allowed, found by reading their events one after the other: to hold the fold against."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.core.times import vietnam_day
from vanvault.archiver.people.accounts import IDLE_DAYS, ROLES


def allowed_by(events: list[RecordedEvent], id: str, now: datetime) -> set[str]:
    """The same question, answered by reading the events one after the other."""
    ordered = sorted(events, key=lambda one: (one.at, one.id))
    if id != holder_by(ordered, id):
        return set()
    if id.startswith("g-"):
        return {"push", "read-own"}
    own = [event for event in ordered if event.detail["id"] == id]
    added = next(event for event in own if event.type == "account.added")
    today, last_day = vietnam_day(now), added.detail["valid_until"]
    assert isinstance(added.detail["valid_from"], str)
    if today < date.fromisoformat(added.detail["valid_from"]):
        return set()
    if last_day is not None and today > date.fromisoformat(str(last_day)):
        return set()
    resumed = [event for event in own if event.type == "account.resumed"]
    for event in own:
        if event.type == "account.suspended" and date.fromisoformat(str(event.detail["from"])) <= today:
            place = ordered.index(event)
            later = [one for one in resumed if ordered.index(one) > place]
            if not any(vietnam_day(one.at) <= today for one in later):
                return set()
    alive = [event for event in own if event.type in ("account.added", "account.resumed", "account.reviewed")]
    if today - max(vietnam_day(event.at) for event in alive) >= timedelta(days=IDLE_DAYS):
        return set()
    held = roles_by(own, added, today)
    clear = {
        role
        for role in held
        if not any(other in ROLES[role].excludes or role in ROLES[other].excludes for other in held)
    }
    return {permission for role in clear for permission in ROLES[role].permissions}


def holder_by(ordered: list[RecordedEvent], id: str) -> str | None:
    """Whose the name of this account is."""
    claims = [event for event in ordered if event.type in ("account.added", "gateway.added")]
    names = {
        str(event.detail["id"]): event.detail.get("account", event.detail.get("gateway")) for event in claims
    }
    gone = {
        event.detail["id"]
        for event in ordered
        if event.type == "account.withdrawn" and str(event.detail["id"]).startswith("a-")
    }
    rivals = [one for one, name in names.items() if name == names[id] and one not in gone]
    gateways = [one for one in rivals if one.startswith("g-")]
    return next(iter(gateways or rivals), None)


def roles_by(own: list[RecordedEvent], added: RecordedEvent, today: date) -> set[str]:
    """Roles of a day: granted for it, and not revoked from it or an earlier day on by a later event."""
    held: set[str] = set()
    first: list[dict[str, Any]] = added.detail["roles"]  # type: ignore[assignment]
    steps = [("grant", role) for role in first]
    steps += [
        ("grant" if event.type == "account.role-granted" else "revoke", dict(event.detail))
        for event in own
        if event.type in ("account.role-granted", "account.role-revoked")
    ]
    for step, told in steps:
        begins = date.fromisoformat(told["from"]) <= today
        if step == "revoke":
            held -= {told["role"]} if begins else set()
        elif begins and (told["until"] is None or today <= date.fromisoformat(told["until"])):
            held.add(told["role"])
    return held
