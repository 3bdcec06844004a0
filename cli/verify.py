"""``vanvault verify``: read everything back and name what is not whole."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.cli.context import open_archive
from vanvault.cli.loading import is_the_program, loading
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, print_table
from vanvault.cli.progress import watched_terminal
from vanvault.cli.subset import subset_option

if TYPE_CHECKING:
    from vanvault.recovery.verify import Finding, VerifyReport

#: Findings that people are shown; ``--json`` gives all.
SHOWN = 50


@click.command("verify")
@click.option("--site", "sites", multiple=True, metavar="NAME", help="Only this site; may be repeated.")
@subset_option("Read the Nth of T equal parts; names, presence and chains are checked whole each time.")
@click.option("--next", "take_turn", is_flag=True, help="Read the subset that was read longest ago.")
@click.option("--no-record", is_flag=True, help="Write nothing: the run does not count as a verification.")
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Objects at once.")
@json_option
@click.pass_obj
def command(
    home: Path,
    sites: tuple[str, ...],
    subset: str,
    old_subset: str | None,
    take_turn: bool,
    no_record: bool,
    workers: int,
    as_json: bool,
) -> int:
    """Re-read every object at both sites and name what is not whole.

    The run is put on record in the archive. Exits 0 only when all is whole, 3 when it is not, 7 when a master
    key is missing or wrong.
    """
    with loading():
        from vanvault.archiver.worker_origin import load_without_threads

        load_without_threads()  # first: workers are forked from this process
        from vanvault.recovery.running import RunningVerb
        from vanvault.recovery.verified import Subset
        from vanvault.recovery.verify import VerifyRequest, verify
        from vanvault.recovery.work import EarlyWorkers, account

    part = Subset.parse(old_subset or subset)
    if take_turn and (sites or not part.is_whole):
        raise click.UsageError("--next goes with neither --site nor --subset.")
    request = VerifyRequest(
        sites=sites,
        subset=part,
        take_turn=take_turn,
        on_record=not no_record,
        workers=workers,
        who=account(),
    )
    running = RunningVerb("verify", "--next" if take_turn else str(request.subset), request.who)
    with (
        EarlyWorkers() if is_the_program() else nullcontext() as early,
        open_archive(home) as archive,
        watched_terminal(archive, running, quiet=as_json) as observer,
    ):
        done = verify(archive, request, observer, early=early)
    if as_json:
        emit_json(done.as_json())
    else:
        show(done.report)
    return done.exit_code


def show(report: VerifyReport) -> None:
    """The report for people."""
    show_findings(report.findings)
    speed = f", {human_size(round(report.bytes / report.seconds))}/s" if report.seconds >= 1 else ""
    click.echo(
        f"{'whole' if report.whole else 'NOT WHOLE'}: {report.objects} objects, {report.messages} messages,"
        f" {report.events} events, {human_size(report.bytes)} read at {', '.join(report.sites)}"
        f" in {human_duration(report.seconds)}{speed}"
    )
    if report.harmed:
        click.echo(
            "hint: vanvault repair copies from the good site; vanvault restore rebuilds an absent one."
        )
    elif not report.whole:
        click.echo(
            "hint: the archive's own objects are whole. What is named above is not the archive's: nothing"
            " reads, believes or copies it, and no repair removes it. Find out who wrote it: runbooks"
            " objects-damaged and signing-key-stolen."
        )


def show_findings(findings: Sequence[Finding]) -> None:
    """The first of them as a table."""
    if not findings:
        return
    print_table(
        ("problem", "site", "object", "detail"),
        [
            (
                finding.problem if finding.failing else f"({finding.problem})",
                finding.site,
                finding.key,
                finding.detail,
            )
            for finding in findings[:SHOWN]
        ],
    )
    if len(findings) > SHOWN:
        click.echo(f"and {len(findings) - SHOWN} more; --json gives all")
