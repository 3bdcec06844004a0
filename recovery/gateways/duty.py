"""What a running node does about gateways.

It writes down last uses, records what verbs could not record, and takes away what is on record as removed: by
another home of the archive, or after the backup from which ``gateways.json`` was brought back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from vanvault.archiver.catalogue import Search
from vanvault.archiver.core.errors import Busy, Conflict, MachineLimit, VanVaultError
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.outcome import Outcome
from vanvault.archiver.core.ports import Clock
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.people import Gateways
from vanvault.recovery.gateways.record import event_of, removed_on_record

_log = Logger("vanvault.gateways")

_EVERY_S = 60.0
_LOOK_S = 0.2  # between two looks whether the node stops


@dataclass(frozen=True, slots=True)
class RecordingIntake:
    """Where the events go: this node's intake."""

    submit: Callable[[EventDraft, Callable[[Outcome, bool], None]], None]
    is_open: Callable[[], bool]


class GatewayDuty:
    """One round a minute. What a round cannot do, the next one tries again."""

    def __init__(self, gateways: Gateways, search: Search, intake: RecordingIntake, clock: Clock) -> None:
        self._gateways = gateways
        self._search = search
        self._intake = intake
        self._clock = clock
        self._has_begun = False

    @property
    def task(self) -> Task:
        return Task("gateways", self._next_round, every_s=_EVERY_S, at_once=True)

    def close(self) -> None:
        """Write down the uses since the last round; call it when no request comes any more."""
        self._write_last_uses()

    def _next_round(self, stop: Signal) -> None:
        """The first, once the node knows the archive, takes removed tokens away: none is back for long."""
        if self._has_begun:
            self.round(stop)
            return
        self._has_begun = True
        for _ in range(int(_EVERY_S / _LOOK_S)):
            if self._intake.is_open():
                self._obey()
                return
            if stop.wait(_LOOK_S):
                return

    def round(self, stop: Signal) -> None:
        """Raises SettingsError (the file), Damaged, SiteUnavailable (the index), and what intake refuses."""
        self._write_last_uses()
        try:
            self._obey()
        finally:
            self._record(stop)

    def _write_last_uses(self) -> None:
        try:
            self._gateways.write_last_uses(self._clock.now())
        except (OSError, MachineLimit) as error:  # nothing depends on it
            _log.warning("last uses of tokens cannot be written", reason=str(error))

    def _obey(self) -> None:
        if self._gateways.obey(*removed_on_record(self._search)):
            _log.warning("tokens were taken away that are on record as removed")

    def _record(self, stop: Signal) -> None:
        if not self._gateways.unrecorded() or not self._intake.is_open():
            return
        lock = self._gateways.recording(wait=False)
        if lock is None:
            return  # a verb is at it
        with lock:
            for change in self._gateways.unrecorded():
                outcome = self._submitted(event_of(change, self._clock.now()), stop)
                # A conflict: under this id something is on record already, and that stands.
                if isinstance(outcome, VanVaultError) and not isinstance(outcome, Conflict):
                    raise outcome
                self._gateways.recorded([change.nonce])

    def _submitted(self, event: EventDraft, stop: Signal) -> Outcome:
        answered = threading.Event()
        outcomes: list[Outcome] = []

        def done(outcome: Outcome, repeated: bool) -> None:
            outcomes.append(outcome)
            answered.set()

        self._intake.submit(event, done)
        while not answered.wait(_LOOK_S):
            if stop.is_set():
                return Busy("the node is shutting down")
        return outcomes[0]
