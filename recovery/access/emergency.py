"""A declared emergency: looks that can be put on record nowhere wait in the home, and may be shown meanwhile.

It is declared with a reason, for hours, and ends by itself. The declaration is the first line that waits::

    looks/emergency.json     who, why, since when and until when
    looks/waiting.ndjson     events that go on record as soon as a site takes them, a line for each

    vanvault.access.emergency-declared     id, who, reason, from, to
    vanvault.access.emergency-ended        id, who
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from vanvault.archiver.core.errors import Conflict, InvalidInput, NotFound, SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.ports import Clock, Entropy
from vanvault.archiver.core.times import from_us, parse_rfc3339, rfc3339_seconds
from vanvault.archiver.disk import lock_beside, replace_file, sync_folder

if TYPE_CHECKING:
    from vanvault.archiver.core.model import EventDraft

#: The longest time for which an emergency is declared at once.
LONGEST_EMERGENCY = timedelta(hours=24)
DECLARED = "access.emergency-declared"
ENDED = "access.emergency-ended"

_FOLDER = "looks"
_STATE = "emergency.json"
_WAITING = "waiting.ndjson"
_MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Emergency:
    """What was declared."""

    id: str
    who: str
    reason: str
    since: datetime
    until: datetime

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "id": self.id,
            "who": self.who,
            "reason": self.reason,
            "from": rfc3339_seconds(self.since),
            "to": rfc3339_seconds(self.until),
        }


class EmergencyFiles:
    """The emergency of one home, and what waits for the record. Many processes and threads may use it.

    Each call raises SettingsError (the files cannot be read or written) and MachineLimit (the disk is full).
    """

    def __init__(self, home: Path, clock: Clock) -> None:
        self._folder = home / _FOLDER
        self._clock = clock

    def now(self) -> Emergency | None:
        """The emergency that is in force; None without one."""
        try:
            fields = orjson.loads((self._folder / _STATE).read_bytes())
            since, until = parse_rfc3339(fields["from"]), parse_rfc3339(fields["to"])
            found = Emergency(fields["id"], fields["who"], fields["reason"], since, until)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._unusable(error) from error
        return found if found.since <= self._clock.now() < found.until else None

    def declare(self, reason: str, span: timedelta, *, who: str, entropy: Entropy) -> Emergency:
        """From now on, for so long, looks may wait. Raises InvalidInput, Conflict (one is in force)."""
        stated = reason.strip()
        if not stated or len(stated) > _MAX_REASON or not stated.isprintable():
            raise InvalidInput(
                f"an emergency needs a reason of 1 to {_MAX_REASON} printable characters",
                field="reason",
                hint="Say why: --reason TEXT. It goes on record.",
            )
        if not timedelta(0) < span <= LONGEST_EMERGENCY:
            raise InvalidInput("an emergency lasts 24 hours at most; it can be declared again", field="for")
        with self._locked():
            if (declared := self.now()) is not None:
                raise Conflict(
                    f"an emergency is in force until {rfc3339_seconds(declared.until)}; nothing was done",
                    hint="End it first: vanvault access emergency --end.",
                )
            now = self._clock.now().replace(microsecond=0)
            made = Emergency(entropy.token(8).hex(), who, stated, now, now + span)
            self._append([_event(DECLARED, made.as_json(), made.since, made.id)])
            replace_file(self._folder / _STATE, orjson.dumps(made.as_json()))
            return made

    def end(self, *, who: str) -> Emergency:
        """End it before its time. Raises NotFound: none is in force."""
        with self._locked():
            declared = self.now()
            if declared is None:
                raise NotFound("no emergency is in force; nothing was done")
            detail = {"id": declared.id, "who": who}
            self._append([_event(ENDED, detail, self._clock.now(), declared.id)])
            (self._folder / _STATE).unlink()
            return declared

    def keep(self, events: Sequence[EventDraft]) -> bool:
        """Let events wait, durably; False where no emergency is in force, so that they may not."""
        if self.now() is None:
            return False
        with self._locked():
            self._append(events)
        return True

    @property
    def is_waiting(self) -> bool:
        """Does anything wait for the record? Costs one look at a file's name."""
        return (self._folder / _WAITING).exists()

    def settle(self, write: Callable[[Sequence[EventDraft]], None]) -> int:
        """Put on record what waits, by ``write``, and forget it. How many events; raises as ``write``."""
        if not self.is_waiting:
            return 0
        with self._locked():
            path = self._folder / _WAITING
            if not path.exists():  # another process or thread put it on record meanwhile
                return 0
            events = list(filter(None, map(_from_line, path.read_bytes().splitlines())))
            if events:
                write(events)
            path.unlink()
            return len(events)

    def _append(self, events: Sequence[EventDraft]) -> None:
        path = self._folder / _WAITING
        new = not path.exists()
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "wb") as file:
            # A line that a crash left torn ends here, so that it spoils no other.
            file.write(b"".join([b"" if new else b"\n", *(_line(event) + b"\n" for event in events)]))
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync_folder(self._folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with lock_beside(self._folder / _WAITING):
                yield
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> SettingsError:
        raise_limit(error)
        return SettingsError(f"the files of {self._folder} cannot be used: {error}")


def _event(type: str, detail: dict[str, Any], now: datetime, nonce: str) -> EventDraft:
    from vanvault.archiver.intake import system_event

    return system_event(type, detail, now=now, nonce=nonce)


def _line(event: EventDraft) -> bytes:
    """What makes the same event again."""
    type = event.type.removeprefix("vanvault.")
    fields = {
        "type": type,
        "nonce": event.event_id.removeprefix(f"{type}-"),
        "detail": orjson.loads(event.detail),
        "occurred_us": event.occurred_us,
        "received_us": event.received_us,
    }
    return orjson.dumps(fields)


def _from_line(line: bytes) -> EventDraft | None:
    """None for a line that was torn: whoever wrote it was told nothing, and showed nothing."""
    try:
        fields = orjson.loads(line)
    except ValueError:
        return None
    event = _event(fields["type"], fields["detail"], from_us(fields["occurred_us"]), fields["nonce"])
    return replace(event, received_us=fields["received_us"])
