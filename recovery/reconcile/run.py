"""One reconciliation as an operator or a schedule asks for it: compare, copy, upgrade, put on record."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.recovery.objects import passed_over, signed_dates
from vanvault.recovery.reconcile.conflicts import EntryConflict, open_conflicts
from vanvault.recovery.reconcile.reconcile import ReconcileReport, reconcile_sites
from vanvault.recovery.reconcile.upgrade import Upgraded, upgrade_all
from vanvault.recovery.work import QUIET, Effort, Observer, catch_up, put_on_record, put_set_aside_on_record

RECONCILED = "site.reconciled"


@dataclass(frozen=True, slots=True)
class ReconcileRequest:
    """How to reconcile."""

    dry_run: bool = False  # compare only
    workers: int = 4
    who: str = ""  # whose run it is, for the record


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A reconciliation that is over."""

    report: ReconcileReport
    upgraded: Upgraded
    conflicts: tuple[EntryConflict, ...]  # open
    dry_run: bool
    recorded: bool

    @property
    def whole(self) -> bool:
        """Are the sites level, every receipt whole, and no conflict open?"""
        return self.report.level and not self.upgraded.damaged and not self.conflicts

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK if self.whole else ExitCode.CHECK_FAILED

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        report = self.report
        return {
            "dry_run": self.dry_run,
            "whole": self.whole,
            "level": report.level,
            "compared": report.compared,
            "ignored": report.ignored,
            "lag": {site: asdict(lag) for site, lag in report.lags.items()},
            "left": {site: asdict(lag) for site, lag in report.left.items()},
            "copied": asdict(report.fetched),
            "shorter_locks": report.shorter_locks,
            "prolonged": report.prolonged,
            "upgraded": self.upgraded.batches,
            "damaged": list(self.upgraded.damaged),
            "failures": report.failures,
            "failed": [
                {"key": f.action.key, "site": f.action.target, "reason": f.error.message}
                for f in report.named
            ],
            "conflicts": [asdict(conflict) for conflict in self.conflicts],
            "seconds": round(report.seconds, 3),
        }


def reconcile(archive: Archive, request: ReconcileRequest, observer: Observer = QUIET) -> Reconciliation:
    """Bring the sites level, upgrade degraded receipts, and put on record what was done.

    Raises SiteUnavailable, SettingsError (a site cannot be listed to its end), KeyUnavailable, Damaged (it
    cannot be read which conflicts are open).
    """
    effort = Effort(request.workers)
    archive.catch_up_segments()
    with observer.progress("reconciling") as step:
        report = reconcile_sites(
            archive.sites,
            dry_run=request.dry_run,
            locks=archive.rules.locks,
            signed=signed_dates(archive),
            covered=archive.catalogue.covers,
            effort=effort,
            step=step,
            clock=archive.clock.now,
            passed=passed_over(archive),
        )
    catch_up(archive, observer.warn)
    upgraded = Upgraded(0, ()) if request.dry_run else upgrade_all(archive, effort=effort)
    recorded = False
    if report.fetched.objects or report.prolonged or upgraded.batches:
        detail = _detail(report, upgraded)
        recorded = put_on_record(archive, RECONCILED, detail, who=request.who, observer=observer)
    if not request.dry_run:
        put_set_aside_on_record(archive, observer)
    return Reconciliation(report, upgraded, tuple(open_conflicts(archive)), request.dry_run, recorded)


def _detail(report: ReconcileReport, upgraded: Upgraded) -> dict[str, object]:
    return {
        "objects": report.fetched.objects,
        "bytes": report.fetched.bytes,
        "prolonged": report.prolonged,
        "upgraded": upgraded.batches,
        "failures": report.failures,
    }
