"""What people put on record about availability: planned windows, and what a probe outside saw."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Conflict, NotFound
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.times import from_us, rfc3339_us, to_us
from vanvault.archiver.journal import EventType
from vanvault.archiver.journal.availability import (
    Window,
    cancelled_detail,
    note_detail,
    read_windows,
    window_detail,
)
from vanvault.recovery.work import QUIET, Observer, catch_up

#: A window that begins now begins so much later than it is on record.
_LEAD = timedelta(seconds=1)


def windows(archive: Archive, observer: Observer = QUIET, *, past: bool = False) -> list[Window]:
    """Windows that are to come; with ``past`` those that are over or cancelled, too."""
    catch_up(archive, observer.warn)
    now_us = to_us(archive.clock.now())
    return [
        window
        for window in read_windows(archive.search)
        if past or (window.end_us > now_us and window.cancelled_us is None)
    ]


def announce_window(
    archive: Archive, start: datetime, end: datetime, *, reason: str, who: str
) -> dict[str, object]:
    """Put a planned window on record; the event's detail.

    One that is announced in the same words already is found, and no second one is made: cancelling it would
    leave the other. Raises InvalidInput, SiteUnavailable.
    """
    catch_up(archive, QUIET.warn)
    wanted = (to_us(start), to_us(end), reason.strip())
    for window in read_windows(archive.search):
        if window.cancelled_us is None and (window.start_us, window.end_us, window.reason) == wanted:
            fields = window_fields(window)
            told = {name: fields[name] for name in ("from", "reason", "to", "who", "window")}
            return {**told, "already": True}

    def detail() -> dict[str, object]:
        now = archive.clock.now()
        return window_detail(archive.entropy.token(6).hex(), start, end, reason=reason, who=who, now=now)

    detail()  # what is wrong with it is told before anything is opened
    return _announced(archive, detail)


def announce_from_now(archive: Archive, lasts: timedelta, *, reason: str, who: str) -> dict[str, object]:
    """As ``announce_window``, of a window that begins a moment after it is on record."""

    def detail() -> dict[str, object]:
        # No row is earlier than what was archived last, and another node's clock may be ahead of ours.
        now = max(archive.clock.now(), from_us(archive.tail.last_received_us()))
        start = now + _LEAD
        return window_detail(
            archive.entropy.token(6).hex(), start, start + lasts, reason=reason, who=who, now=now
        )

    detail()
    return _announced(archive, detail)


def _announced(archive: Archive, detail: Callable[[], dict[str, object]]) -> dict[str, object]:
    """On record; the detail is made when the archive takes it: its beginning is then still to come."""
    made: dict[str, object] = {}

    def events() -> list[EventDraft]:
        made.update(detail())
        return [archive.system_event(EventType.AVAILABILITY_WINDOW, made)]

    archive.record_events(events)
    return made


def cancel_window(
    archive: Archive, id: str, *, reason: str, who: str, observer: Observer = QUIET
) -> dict[str, object]:
    """Call a window off, or end it early, on record. Raises NotFound, Conflict (it is over), InvalidInput."""
    window = next((window for window in windows(archive, observer, past=True) if window.id == id), None)
    if window is None:
        raise NotFound(f"there is no window {id[:40]}", hint="vanvault availability window list")
    if window.cancelled_us is not None or window.end_us <= to_us(archive.clock.now()):
        raise Conflict(f"the window {id} is over already")
    detail = cancelled_detail(id, reason=reason, who=who)
    archive.record(EventType.AVAILABILITY_CANCELLED, detail)
    return detail


def note_seen(
    archive: Archive, level: str, at: datetime | None, *, source: str, valid_s: int, who: str
) -> dict[str, object]:
    """Put on record what a probe outside saw; ``at`` None: now. Raises InvalidInput, SiteUnavailable."""
    now = archive.clock.now()
    detail = note_detail(level, at or now, source=source, valid_s=valid_s, who=who, now=now)
    archive.record(EventType.AVAILABILITY_NOTE, detail)
    return detail


def window_fields(window: Window) -> dict[str, Any]:
    """A window as JSON values."""
    return {
        "window": window.id,
        "from": rfc3339_us(window.start_us),
        "to": rfc3339_us(window.end_us),
        "announced": rfc3339_us(window.announced_us),
        "cancelled": rfc3339_us(window.cancelled_us) if window.cancelled_us is not None else None,
        "reason": window.reason,
        "who": window.who,
    }
