"""What a running node does about gateways that read their own entries: it counts, and writes once a minute.

A minute that cannot be written waits, and is tried again. While the oldest waits for longer than a few
minutes, gateways are shown nothing more: what they read would be on record nowhere.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from vanvault.archiver.core.errors import SiteUnavailable, VanVaultError
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.ports import Clock, Entropy
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.people.looks import ReadTally, TalliedReads
from vanvault.recovery.access.record import counted_event, not_on_record
from vanvault.recovery.access.recorder import LookRecorder

_EVERY_S = 60.0
_PATIENCE = timedelta(minutes=5)
_LOOK_S = 0.2  # between two looks whether the node stops
_LAST_S = 10.0  # for the last counts, when the node stops


@dataclass(slots=True)
class _Waiting:
    """Events that are not on record yet, and since when the reads in them wait."""

    since: datetime
    event: EventDraft
    answered: threading.Event = field(default_factory=threading.Event)
    error: VanVaultError | None = None


class ReadCounter:
    """Safe to use from many threads."""

    def __init__(
        self,
        recorder: LookRecorder,
        clock: Clock,
        entropy: Entropy,
        *,
        settle: Callable[[], object] = lambda: None,
    ) -> None:
        """``settle``: puts on record, with each round, what waits since an emergency."""
        self._recorder = recorder
        self._settle = settle
        self._clock = clock
        self._entropy = entropy
        self._lock = threading.Lock()
        self._tally = ReadTally()
        self._unwritten: list[_Waiting] = []

    @property
    def task(self) -> Task:
        return Task("reads", self.round, every_s=_EVERY_S)

    def check(self) -> None:
        """Raises SiteUnavailable while reads of gateways could not be put on record for too long."""
        with self._lock:
            oldest = self._unwritten[0] if self._unwritten else None
        if oldest is not None and self._clock.now() - oldest.since > _PATIENCE:
            why = oldest.error or SiteUnavailable("no site took it", site="", may_be_stored=False)
            raise not_on_record(why)

    def count(self, reads: TalliedReads, entries: int = 0) -> None:
        """Count one request that showed so many entries; it is on record within a minute."""
        with self._lock:
            self._tally.add(reads, entries, self._clock.now())

    def round(self, stop: Signal) -> None:
        """Write what was counted. Raises why it could not be, and tries again in the next round."""
        for one in self._taken():
            self._recorder.put(one.event, partial(_answer, one))
            while not one.answered.wait(_LOOK_S):
                if stop.is_set():
                    return  # ``close`` writes it
            if one.error is not None:
                raise one.error
            self._forget(one)
        self._settle()  # last: where it fails, nothing that was counted waits unseen

    def close(self) -> None:
        """Write the last counts, when no request comes any more; what no site takes is lost with the node."""
        for one in self._taken():
            self._recorder.put(one.event, partial(_answer, one))
            one.answered.wait(_LAST_S)

    def _taken(self) -> list[_Waiting]:
        """What waits, the oldest first, with what was counted since."""
        now = self._clock.now()
        with self._lock:
            tally, self._tally = self._tally, ReadTally()
            for detail in tally.details(now):
                event = counted_event(detail, now, self._entropy.token(8).hex())
                self._unwritten.append(_Waiting(parse_rfc3339(detail["from"]), event))
            for one in self._unwritten:
                one.answered.clear()
            return list(self._unwritten)

    def _forget(self, one: _Waiting) -> None:
        with self._lock:
            self._unwritten.remove(one)


def _answer(one: _Waiting, error: VanVaultError | None) -> None:
    one.error = error
    one.answered.set()
