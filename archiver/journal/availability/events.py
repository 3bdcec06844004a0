"""The ledger's entries as events of the archive, and back. Pure.

======================================  ===============================================================
``vanvault.availability.state``         a node changed: ``writer``, ``at``, ``level``, ``why``, ``due_s``
``vanvault.availability.alive``         a heartbeat, or the last proof of life that the next start found
                                        (then ``ended`` is true): ``writer``, ``at``, ``level``, ``due_s``
``vanvault.availability.window``        planned downtime: ``window``, ``from``, ``to``, ``reason``, ``who``
``vanvault.availability.cancelled``     a window that is called off: ``window``, ``reason``, ``who``
``vanvault.availability.note``          an outside probe's: ``at``, ``level``, ``source``, ``valid_s``
======================================  ===============================================================

``vanvault.writer.opened`` and ``.closed`` are marks too, of writers that have others: an operator's command
writes through a short-lived writer, which serves nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.names import parse_archive_id
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_us, to_us
from vanvault.archiver.journal.availability.model import AvailabilityEvidence, Level, Mark, Note, Window
from vanvault.archiver.journal.events import EventType, OwnEvent

STATE: Final = EventType.AVAILABILITY_STATE
ALIVE: Final = EventType.AVAILABILITY_ALIVE
WINDOW: Final = EventType.AVAILABILITY_WINDOW
CANCELLED: Final = EventType.AVAILABILITY_CANCELLED
NOTE: Final = EventType.AVAILABILITY_NOTE
OPENED: Final = EventType.WRITER_OPENED
CLOSED: Final = EventType.WRITER_CLOSED
#: Marks of every few minutes, which are read for a period only; the others are few.
MARKS = (STATE, ALIVE, OPENED, CLOSED)
OTHERS = (WINDOW, CANCELLED, NOTE)

_SECOND = 1_000_000
MAX_WINDOW = timedelta(days=31)
MAX_VALID_S = 86_400
MAX_TEXT = 200


def mark_detail(writer: str, at_us: int, level: Level, *, due_s: int, why: str = "") -> dict[str, object]:
    """The detail of a change of state, or (without ``why``) of a heartbeat."""
    detail: dict[str, object] = {
        "at": rfc3339_us(at_us),
        "due_s": due_s,
        "level": level.name.lower(),
        "writer": writer,
    }
    return detail | ({"why": why} if why else {})


def ended_detail(writer: str, at_us: int) -> dict[str, object]:
    """The detail of the last heartbeat of a run that ended without saying so."""
    return {"at": rfc3339_us(at_us), "due_s": 0, "ended": True, "writer": writer}


def window_detail(
    id: str, start: datetime, end: datetime, *, reason: str, who: str, now: datetime
) -> dict[str, object]:
    """The detail of a window. Raises InvalidInput: not ahead, reversed, too long, without a reason."""
    if start < now:
        raise InvalidInput(
            "a window is announced before it begins",
            field="from",
            hint="Downtime that was not announced is unplanned.",
        )
    if end <= start or end - start > MAX_WINDOW:
        raise InvalidInput(f"a window ends after it begins, within {MAX_WINDOW.days} days", field="to")
    return {
        "from": rfc3339_us(to_us(start)),
        "reason": _text(reason, "reason"),
        "to": rfc3339_us(to_us(end)),
        "who": who,
        "window": id,
    }


def cancelled_detail(window: str, *, reason: str, who: str) -> dict[str, object]:
    """The detail of a window's cancellation. Raises InvalidInput: no reason."""
    return {"reason": _text(reason, "reason"), "who": who, "window": window}


def note_detail(
    level: str, at: datetime, *, source: str, valid_s: int, who: str, now: datetime
) -> dict[str, object]:
    """The detail of a note; ``level``: up, degraded or down.

    Raises InvalidInput: another level, in the future, without a source, valid for too long.
    """
    named = _level_named(level)
    if at > now + timedelta(minutes=1):
        raise InvalidInput("a note is of what was seen, not of what will be", field="at")
    if not 1 <= valid_s <= MAX_VALID_S:
        raise InvalidInput(f"a note is valid for 1 to {MAX_VALID_S} seconds", field="valid")
    return {
        "at": rfc3339_us(to_us(at)),
        "level": named.name.lower(),
        "source": _text(source, "source"),
        "valid_s": valid_s,
        "who": who,
    }


def evidence_of(events: Iterable[OwnEvent], last_us: Mapping[str, int] | None = None) -> AvailabilityEvidence:
    """The evidence in events of these types, in any order. Raises Damaged.

    Args:
        last_us: writer -> the time of its last object in the archive: proof that it was alive then.
    """
    marks: list[Mark] = []
    around: list[Mark] = []  # opened and closed, of writers that may serve nobody
    windows: dict[str, Window] = {}
    cancelled: dict[str, int] = {}
    notes: list[Note] = []
    for event in events:
        type = event.type
        try:
            detail = event.detail
            if type in (STATE, ALIVE):
                marks.append(_believed(_mark(detail), event))
            elif type in (OPENED, CLOSED):
                writer, at = parse_archive_id(event.id)[0], _not_after(event, _time(event.occurred_at))
                around.append(Mark(at, writer, None, 0, ended=type == CLOSED))
            elif type == WINDOW:
                windows[detail["window"]] = _window(detail, to_us(event.at))
            elif type == CANCELLED:
                at = to_us(event.at)
                cancelled[detail["window"]] = min(at, cancelled.get(detail["window"], at))
            elif type == NOTE:
                notes.append(_note(detail))
        except (KeyError, TypeError, ValueError) as error:
            raise Damaged("an archived entry of the availability ledger cannot be read") from error
    due = {mark.writer: mark.due_us for mark in marks if mark.due_us}
    marks += [replace(mark, due_us=due[mark.writer]) for mark in around if mark.writer in due]
    for writer, at in (last_us or {}).items():
        if writer in due:
            marks.append(Mark(at, writer, None, due[writer]))
    ordered = (
        replace(window, cancelled_us=cancelled.get(window.id))
        for window in sorted(windows.values(), key=lambda window: (window.start_us, window.id))
    )
    return AvailabilityEvidence(tuple(marks), tuple(ordered), tuple(sorted(notes)))


def _believed(mark: Mark, event: OwnEvent) -> Mark:
    at_us = _not_after(event, mark.at_us)
    return mark if at_us == mark.at_us else replace(mark, at_us=at_us)


def _not_after(event: OwnEvent, us: int) -> int:
    """A clock that was ahead proves no life after it was accepted."""
    return min(us, to_us(event.at)) if event.counts_as else us


def _level_named(name: str) -> Level:
    try:
        return Level[name.upper()]
    except KeyError as error:
        raise InvalidInput("the level is up, degraded or down", field="level") from error


def _mark(detail: Mapping[str, Any]) -> Mark:
    ended = bool(detail.get("ended", False))
    level = None if ended else Level[str(detail["level"]).upper()]
    return Mark(_time(detail["at"]), str(detail["writer"]), level, int(detail["due_s"]) * _SECOND, ended)


def _window(detail: Mapping[str, Any], announced_us: int) -> Window:
    return Window(
        id=str(detail["window"]),
        start_us=_time(detail["from"]),
        end_us=_time(detail["to"]),
        announced_us=announced_us,
        reason=str(detail["reason"]),
        who=str(detail["who"]),
    )


def _note(detail: Mapping[str, Any]) -> Note:
    level = Level[str(detail["level"]).upper()]
    return Note(_time(detail["at"]), str(detail["source"]), level, int(detail["valid_s"]) * _SECOND)


def _time(text: str) -> int:
    return to_us(parse_rfc3339(text))


def _text(value: str, field: str) -> str:
    text = value.strip()
    if not text or len(text) > MAX_TEXT or not text.isprintable():
        raise InvalidInput(f"{field} has 1 to {MAX_TEXT} printable characters", field=field)
    return text
