"""``vanvault drill``: rehearse a recovery, keep the evidence, and know when the next is due."""

from __future__ import annotations

import getpass
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.errors import SiteUnavailable
from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.errors import ExitCode
from vanvault.cli.output import (
    emit_json,
    human_duration,
    human_size,
    json_option,
    print_pairs,
    print_table,
    warn,
)

if TYPE_CHECKING:
    from vanvault.archiver.archive import Archive
    from vanvault.recovery.drill.model import DrillPlan
    from vanvault.recovery.drill.run import Finished

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_EVERY = re.compile(r"([1-9][0-9]{0,3})d")


@click.group()
def command() -> None:
    """Rehearse a recovery in isolation, keep signed evidence of it, and know when the next is due."""


@command.command("run")
@click.argument("scenario")
@click.option("--share", default="1/1", show_default=True, metavar="N/T", help="Recover the Nth of T parts.")
@click.option("--samples", type=click.IntRange(1, 1000), default=24, show_default=True,
              help="Entries to compare before and after.")  # fmt: skip
@click.option("--seed", default="", help="Decides the samples; without it, the drill's id does.")
@click.option("--approver", default="", metavar="NAME", help="Who approved the drill, for the report.")
@click.option("--scratch", type=_FOLDER, help="Folder with room for the copy; by default in the home.")
@click.option("--bundle", type=_FILE, metavar="FILE", help="keys-lost: the sealed escrow bundle.")
@click.option("--shares", "key_shares", type=_FILE, multiple=True, metavar="FILE",
              help="keys-lost: a share that opens the bundle; once for each.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Objects at once.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@json_option
@click.pass_obj
def run_drill(
    home: Path,
    scenario: str,
    share: str,
    samples: int,
    seed: str,
    approver: str,
    scratch: Path | None,
    bundle: Path | None,
    key_shares: tuple[Path, ...],
    workers: int,
    dry_run: bool,
    as_json: bool,
) -> ExitCode:
    """Rehearse SCENARIO with a copy of the archive in a scratch folder, and sign what came of it.

    Production is read and nothing else. Ends with 0 only when the drill passed, else with 3.
    """
    from vanvault.recovery.drill.conduct import Means
    from vanvault.recovery.drill.node import production
    from vanvault.recovery.drill.record import last_rate
    from vanvault.recovery.drill.run import prepare, run, scenario_of
    from vanvault.recovery.pipeline import Effort
    from vanvault.recovery.verify.model import Share

    chosen = scenario_of(scenario)
    with open_archive(home) as archive:
        means = Means(
            share=Share.parse(share),
            samples=samples,
            seed=seed,
            effort=Effort(workers),
            bundle=bundle,
            key_shares=key_shares,
            max_skew=timedelta(seconds=archive.settings.clock.max_skew_s),
        )
        catch_up(archive)
        node = production(archive)
        plan = prepare(node, chosen, means, last_rate(archive.search))
        if not as_json or dry_run:
            _show_plan(plan, as_json)
        if dry_run:
            return ExitCode.OK
        finished = run(
            node,
            chosen,
            plan,
            means,
            scratch=scratch or home / "cache" / "drills",
            clock=archive.clock,
            operator=getpass.getuser(),
            approver=approver,
            say=(lambda _: None) if as_json else (lambda phase: click.echo(f"  {phase}", err=True)),
        )
        evidence, archived = _keep(archive, finished)
    if as_json:
        emit_json(_summary(finished, evidence, archived))
    else:
        _show(finished, evidence)
    return ExitCode.OK if finished.outcome.passed else ExitCode.CHECK_FAILED


def _keep(archive: Archive, finished: Finished) -> tuple[Path, bool]:
    """Sign, write and archive the evidence: where it lies, and whether the archive has it."""
    from vanvault.recovery.drill.bundle import FOLDER, bundle_files, write_bundle, zipped
    from vanvault.recovery.drill.record import archive_drill
    from vanvault.recovery.drill.report import parse_report, signed_report

    data = signed_report(finished, archive.signing.active())
    files = bundle_files(data)
    evidence = archive.home / FOLDER / finished.id
    write_bundle(evidence, files)
    try:
        archive_drill(archive, parse_report(data), data, zipped(files))
    except SiteUnavailable as error:
        warn(f"the evidence could not be archived: {error.message}")
        return evidence, False
    return evidence, True


def _show_plan(plan: DrillPlan, as_json: bool) -> None:
    from vanvault.recovery.drill.report import plan_fields

    if as_json:
        emit_json({"dry_run": True, **plan_fields(plan)})
        return
    expected = human_duration(plan.expected_s) if plan.expected_s is not None else "not measured yet"
    print_pairs(
        [
            ("drill", plan.scenario),
            ("from", plan.source or "nothing of production"),
            ("share", f"{plan.share}: {plan.todo.objects} of {plan.total.objects} objects,"
             f" {human_size(plan.todo.bytes)} of {human_size(plan.total.bytes)}"),
            ("scratch", human_size(plan.scratch_bytes)),
            ("recovery of everything", f"{expected} (target: {human_duration(plan.target_s)})"),
        ]
    )  # fmt: skip


def _show(finished: Finished, evidence: Path) -> None:
    outcome = finished.outcome
    rows = [
        (phase.name, human_duration(phase.seconds), str(phase.extent.objects or ""),
         human_size(phase.extent.bytes) if phase.extent.bytes else "", "" if phase.counts else "not counted")
        for phase in outcome.phases
    ]  # fmt: skip
    print_table(("phase", "time", "objects", "bytes", ""), rows)
    for failure in outcome.failures:
        click.echo(f"failed: {failure}")
    click.echo(
        f"{finished.scenario.name} {'passed' if outcome.passed else 'FAILED'}:"
        f" recovery {human_duration(outcome.rto_s)}"
        + (f" (everything: {human_duration(outcome.rto_whole_s)})" if finished.plan.share != "1/1" else "")
        + f", {outcome.loss.messages} messages lost, {len(outcome.samples)} samples compared"
    )
    click.echo(f"evidence: {evidence}")


def _summary(finished: Finished, evidence: Path, archived: bool) -> dict[str, Any]:
    outcome = finished.outcome
    return {
        "scenario": finished.scenario.name,
        "passed": outcome.passed,
        "rto_seconds": round(outcome.rto_s, 3),
        "rto_whole_seconds": round(outcome.rto_whole_s, 3),
        "rpo_messages": outcome.loss.messages,
        "evidence": str(evidence),
        "id": finished.id,
        "archived": archived,
        "failures": list(outcome.failures),
        "alarms": {"expected": len(outcome.alarms_expected), "missing": len(outcome.alarms_missing)},
    }
