"""Keeps the sites level while a node runs: copies what one lacks, upgrades receipts, and tells health."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import SiteFull, SiteUnavailable
from vanvault.archiver.core.ports import Stopwatch
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.log_lines import Logger
from vanvault.recovery.objects import is_of_one_object, passed_over, signed_dates
from vanvault.recovery.reconcile.lag import known_lag
from vanvault.recovery.reconcile.reconcile import ReconcileReport, reconcile_sites
from vanvault.recovery.reconcile.upgrade import RecordCommits, upgrade_all
from vanvault.recovery.work import Effort

_log = Logger("vanvault.reconcile")

#: The first comparison of everything waits so long, so that a start is not slowed down by it.
_FIRST_S = 60.0
#: A put of another node that takes longer was given up by it.
_PATIENCE = timedelta(minutes=1)
#: A comparison that mended nothing, and a count of what a site lacks, is repeated only after so many times
#: its own length; a comparison that found what it could not mend after ``_FIRST_S`` at the earliest.
_REST = 10


class Reconciler:
    """``tick`` does one round of its work."""

    def __init__(
        self, archive: Archive, record: RecordCommits, *, stopwatch: Stopwatch | None = None
    ) -> None:
        """``record``: hands commit records to this node's writer."""
        self._archive = archive
        self._record = record
        self._stopwatch = stopwatch or archive.stopwatch
        self._settings = archive.settings.reconcile.pace()
        self._effort = Effort(self._settings.workers)
        self._due = self._stopwatch.seconds() + min(_FIRST_S, self._settings.compare_interval_s)
        self._rest_until = 0.0  # a site that is catching up is not compared again before
        self._count_again = 0.0  # what a site that is out lacks is not counted again before

    @property
    def task(self) -> Task:
        """One tick a round; whatever it leaves when the node stops, the next run finds."""
        return Task("reconciler", self.round, every_s=self._settings.check_interval_s, stop_s=10.0)

    def round(self, stop: Signal) -> None:
        """Tick; health hears of a site that does not answer. Raises as ``tick`` does."""
        try:
            self.tick()
        except SiteUnavailable as error:
            self._archive.health.saw(error.site, "put", error)
            raise

    def tick(self) -> ReconcileReport | None:
        """One round; the report of a comparison, when one was made. Raises what a site or a key refuses."""
        health, now = self._archive.health, self._stopwatch.seconds()
        out = health.out()
        if out:
            if now >= self._count_again:
                self._count(out)
            return None
        if self._archive.tail.degraded(1):
            self._upgrade()
        catching_up = health.catching_up()
        if now < self._due and not (catching_up and now >= self._rest_until):
            return None
        self._archive.catch_up_segments()  # else what was disposed of lately would be copied back
        report = reconcile_sites(
            self._archive.sites,
            locks=self._archive.rules.locks,
            signed=signed_dates(self._archive),
            covered=self._archive.catalogue.covers,
            effort=self._effort,
            clock=self._archive.clock.now,
            passed=passed_over(self._archive),
        )
        self._after(report)
        return report

    def _count(self, out: Iterable[str]) -> None:
        """What sites that are out lack; the longer the outage, the longer it takes, and the rest after it."""
        began = self._stopwatch.seconds()
        for site in out:
            self._archive.health.lags(site, known_lag(self._archive, site))
        now = self._stopwatch.seconds()
        self._count_again = now + min(_REST * (now - began), self._settings.compare_interval_s)

    def _upgrade(self) -> None:
        done = upgrade_all(self._archive, record=self._record, effort=self._effort, patience=_PATIENCE)
        if done.batches:
            _log.info("receipts upgraded", batches=done.batches)
        for key in done.damaged:
            _log.error("a degraded batch could not be brought whole to every site", key=key)

    def _after(self, report: ReconcileReport) -> None:
        health, now = self._archive.health, self._stopwatch.seconds()
        self._due = now + self._settings.compare_interval_s
        # Where nothing lacks, a batch that a writer is in the middle of may be all that keeps a site waiting.
        at_least = 0.0 if report.level else _FIRST_S
        rest = 0.0 if report.fetched.objects else max(at_least, _REST * report.seconds)
        self._rest_until = now + min(rest, self._settings.compare_interval_s)
        for site, lag in report.left.items():
            health.lags(site, lag)
        self._tell(report)
        if report.fetched.objects or report.failures:
            _log.info("reconciled", objects=report.fetched.objects, failures=report.failures)
        if not report.level:
            return
        self._archive.catch_up()
        self._upgrade()
        if not self._archive.tail.degraded(1):
            for site in report.left:
                health.level(site)

    def _tell(self, report: ReconcileReport) -> None:
        """Health hears of a site that is away or full, once; an object that it does not give is no outage."""
        failed: dict[str, SiteUnavailable] = {}
        for failure in report.named:
            error = failure.error
            if isinstance(error, SiteUnavailable) and (
                isinstance(error, SiteFull) or error.site not in failed
            ):
                failed[error.site] = error
        for site, error in failed.items():
            if not is_of_one_object(error, self._archive.sites):
                self._archive.health.saw(site, "put", error)
