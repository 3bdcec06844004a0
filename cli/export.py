"""``vanvault export``: take entries, originals and receipts out of the archive, on record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.cli.context import looking, open_archive
from vanvault.cli.output import emit_json, human_size, json_option, warn
from vanvault.cli.person import who_at
from vanvault.cli.progress import progress
from vanvault.cli.query_options import TIMES, query_options
from vanvault.cli.requester import approved

if TYPE_CHECKING:
    from vanvault.archiver.export import ExportReport, ExportSurvey

#: Unreadable originals that people are shown; the manifest and ``--json`` name all.
_SHOWN = 50


@click.command()
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PATH",
    help="The file to write; it must not exist.",
)
@click.option(
    "--format",
    "format_name",
    required=True,
    metavar="FORMAT",
    help="csv, ndjson, parquet, or zip.",
)
@click.option("--reason", default="", metavar="TEXT", help="Why; it goes on record in the archive. Required.")
@query_options(TIMES)
@json_option
@click.pass_obj
def command(
    home: Path,
    /,
    output: Path,
    format_name: str,
    reason: str,
    as_json: bool,
    **given: str | None,
) -> ExitCode:
    """Take what a search finds out of the archive: all of it, oldest first.

    It is put on record before the first byte is written, so both sites must be there. An export that was
    interrupted goes on when the same command is given again; a finished one is never replaced. Ends with
    3 when something could not be read at any site; the manifest names it. What leaves is not encrypted.
    """
    from vanvault.archiver.core.asked_times import exact_times
    from vanvault.archiver.export import HomeExport, export, parse_request
    from vanvault.archiver.home_files import load_settings

    parameters = [(name.removeprefix("query_"), value) for name, value in given.items() if value is not None]
    exactly = exact_times(parameters, load_settings(home).search.calendar())
    request = parse_request(exactly, format=format_name, reason=reason)
    asked = {**dict(parameters), **dict(exactly), "format": request.format}
    with open_archive(home) as archive, looking(archive, "export", asked, purpose=request.reason) as look:

        def ask(survey: ExportSurvey) -> None:
            if request.format == "zip":  # the one with originals
                approved(archive, "export-originals", survey.bound(request))

        host = HomeExport(archive, lambda survey: look.shows(survey.ids, survey.entries), ask)
        with progress("exporting", quiet=as_json) as step:
            report = export(archive, request, output.absolute(), who=who_at(archive), step=step, host=host)
    if as_json:
        emit_json(report.as_dict())
    else:
        _show(report)
    return ExitCode.CHECK_FAILED if report.unreadable else ExitCode.OK


def _show(report: ExportReport) -> None:
    for entry in report.unreadable[:_SHOWN]:
        warn(f"{entry['reason']} at every site: {entry.get('id') or entry['object']}")
    if len(report.unreadable) > _SHOWN:
        warn(f"and {len(report.unreadable) - _SHOWN} more; the manifest names all")
    counts = report.state.counts
    originals = f", {counts.originals} originals" if report.manifest_path is None else ""
    click.echo(
        f"{report.output}: {counts.messages} messages, {counts.events} events{originals},"
        f" {human_size(report.bytes)}, sha256 {report.sha256}"
    )
