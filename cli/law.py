"""``vanvault law``: the table of legal duties."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.cli.output import emit_json, json_option

if TYPE_CHECKING:
    from vanvault.archiver.core.law import LegalDuty


@click.command("law")
@click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Only what is known to be in force on this day.",
)
@click.option("--lang", type=click.Choice(["en", "vi"]), default="en", show_default=True, help="Language.")
@json_option
def command(on: datetime | None, lang: str, as_json: bool) -> ExitCode:
    """List what the law asks for: each duty with its text, clause, dates, and how it is known.

    No full text was read when this table was made; ask counsel before relying on it. Profiles and reports
    take their figures from it. Needs no home.
    """
    from vanvault.archiver.core.law import duties

    found = duties(on=on.date() if on else None)
    if as_json:
        emit_json({"on": on.date().isoformat() if on else None, "duties": [duty.as_json() for duty in found]})
        return ExitCode.OK
    for duty in found:
        _show(duty, lang)
    if not found:
        click.echo("No text of the table is known to be in force on this day.")
    return ExitCode.OK


def _show(duty: LegalDuty, language: str) -> None:
    since = duty.since.isoformat() if duty.since else ("chưa rõ" if language == "vi" else "not known")
    until = duty.until.isoformat() if duty.until else "..."
    click.echo(f"{duty.name}  [{since} - {until}]")
    click.echo(f"  {duty.words(language)}")
    click.echo(f"  {duty.citation(language)}")
    label, shown = ("đáp ứng bởi", "minh chứng") if language == "vi" else ("met by", "shown by")
    click.echo(f"  {label}: {duty.met.words(language)}")
    if duty.met.evidence:
        click.echo(f"  {shown}: {', '.join(duty.met.evidence)}")
    if limits := duty.text.limits(language):
        click.echo(f"  {limits}")
