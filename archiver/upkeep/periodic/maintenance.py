"""Compaction and the keeping of locks within a serving node; nothing that fails here ends the node.

It works beside a second process of the same home: only one of them compacts at a time, and extending a lock
twice changes nothing. What goes wrong is logged and stands in the snapshot; a lock that was about to end and
a batch that no site gives whole are on record in the archive, too, as an event ``vanvault.keeper.alarm``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Busy, VanVaultError
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.upkeep.compaction.keeper import KeeperReport
from vanvault.archiver.upkeep.compaction.run import compact, keep_locks

_log = Logger("vanvault.maintenance")

#: The keeper lists every batch, and locks last for weeks.
_KEEPER_EVERY = timedelta(hours=6)
#: Objects that an alarm on record names.
_NAMED = 20
ALARM = "keeper.alarm"


class _Stopping(Exception):
    """The node drains; a compaction ends at its next step and is begun again another time."""


@dataclass(frozen=True, slots=True)
class MaintenanceSnapshot:
    """What is known of the last look, for metrics and status."""

    last_run: datetime | None = None  # when a look last ended without an error
    last_error: str = ""  # of the last look; empty when it had none
    segments: int = 0  # made since the node started
    rows: int = 0  # in them
    damaged: tuple[str, ...] = ()  # batches that the last compaction could not read at any site
    keeper: KeeperReport | None = None  # of the keeper's last round


class Maintenance:
    """Looks every ``compaction.check_interval_s`` seconds; told to stop, it ends at its next step."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._snapshot = MaintenanceSnapshot()
        self._kept: datetime | None = None
        self._alarmed: dict[str, date] = {}  # cause -> the day on which it was last put on record
        self._failure: Exception | None = None  # of the look that is under way

    @property
    def snapshot(self) -> MaintenanceSnapshot:
        return self._snapshot

    @property
    def task(self) -> Task:
        """One look a round. What stops after it does not wait for it: a compaction may be in a long step."""
        every_s = self._archive.settings.compaction.check_interval_s
        return Task("maintenance", self.round, every_s=every_s, at_once=True, stop_s=0.0)

    def round(self, stop: Signal) -> None:
        """Look; then raise the first error, for the supervisor to tell."""
        self.look(stop)
        if self._failure is not None:
            raise self._failure

    def look(self, stop: Signal | None = None) -> None:
        """Compact what is ready, then keep the locks of the rest; what fails is noted, never raised."""
        self._failure = None
        errors = [error for error in (self._compact(stop), self._keep(stop)) if error]
        now = self._archive.clock.now()
        self._snapshot = replace(
            self._snapshot,
            last_run=self._snapshot.last_run if errors else now,
            last_error="; ".join(errors),
        )

    def _compact(self, stop: Signal | None) -> str:
        """The error, or "" for none."""

        def step(name: str) -> None:
            if stop is not None and stop.is_set():
                raise _Stopping

        try:
            report = compact(self._archive, fault=step).report
        except (_Stopping, Busy):
            return ""  # the next look, or whoever is at it, does it
        except Exception as error:  # noqa: BLE001 - locks must be kept all the same; ``round`` raises it
            return self._failed("compaction failed", error)
        self._snapshot = replace(
            self._snapshot,
            segments=self._snapshot.segments + len(report.segments),
            rows=self._snapshot.rows + report.rows,
            damaged=report.damaged,
        )
        if report.segments:
            _log.info("compacted", segments=len(report.segments), rows=report.rows)
        if report.damaged:
            _log.warning("damaged batches are not compacted", batches=len(report.damaged))
            return self._alarm("damaged", report.damaged)
        return ""

    def _keep(self, stop: Signal | None) -> str:
        now = self._archive.clock.now()
        stopping = stop is not None and stop.is_set()
        if stopping or (self._kept is not None and now - self._kept < _KEEPER_EVERY):
            return ""
        try:
            report = keep_locks(self._archive)
        except Exception as error:  # noqa: BLE001 - the look is noted first; ``round`` raises it
            return self._failed("locks were not kept", error)
        self._snapshot = replace(self._snapshot, keeper=report)
        if report.extended:
            _log.info("locks extended", extended=report.extended, uncompacted=report.uncompacted)
        if report.failures:
            _log.warning("locks were not kept everywhere", failures=list(report.failures[:_NAMED]))
        else:
            self._kept = now
            self._archive.tail.ensure_sound()  # verbs look at all of it only after an unclean end
        if report.alarms:
            _log.error("locks of batches were about to end", copies=len(report.alarms))
            failed = self._alarm("lock", [f"{held.site}: {held.key}" for held in report.alarms])
            return "; ".join(part for part in (failed, *report.failures[:1]) if part)
        return report.failures[0] if report.failures else ""

    def _failed(self, what: str, error: Exception) -> str:
        """Note the error; the text of it for the snapshot."""
        self._failure = self._failure or error
        if isinstance(error, VanVaultError):
            _log.warning(what, kind=type(error).__name__, reason=error.message)
            return error.message
        _log.error(what, kind=type(error).__name__, exc_info=error)
        return type(error).__name__

    def _alarm(self, cause: str, objects: tuple[str, ...] | list[str]) -> str:
        """Put an alarm on record, once a day for each cause; the error, or "" for none."""
        today = self._archive.clock.now().date()
        if self._alarmed.get(cause) == today:
            return ""
        try:
            detail = {"cause": cause, "count": len(objects), "objects": list(objects[:_NAMED])}
            self._archive.record(ALARM, detail)
        except VanVaultError as error:
            _log.warning("an alarm is not on record", cause=cause, reason=error.message)
            return error.message
        self._alarmed[cause] = today
        return ""
