"""``vanvault show``: an entry made readable for people, beside its original."""

from __future__ import annotations

from pathlib import Path

import click

from vanvault.cli.context import looking, open_archive
from vanvault.cli.files import write_whole
from vanvault.cli.lookup import find_entry
from vanvault.cli.output import emit_json, human_size, json_option

_STDOUT = Path("-")


@click.command()
@click.argument("entry_id", metavar="ID")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Write it as one HTML page that needs nothing else; '-' is stdout.",
)
@click.option("--lang", type=click.Choice(["en", "vi"]), default="en", show_default=True, help="Language.")
@click.option("--purpose", default="", metavar="TEXT", help="Why you look at it; it goes on record.")
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@json_option
@click.pass_obj
def command(
    home: Path, entry_id: str, html: Path | None, lang: str, purpose: str, force: bool, as_json: bool
) -> None:
    """Show what a message says: its envelope, the forms inside its base64, notices, claims, log lines.

    A reading never stands in place of the original, whose SHA-256 it names: get fetches that. Signatures are
    named and not checked; PDF, DOCX and other files are named with size and digest. It is a look at the
    original, and on record before anything is shown.
    """
    from vanvault.archiver.core.errors import InvalidInput
    from vanvault.archiver.core.readable import html_page_of, text_page
    from vanvault.recovery.shown import reading_of

    if as_json and html == _STDOUT:
        raise InvalidInput("--json and the page cannot both be on stdout", field="html")
    asked = {"id": entry_id, "as": "reading"}
    with open_archive(home) as archive, looking(archive, "original", asked, purpose=purpose) as look:
        item = find_entry(archive, entry_id)
        reading = reading_of(archive, item, "vi" if lang == "vi" else "en")
        look.shows([entry_id])
    if html == _STDOUT:
        click.echo(html_page_of(reading), nl=False)
        return
    if html is not None:
        page = html_page_of(reading).encode()
        write_whole(html, page, replace=force)
        click.echo(f"{html}  {human_size(len(page))}  of the original sha256 {reading.of.sha256}", err=True)
    if as_json:
        emit_json(reading.as_json())
    elif html is None:
        click.echo(text_page(reading), nl=False)
