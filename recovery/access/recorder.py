"""How a running node puts looks on record: with its pushes in the running group commit, or aside.

::

    look ── intake ── acknowledged ──► told: it may be shown
              └── refused, or failed ──► aside: a chain of one object, at whatever site takes it ──► told

Intake is closed to what waits for every site while one is away, at a node that is superseded, and while a
node starts or settles what failed. None of this may stop a look, or let one pass without a record.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from vanvault.archiver.core.errors import Busy, Conflict, VanVaultError
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.outcome import Done, Outcome
from vanvault.archiver.core.ports import Clock
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.people.looks import Look
from vanvault.recovery.access.record import look_event, not_on_record

_log = Logger("vanvault.looks")

#: Told once, on some thread: None, and it is on record; or why it is not.
Told = Callable[[VanVaultError | None], None]

#: Looks that may wait to be written aside.
_WAITING = 1000
#: Seconds that a thread waits for one: longer than a put that hangs at a site.
_LONGEST_S = 120.0


@dataclass(frozen=True, slots=True)
class LookPort:
    """Where looks are written."""

    submit: Callable[[EventDraft, Done], None]  # as ``Intake.submit``
    aside: Callable[[Sequence[EventDraft]], None]  # as ``Archive.record_aside``
    keep: Callable[[Sequence[EventDraft]], bool] = lambda events: False  # as ``EmergencyFiles.keep``


class LookRecorder:
    """Safe to use from many threads."""

    def __init__(self, port: LookPort, clock: Clock) -> None:
        self._port = port
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[tuple[EventDraft, Told]] = []
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="looks")

    def record(self, look: Look, told: Told) -> None:
        """Put a look on record; nothing of it may be shown before ``told`` got None."""
        self.put(look_event(look, self._clock.now()), told)

    def put(self, event: EventDraft, told: Told) -> None:
        """The same with an event that is made already; one that is on record stays as it is."""

        def done(outcome: Outcome, repeated: bool) -> None:
            if not isinstance(outcome, VanVaultError) or isinstance(outcome, Conflict):
                told(None)  # a conflict: under this id the same look is on record, of another minute
            else:
                self._put_aside(event, told)

        try:
            self._port.submit(event, done)
        except Conflict:
            told(None)
        except VanVaultError:
            self._put_aside(event, told)

    def recorded(self, look: Look) -> None:
        """Put a look on record, and wait for it, as ``wait_for`` does."""
        self.wait_for(look_event(look, self._clock.now()))

    def wait_for(self, event: EventDraft) -> None:
        """Put an event on record, and wait for it. Not for a thread that intake tells outcomes on.

        Raises SiteUnavailable, KeyUnavailable, MachineLimit, Busy: it is not, and nothing may be shown.
        """
        answered = threading.Event()
        errors: list[VanVaultError | None] = []

        def told(error: VanVaultError | None) -> None:
            errors.append(error)
            answered.set()

        self.put(event, told)
        if not answered.wait(_LONGEST_S):
            raise not_on_record(Busy("no site has taken it yet", retry_after=5))
        if errors[0] is not None:
            raise errors[0]

    def close(self) -> None:
        """Write what waits; call it when no look comes any more."""
        self._aside.shutdown(wait=True)

    def _put_aside(self, event: EventDraft, told: Told) -> None:
        with self._lock:
            full = len(self._waiting) >= _WAITING
            if not full:
                self._waiting.append((event, told))
        if not full:
            try:
                self._aside.submit(self._write)
                return
            except RuntimeError:  # closed
                with self._lock:
                    self._waiting = [one for one in self._waiting if one[1] is not told]
        told(not_on_record(Busy("too many looks wait to be put on record", retry_after=2)))

    def _write(self) -> None:
        """Everything that waits, as one object: a thread that comes later finds nothing left."""
        with self._lock:
            taken, self._waiting = self._waiting, []
        if not taken:
            return
        failure: VanVaultError | None = None
        try:
            self._port.aside([event for event, _ in taken])
        except VanVaultError as error:
            failure = self._kept([event for event, _ in taken], error)
        except Exception as error:  # noqa: BLE001 - callers wait, and nothing may be shown to them
            _log.error("looks could not be put on record", kind=type(error).__name__, exc_info=error)
            failure = not_on_record(Busy(f"{type(error).__name__}", retry_after=5))
        for _, told in taken:
            told(failure)

    def _kept(self, events: Sequence[EventDraft], error: VanVaultError) -> VanVaultError | None:
        """None in a declared emergency: they wait in the home. Else what the viewers are told."""
        try:
            if self._port.keep(events):
                return None
        except VanVaultError as failed:
            return not_on_record(failed)
        return not_on_record(error)
