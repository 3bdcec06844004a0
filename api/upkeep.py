"""Compaction and the keeper within a serving node: a small thread that never ends the node.

It works beside a second process of the same home: only one of them compacts at a time, and extending a lock
twice changes nothing. What goes wrong is logged and stands in the snapshot; a lock that was about to end and
a batch that no site gives whole are on record in the archive, too, as an event ``vanvault.keeper.alarm``.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import structlog

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Busy, VanVaultError
from vanvault.archiver.upkeep import KeeperReport, compact, keep_locks

_log = structlog.get_logger("vanvault.upkeep")

#: The keeper lists every batch, and locks last for weeks.
_KEEPER_EVERY = timedelta(hours=6)
#: Objects that an alarm on record names.
_NAMED = 20
ALARM = "keeper.alarm"


class _Stopping(Exception):
    """The node drains; a compaction ends at its next step and is begun again another time."""


@dataclass(frozen=True, slots=True)
class UpkeepSnapshot:
    """What is known of the last look, for metrics and status."""

    last_run: datetime | None = None  # when a look last ended without an error
    last_error: str = ""  # of the last look; empty when it had none
    segments: int = 0  # made since the node started
    rows: int = 0  # in them
    damaged: tuple[str, ...] = ()  # batches that the last compaction could not read at any site
    keeper: KeeperReport | None = None  # of the keeper's last round


class Upkeep:
    """Looks every ``compaction.check_interval_s`` seconds; ``stop`` returns soon, whatever is being done."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._snapshot = UpkeepSnapshot()
        self._kept: datetime | None = None
        self._alarmed: dict[str, date] = {}  # cause -> the day on which it was last put on record

    @property
    def snapshot(self) -> UpkeepSnapshot:
        return self._snapshot

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 30) -> bool:
        """End the thread at its next step; false when that took too long."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def look(self) -> None:
        """Compact what is ready, then keep the locks of the rest; what fails is noted, never raised."""
        errors = [error for error in (self._compact(), self._keep()) if error]
        now = self._archive.clock.now()
        self._snapshot = replace(
            self._snapshot,
            last_run=self._snapshot.last_run if errors else now,
            last_error="; ".join(errors),
        )

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.look()
            self._stopping.wait(self._archive.settings.compaction.check_interval_s)

    def _step(self, step: str) -> None:
        if self._stopping.is_set():
            raise _Stopping

    def _compact(self) -> str:
        """The error, or "" for none."""
        try:
            report = compact(self._archive, fault=self._step).report
        except (_Stopping, Busy):
            return ""  # the next look, or whoever is at it, does it
        except VanVaultError as error:
            _log.warning("compaction failed", kind=type(error).__name__, reason=error.message)
            return error.message
        except Exception as error:  # noqa: BLE001 - upkeep must not end the node
            _log.error("unexpected error in compaction", kind=type(error).__name__, exc_info=error)
            return type(error).__name__
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

    def _keep(self) -> str:
        now = self._archive.clock.now()
        if self._stopping.is_set() or (self._kept is not None and now - self._kept < _KEEPER_EVERY):
            return ""
        try:
            report = keep_locks(self._archive)
        except VanVaultError as error:
            _log.warning("locks were not kept", kind=type(error).__name__, reason=error.message)
            return error.message
        except Exception as error:  # noqa: BLE001 - upkeep must not end the node
            _log.error("unexpected error in keeping locks", kind=type(error).__name__, exc_info=error)
            return type(error).__name__
        self._snapshot = replace(self._snapshot, keeper=report)
        if report.extended:
            _log.info("locks extended", extended=report.extended, uncompacted=report.uncompacted)
        if report.failures:
            _log.warning("locks were not kept everywhere", failures=list(report.failures[:_NAMED]))
        else:
            self._kept = now
        if report.alarms:
            _log.error("locks of batches were about to end", copies=len(report.alarms))
            failed = self._alarm("lock", [f"{held.site}: {held.key}" for held in report.alarms])
            return "; ".join(part for part in (failed, *report.failures[:1]) if part)
        return report.failures[0] if report.failures else ""

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
