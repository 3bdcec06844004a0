"""One repair as an operator or a schedule asks for it: verify, plan, copy, put on record."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vanvault.archiver.appliance import Archive
from vanvault.archiver.journal import EventType
from vanvault.recovery.objects import signed_dates
from vanvault.recovery.repair.plan import RepairPlan, plan_repair
from vanvault.recovery.repair.repair import RepairReport, repair_sites
from vanvault.recovery.verify import read_back
from vanvault.recovery.work import (
    QUIET,
    Effort,
    Extent,
    Observer,
    catch_up,
    put_on_record,
    put_set_aside_on_record,
)

REPAIRED = EventType.SITE_REPAIRED


@dataclass(frozen=True, slots=True)
class RepairRequest:
    """How to repair."""

    dry_run: bool = False  # verify and plan only
    workers: int = 4
    who: str = ""  # whose repair it is, for the record


def repair(archive: Archive, request: RepairRequest, observer: Observer = QUIET) -> RepairReport | RepairPlan:
    """Verify both sites, then copy what one lacks or holds damaged from the other; a plan in a dry run.

    Raises as ``verify_archive`` does. What cannot be mended is in the report.
    """
    plan = plan_repair(read_back(archive, observer, workers=request.workers))
    if request.dry_run:
        return plan
    with observer.progress("repairing", Extent(len(plan.actions))) as step:
        report = repair_sites(
            plan,
            archive.sites,
            locks=archive.rules.locks,
            signed=signed_dates(archive),
            effort=Effort(request.workers),
            step=step,
            clock=archive.clock.now,
        )
    put_set_aside_on_record(archive, observer)
    if not report.repaired:
        return report
    catch_up(archive, observer.warn)
    recorded = put_on_record(archive, REPAIRED, _detail(report), who=request.who, observer=observer)
    return replace(report, recorded=recorded)


def _detail(report: RepairReport) -> dict[str, object]:
    return {
        "sites": sorted({action.target for action in report.repaired}),
        "objects": len(report.repaired),
        "bytes": report.bytes,
        "failures": len(report.failed),
        "beyond": len(report.beyond),
    }
