"""``vanvault report``: what is told about a month, a quarter or half a year."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.context import catch_up, looking, open_archive
from vanvault.cli.output import (
    emit_json,
    emit_pretty,
    json_option,
    print_pairs,
    print_table,
    signature_told,
    warn,
)
from vanvault.cli.person import who_at
from vanvault.cli.progress import Terminal

if TYPE_CHECKING:
    from vanvault.recovery.reports import DueReport, KeptReport

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """Report on accounts, their review, the operation, and why personal data is kept."""


@command.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--period",
    required=True,
    metavar="P",
    help="2026-10, 2026-Q3, 2026-H1; or 10/2026 ...",
)
@click.option("--full", is_flag=True, help="Of accounts: list all, also when it is not the first.")
@json_option
@click.pass_obj
def make(home: Path, name: str, period: str, full: bool, as_json: bool) -> ExitCode:
    """Make the report NAME: accounts, review, operation or personal-data.

    HTML, PDF, CSV and JSON, in both languages. It is signed and archived, and lies in reports/ of the home.
    Of a period that is not over it is provisional. Ends with 3 when a part of the record could not be read:
    the report says so.
    """
    from vanvault.recovery.reports import ReportRequest, make_report

    with open_archive(home) as archive:
        request = ReportRequest(name, period, full=full, who=who_at(archive))
        kept = make_report(archive, request, Terminal(quiet=as_json))
    if as_json:
        emit_json(kept.as_json())
    else:
        _show(kept)
    return kept.exit_code


@command.command("list")
@json_option
@click.pass_obj
def list_(home: Path, as_json: bool) -> None:
    """List the reports that were made, the newest first."""
    from vanvault.recovery.reports import reports_on_record

    with open_archive(home) as archive:
        found = reports_on_record(archive, Terminal(quiet=as_json))
    if as_json:
        emit_json({"reports": [one.as_json() for one in found]})
    elif found:
        rows = [
            (
                one.id,
                one.name,
                one.period.name,
                rfc3339_seconds(one.at),
                one.who,
                _state(one.complete),
            )
            for one in found
        ]
        print_table(("id", "report", "period", "made", "by", ""), rows)
    else:
        click.echo("no report", err=True)


@command.command()
@click.argument("report")
@click.option("--verify", is_flag=True, help="Check the signature, and the files beside the report.")
@click.option("--public-key", "public_keys", type=_FILE, multiple=True, metavar="FILE",
              help="Trust this key (PEM) instead of the home's own; may be repeated.")  # fmt: skip
@json_option
@click.pass_obj
def show(home: Path, report: str, verify: bool, public_keys: tuple[Path, ...], as_json: bool) -> None:
    """Show a report: REPORT is its id, or the path of its files. This is a look, and goes on record.

    Where the home has no files of it, the archive's copy is shown.

    With --verify it ends with 3 when the report or a file beside it was changed, or another signed it.
    """
    from vanvault.recovery.reports import report_evidence

    with open_archive(home) as archive, looking(archive, "display", {"report": report}) as look:
        catch_up(archive)
        found = report_evidence(archive, report, verify=verify, public_keys=public_keys)
        look.shows(count=1)
    if as_json:
        emit_json({"verified": verify, "report": found})
        return
    emit_pretty(found)
    state = _state(found["complete"])
    checked = signature_told(found, verified=verify)
    click.echo(f"{found['name']} {found['period']}: {state}, {checked}", err=True)


@command.command()
@click.option("--make", "make_them", is_flag=True, help="Make those whose period is over, first.")
@json_option
@click.pass_obj
def due(home: Path, make_them: bool, as_json: bool) -> ExitCode:
    """List which reports are due, before which day, and which are overdue."""
    from vanvault.recovery.reports import reports_due

    with open_archive(home) as archive:
        found = reports_due(archive, Terminal(quiet=as_json), make=make_them, who=who_at(archive))
    if as_json:
        emit_json(found.as_json())
    else:
        columns = ("report", "period", "before", "state", "made as")
        print_table(columns, [_due_row(one) for one in found.due])
    for one in found.due:
        if one.state == "overdue":
            warn(
                f"the report {one.name} of {one.period.name} is overdue; run: vanvault report make {one.name}"
                f" --period {one.period.name}"
            )
    return found.exit_code


def _state(complete: bool) -> str:
    return "complete" if complete else "PROVISIONAL"


def _due_row(one: DueReport) -> tuple[str, ...]:
    state = one.state.upper() if one.state == "overdue" else one.state
    return (one.name, one.period.name, one.before.isoformat(), state, one.made.id if one.made else "")


def _show(kept: KeptReport) -> None:
    from vanvault.recovery.reports import figures_told

    report = kept.report
    print_pairs(figures_told(report["figures"], "en"))
    state = _state(report["complete"])
    click.echo(f"{report['name']} {report['period']}: {state}, signed and archived as {report['id']}")
    click.echo(f"files: {kept.folder}")
