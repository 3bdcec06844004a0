"""``vanvault drill``: rehearse a recovery, keep the evidence, and know when the next is due."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.output import (
    emit_json,
    emit_pretty,
    human_duration,
    human_size,
    json_option,
    print_pairs,
    print_table,
    signature_told,
    warn,
)
from vanvault.cli.progress import watched_terminal
from vanvault.cli.subset import subset_option

if TYPE_CHECKING:
    from vanvault.recovery.drill import DrillPlan, DrillReport, DrillStanding

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_EVERY = re.compile(r"([1-9][0-9]{0,3})d")


@click.group()
def command() -> None:
    """Rehearse a recovery in isolation, keep signed evidence of it, and know when the next is due."""


@command.command("run")
@click.argument("scenario")
@subset_option("Recover the Nth of T parts.")
@click.option("--samples", type=click.IntRange(1, 1000), default=24, show_default=True,
              help="Entries to compare before and after.")  # fmt: skip
@click.option("--seed", default="", help="Decides the samples; without it, the drill's id does.")
@click.option("--approver", default="", metavar="NAME", help="Who approved the drill, for the report.")
@click.option("--scratch", type=_FOLDER, help="Folder with room for the copy; by default in the home.")
@click.option(
    "--bundle", type=_FILE, metavar="FILE", help="The sealed escrow bundle, of keys that are to come back."
)
@click.option("--shares", "key_shares", type=_FILE, multiple=True, metavar="FILE",
              help="A share that opens the bundle; once for each.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Objects at once.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@json_option
@click.pass_obj
def run_drill(
    home: Path,
    scenario: str,
    subset: str,
    old_subset: str | None,
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
    from vanvault.recovery.drill import DrillRequest, Escrowed, PlannedDrill, drill
    from vanvault.recovery.running import RunningVerb
    from vanvault.recovery.verified import Subset
    from vanvault.recovery.work import account

    request = DrillRequest(
        scenario=scenario,
        subset=Subset.parse(old_subset or subset),
        samples=samples,
        seed=seed,
        approver=approver,
        scratch=scratch,
        escrowed=Escrowed(bundle, key_shares),
        workers=workers,
        dry_run=dry_run,
        who=account(),
    )
    running = RunningVerb("drill", scenario, request.who)
    with open_archive(home) as archive, watched_terminal(archive, running, quiet=as_json) as observer:

        def planned(plan: DrillPlan) -> None:
            observer.expects(plan.expected_s)
            if not as_json:
                _show_plan(plan)

        def say(phase: str) -> None:
            observer.phase(phase)
            if not as_json:
                click.echo(f"  {phase}", err=True)

        done = drill(archive, request, observer, on_plan=planned, say=say)
    if as_json:
        emit_json(done.as_json())
    elif not isinstance(done, PlannedDrill):
        _show(done)
    return done.exit_code


@command.command("list")
@json_option
@click.pass_obj
def list_drills(home: Path, as_json: bool) -> None:
    """List the scenarios: the last run of each, its result, and when the next is due."""
    from vanvault.recovery.drill import standings

    with open_archive(home) as archive:
        complete = catch_up(archive)
        now = archive.clock.now()
        found = standings(archive.search)
    late = [standing.scenario for standing in found if standing.overdue(now)]
    if as_json:
        drills = [one.as_json(now) for one in found]
        emit_json({"drills": drills, "overdue": late, "partial": not complete})
        return
    columns = ("scenario", "last run", "result", "recovery", "lost", "due")
    print_table(columns, [_standing_row(one, overdue=one.overdue(now)) for one in found])
    for name in late:
        warn(f"the drill {name} is overdue; run: vanvault drill run {name}")


@command.command("show")
@click.argument("drill")
@click.option("--verify", is_flag=True, help="Check the signature; works without the archive's sites.")
@click.option("--public-key", "public_keys", type=_FILE, multiple=True, metavar="FILE",
              help="Trust this key (PEM) instead of the home's own; may be repeated.")  # fmt: skip
@json_option
@click.pass_obj
def show_drill(home: Path, drill: str, verify: bool, public_keys: tuple[Path, ...], as_json: bool) -> None:
    """Show the report of a drill: DRILL is its id, or the path of its evidence.

    With --verify it ends with 3 when the report, or a page beside it, was changed, or another signed it.
    """
    from vanvault.recovery.drill import drill_evidence

    report = drill_evidence(home, drill, verify=verify, public_keys=public_keys)
    if as_json:
        emit_json({"verified": verify, "report": report})
    else:
        emit_pretty(report)
        click.echo(_verdict(report) + f", {signature_told(report, verified=verify)}", err=True)


@command.command("schedule")
@click.argument("scenario")
@click.option("--every", metavar="DAYS", help="Such as 90d: pass it at least so often.")
@click.option("--off", is_flag=True, help="It is no longer due.")
@json_option
@click.pass_obj
def schedule(home: Path, scenario: str, every: str | None, off: bool, as_json: bool) -> None:
    """Put on record how often SCENARIO has to be passed; one that is overdue is an alarm.

    Due is counted from the last run that passed. vanvault drill list and status name what is overdue.
    """
    from vanvault.recovery.drill import schedule_drill
    from vanvault.recovery.work import account

    days = _days(every, off)
    with open_archive(home) as archive:
        detail = schedule_drill(archive, scenario, days, who=account())
    if as_json:
        emit_json(detail)
    elif days:
        click.echo(f"{scenario} is due {days} days after each run that passes.")
    else:
        click.echo(f"{scenario} is no longer due.")


def _days(every: str | None, off: bool) -> int:
    if off != (every is None):
        raise InvalidInput("give either --every or --off", field="every")
    if every is None:
        return 0
    match = _EVERY.fullmatch(every)
    if match is None:
        raise InvalidInput("--every is a number of days, such as 90d", field="every")
    return int(match[1])


def _verdict(report: dict[str, Any]) -> str:
    return f"{report['scenario']} {'passed' if report['passed'] else 'FAILED'}"


def _standing_row(standing: DrillStanding, *, overdue: bool) -> tuple[str, ...]:
    last = standing.last
    due = rfc3339_seconds(standing.due_at) if standing.due_at else "not scheduled"
    if overdue:
        due += " OVERDUE"
    if last is None:
        return (standing.scenario, "never", "", "", "", due)
    return (
        standing.scenario,
        rfc3339_seconds(last.finished_at),
        "passed" if last.passed else "FAILED",
        human_duration(last.rto_ms / 1000),
        _lost(last.rpo_messages, last.later_messages),
        due,
    )


def _lost(messages: int | None, later: int) -> str:
    """What a copy that is made from time to time cannot hold is told apart: the target is not for that."""
    if messages is None:
        return "not known"
    return f"{messages - later}" + (f" (and {later} that came after the copy was made)" if later else "")


def _show_plan(plan: DrillPlan) -> None:
    expected = human_duration(plan.expected_s) if plan.expected_s is not None else "not measured yet"
    print_pairs(
        [
            ("drill", plan.scenario),
            ("from", plan.source or "nothing of production"),
            ("share", f"{plan.subset}: {plan.todo.objects} of {plan.total.objects} objects,"
             f" {human_size(plan.todo.bytes)} of {human_size(plan.total.bytes)}"),
            ("scratch", human_size(plan.scratch_bytes)),
            ("recovery of everything", f"{expected} (target: {human_duration(plan.target_s)})"),
        ]
    )  # fmt: skip


def _show(done: DrillReport) -> None:
    finished = done.finished
    outcome = finished.outcome
    rows = [
        (phase.name, human_duration(phase.seconds), str(phase.extent.objects or ""),
         human_size(phase.extent.bytes) if phase.extent.bytes else "", "" if phase.counts else "not counted")
        for phase in outcome.phases
    ]  # fmt: skip
    print_table(("phase", "time", "objects", "bytes", ""), rows)
    for failure in outcome.failures:
        click.echo(f"failed: {failure}")
    loss = outcome.loss
    for one in loss.named if loss else ():
        click.echo(
            f"lost{' (after the copy)' if one.later else ''}: {one.entry} {one.client_id} of {one.gateway}"
        )
    if loss and loss.unnamed:
        click.echo(f"lost: {loss.unnamed} more entries")
    lost = _lost(outcome.rpo_messages, loss.later_messages if loss else 0)
    click.echo(
        f"{finished.scenario.name} {'passed' if outcome.passed else 'FAILED'}:"
        f" recovery {human_duration(outcome.rto_s)}"
        + (f" (everything: {human_duration(outcome.rto_whole_s)})" if finished.plan.subset != "1/1" else "")
        + f", messages lost: {lost}, {len(outcome.samples)} samples compared"
    )
    for name, seconds in outcome.reached_whole.items():
        if seconds is not None:
            click.echo(f"until {name.replace('_', ' ')}: {human_duration(seconds)}")
    click.echo(f"evidence: {done.evidence}")
