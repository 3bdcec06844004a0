"""One drill as an operator or a schedule asks for it: rehearse, sign the evidence, write and archive it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.stores import S3Url, parse_site_url
from vanvault.recovery.documents import REPORT, write_bundle, zipped
from vanvault.recovery.drill.bundle import FOLDER, drill_pages
from vanvault.recovery.drill.conduct import Means, quiet
from vanvault.recovery.drill.model import DrillPlan
from vanvault.recovery.drill.record import (
    SCHEDULED,
    archive_drill,
    last_rate,
    scheduled_detail,
    standings,
)
from vanvault.recovery.drill.report import DRILL_FORM, plan_fields, report_body, signed_report
from vanvault.recovery.drill.restic_copy import restic_copy
from vanvault.recovery.drill.run import FinishedDrill, prepare, run, scenario_of
from vanvault.recovery.verified import Subset
from vanvault.recovery.work import QUIET, Effort, Observer, catch_up


@dataclass(frozen=True, slots=True)
class Escrowed:
    """What brings the keys back: the sealed bundle, and the shares that open it."""

    bundle: Path | None = None
    key_shares: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class DrillRequest:
    """What to rehearse."""

    scenario: str
    subset: Subset = field(default_factory=Subset)
    samples: int = 24  # entries that are compared before and after
    seed: str = ""  # decides the samples; "": the drill's id
    approver: str = ""
    scratch: Path | None = None  # a folder with room for the copy; None: in the home
    escrowed: Escrowed = field(default_factory=Escrowed)
    workers: int = 4
    dry_run: bool = False
    who: str = ""  # the operator, for the report


@dataclass(frozen=True, slots=True)
class PlannedDrill:
    """What a drill will do, or in a dry run would do."""

    plan: DrillPlan

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"dry_run": True, **plan_fields(self.plan)}


@dataclass(frozen=True, slots=True)
class DrillReport:
    """A drill that is over, and where its signed evidence lies."""

    finished: FinishedDrill
    evidence: Path
    archived: bool  # does the archive hold the evidence, too?

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK if self.finished.outcome.passed else ExitCode.CHECK_FAILED

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        outcome = self.finished.outcome
        return {
            "scenario": self.finished.scenario.name,
            "passed": outcome.passed,
            "rto_seconds": round(outcome.rto_s, 3),
            "rto_whole_seconds": round(outcome.rto_whole_s, 3),
            "rpo_messages": outcome.rpo_messages,
            "rpo_later_messages": outcome.loss.later_messages if outcome.loss else None,
            "evidence": str(self.evidence),
            "id": self.finished.id,
            "archived": self.archived,
            "failures": list(outcome.failures),
            "alarms": {"expected": len(outcome.alarms_expected), "missing": len(outcome.alarms_missing)},
        }


def drill(
    archive: Archive,
    request: DrillRequest,
    observer: Observer = QUIET,
    *,
    on_plan: Callable[[DrillPlan], None] = lambda plan: None,
    say: Callable[[str], None] = quiet,
) -> DrillReport | PlannedDrill:
    """Rehearse with a copy of the archive in a scratch folder; sign and archive what came of it.

    Production is read and nothing else, but for the evidence. Whatever stops the rehearsal makes it a failed
    drill, not an error.

    Args:
        on_plan: hears of the plan before anything is done.
        say: hears of each phase as it begins.

    Raises NotFound (no such scenario), InvalidInput (escrow or room is missing), SettingsError,
    SiteUnavailable (production cannot be listed), KeyUnavailable.
    """
    chosen = scenario_of(request.scenario)
    catch_up(archive, observer.warn)
    effort = Effort(request.workers)
    means = Means(
        subset=request.subset,
        samples=request.samples,
        seed=request.seed,
        effort=effort,
        bundle=request.escrowed.bundle,
        key_shares=request.escrowed.key_shares,
        third_copy=restic_copy(archive, effort),
        probes=_probes(archive),
        max_skew=timedelta(seconds=archive.settings.clock.max_skew_s),
    )
    with archive.reader() as production:
        production.refresh()
        plan = prepare(production, chosen, means, last_rate(archive.search))
        on_plan(plan)
        if request.dry_run:
            return PlannedDrill(plan)
        finished = run(
            production,
            chosen,
            plan,
            means,
            scratch=request.scratch or archive.home / "cache" / "drills",
            clock=archive.clock,
            operator=request.who,
            approver=request.approver,
            say=say,
        )
    return keep_evidence(archive, finished, observer)


def keep_evidence(archive: Archive, finished: FinishedDrill, observer: Observer = QUIET) -> DrillReport:
    """Sign, write and archive the evidence of a drill. Raises SettingsError (disk), KeyUnavailable."""
    signer = archive.signing.active()
    shown = drill_pages(DRILL_FORM.parsed(canonical(report_body(finished, signer.key_id))))
    data = signed_report(finished, signer, shown)
    files = {REPORT: data, **shown}
    evidence = archive.home / FOLDER / finished.id
    write_bundle(evidence, files)
    try:
        archive_drill(archive, DRILL_FORM.parsed(data), data, zipped(files))
    except SiteUnavailable as error:
        observer.warn(f"the evidence could not be archived: {error.message}")
        return DrillReport(finished, evidence, archived=False)
    return DrillReport(finished, evidence, archived=True)


def schedule_drill(archive: Archive, scenario: str, days: int, *, who: str) -> dict[str, object]:
    """Put on record how often a scenario has to be passed (0 days: no longer); the event's detail.

    What is on record already is not put there again: a new event would move the date when it is due.

    Raises NotFound, InvalidInput, SiteUnavailable, KeyUnavailable.
    """
    scenario_of(scenario)
    detail = scheduled_detail(scenario, days, who)
    catch_up(archive, QUIET.warn)
    planned = next(one for one in standings(archive.search) if one.scenario == scenario)
    if (planned.every_days or 0) != days:
        archive.record(SCHEDULED, detail)
    return detail


def _probes(archive: Archive) -> dict[str, str]:
    """By S3 site, how its store came off at its last probe: a drill cannot attack a copy of it."""
    found = {}
    for site in archive.sites:
        if isinstance(parse_site_url(archive.endpoint(site)), S3Url):
            probe = archive.trust.probe_of(site)
            found[site] = probe.verdict if probe else ""
    return found
