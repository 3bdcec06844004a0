"""``vanvault extract``: data for an authority, by official letter and form, approved by others, once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.machine import raise_limit
from vanvault.cli.context import catch_up, looking, open_archive
from vanvault.cli.files import write_whole
from vanvault.cli.output import emit_json, human_size, json_option, print_pairs, print_table, shown, warn
from vanvault.cli.progress import progress
from vanvault.cli.query_options import TIMES, query_options
from vanvault.cli.requester import requester_of

if TYPE_CHECKING:
    from vanvault.recovery.extraction import RunExtraction

_RANGE = {
    **TIMES,
    "to": "Received before this time; of a date alone, before that day; by default before now.",
}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUTPUT = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """Extract data for an authority: by official letter and form, approved by others, once."""


@command.command("request")
@click.option("--scan", required=True, type=_FILE, metavar="FILE",
              help="The scan of the letter (PDF, PNG, JPEG or TIFF); it is archived.")  # fmt: skip
@click.option("--letter-number", required=True, metavar="TEXT", help="Its number, such as 123/TTr-BHXH.")
@click.option("--letter-day", required=True, metavar="DATE", help="Its date, such as 2026-11-27.")
@click.option("--letter-agency", required=True, metavar="TEXT", help="The agency that issued it.")
@click.option("--field", "fields", multiple=True, required=True, metavar="NAME",
              help="A field that the letter asks for; once for each. original: the message.")  # fmt: skip
@click.option("--purpose", required=True, metavar="TEXT", help="What the data is for.")
@click.option("--recipient", required=True, metavar="TEXT", help="Who is handed the data.")
@click.option("--recipient-agency", default="", metavar="TEXT", help="By default the letter's agency.")
@click.option("--until", required=True, metavar="DATE", help="The last day on which it is given out.")
@click.option("--copy", "copies", multiple=True, metavar="KIND",
              help="A reading copy, marked as one: csv or pdf.")  # fmt: skip
@query_options(_RANGE)
@json_option
@click.pass_obj
def request(home: Path, /, scan: Path, as_json: bool, **given: Any) -> None:
    """Put the form on record with the scan of its letter, and ask others to approve it.

    The fields of a search say which entries; they are counted, and the count is part of what is approved.
    """
    from vanvault.recovery.extraction import HomeExtraction, ask_approval, ask_extraction

    told = _form(given)
    asked = told["filter"]
    with open_archive(home) as archive, looking(archive, "count", asked, purpose=told["purpose"]) as look:
        who = requester_of(archive)
        done = ask_extraction(
            HomeExtraction(archive), told, _read(scan), who.name, lambda count: look.shows((), count)
        )
        approval = ask_approval(archive, done.extraction, who)
        now = archive.clock.now()
    extraction = done.extraction
    if as_json:
        emit_json({**extraction.as_json(now), "already": done.already, "approval_request": approval})
        return
    state = "is on record already" if done.already else "is on record"
    click.echo(f"{extraction.id} {state}: {extraction.count} entries, form sha256 {extraction.form.digest}")
    click.echo(f"others must approve it: vanvault approval show {approval}", err=True)
    click.echo(f"then: vanvault extract run {extraction.id} --output PATH", err=True)


@command.command("list")
@json_option
@click.pass_obj
def list_(home: Path, as_json: bool) -> None:
    """List the extractions on record, the newest first."""
    from vanvault.recovery.extraction import known_extractions

    with open_archive(home) as archive:
        complete = catch_up(archive)
        known, now = known_extractions(archive), archive.clock.now()
    _warn_lacking(known.lacking)
    if as_json:
        told = [one.as_json(now) for one in known]
        emit_json({"extractions": told, "partial": not complete or bool(known.lacking)})
        return
    rows = [
        (one.id, one.state(now), one.form.letter.number, one.form.recipient.agency, str(one.count),
         one.form.until.isoformat())
        for one in known
    ]  # fmt: skip
    if rows:
        print_table(("extraction", "state", "letter", "for", "entries", "until"), rows)
    else:
        click.echo("no extraction was asked for", err=True)


@command.command("show")
@click.argument("extraction_id", metavar="ID")
@json_option
@click.pass_obj
def show(home: Path, extraction_id: str, as_json: bool) -> None:
    """Show one extraction whole: its form, its approval, what was given out, and to whom."""
    from vanvault.recovery.extraction import known_extractions

    with open_archive(home) as archive:
        catch_up(archive)
        known = known_extractions(archive)
        told = known.get(extraction_id).as_json(archive.clock.now())
    _warn_lacking(known.lacking)
    if as_json:
        emit_json(told)
    else:
        print_pairs([(name, shown(value)) for name, value in _lines(told)])


@command.command("run")
@click.argument("extraction_id", metavar="ID")
@click.option("--output", "-o", required=True, type=_OUTPUT, metavar="PATH",
              help="The ZIP to write; it must not exist.")  # fmt: skip
@json_option
@click.pass_obj
def run(home: Path, extraction_id: str, output: Path, as_json: bool) -> ExitCode:
    """Write the file of an approved extraction: the fields of its form, and nothing else. Once.

    The entries are counted again, and put on record as looked at, before the first byte. What was interrupted
    goes on when the same command is given again. Ends with 12 while it is not approved, with 3 when something
    could not be read at any site. What leaves is not encrypted.
    """
    from vanvault.recovery.extraction import HomeExtraction, run_extraction

    asked = {"extraction": extraction_id}
    with open_archive(home) as archive, looking(archive, "extract", asked) as look:
        with progress("extracting", quiet=as_json) as step:
            host, who = HomeExtraction(archive), requester_of(archive)
            done = run_extraction(host, extraction_id, output, who, look.shows, step)
        now = archive.clock.now()
    if as_json:
        emit_json(done.as_json(now))
    else:
        _show(done)
    return ExitCode.CHECK_FAILED if done.unreadable else ExitCode.OK


@command.command("hand-over")
@click.argument("extraction_id", metavar="ID")
@click.option("--to", "received_by", required=True, metavar="NAME", help="Who takes the file.")
@click.option("--instead-because", default="", metavar="TEXT",
              help="Why it is not the recipient whom the form names.")  # fmt: skip
@click.option("--output", "-o", required=True, type=_FOLDER, metavar="DIR",
              help="Where the receipt is written, in both languages.")  # fmt: skip
@json_option
@click.pass_obj
def hand_over(
    home: Path, extraction_id: str, received_by: str, instead_because: str, output: Path, as_json: bool
) -> None:
    """Put on record who took the file now, and write the receipt of it as HTML and PDF."""
    from vanvault.recovery.extraction import HomeExtraction, hand_over, receipt_files

    with open_archive(home) as archive:
        who = requester_of(archive).name
        done = hand_over(HomeExtraction(archive), extraction_id, received_by, who, instead_because)
        now = archive.clock.now()
    files = []
    for name, data in receipt_files(done.extraction).items():
        path = output / f"{extraction_id}-{name}"
        write_whole(path, data)
        files.append(str(path))
    if as_json:
        emit_json({**done.extraction.as_json(now), "already": done.already, "files": files})
        return
    state = "was handed over already" if done.already else "is handed over"
    click.echo(f"{extraction_id} {state} to {shown(received_by.strip())}")
    for file in files:
        click.echo(file)


def _form(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options as the form's JSON values; the letter's digest is that of the scan."""
    filter = {
        name.removeprefix("query_"): value
        for name, value in given.items()
        if name.startswith("query_") and value is not None
    }
    return {
        "letter": {
            "number": given["letter_number"],
            "day": given["letter_day"],
            "agency": given["letter_agency"],
        },
        "fields": list(given["fields"]),
        "filter": filter,
        "purpose": given["purpose"],
        "recipient": {
            "name": given["recipient"],
            "agency": given["recipient_agency"] or given["letter_agency"],
        },
        "until": given["until"],
        "copies": list(given["copies"]),
    }


def _read(scan: Path) -> bytes:
    """No more of it than a scan may have, and a byte, so that a larger one is refused as such."""
    from vanvault.archiver.people.extraction import MOST_SCAN

    try:
        with scan.open("rb") as file:
            return file.read(MOST_SCAN + 1)
    except OSError as error:
        raise_limit(error)
        raise InvalidInput(f"the scan cannot be read: {error.strerror}", field="scan") from error


def _warn_lacking(lacking: tuple[str, ...]) -> None:
    for part in lacking:
        warn(f"a part of the record of extractions cannot be read: {part}")


def _lines(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    form, letter = told["form"], told["form"]["letter"]
    approval, ran, handed = told["approval"], told["ran"], told["handed_over"]
    lines = [
        ("extraction", told["extraction"]),
        ("state", told["state"]),
        ("letter", f"{letter['number']} of {letter['day']}, {letter['agency']}"),
        ("scan", f"{told['scan']}, sha256 {letter['scan_sha256']}"),
        ("purpose", form["purpose"]),
        ("filter", "; ".join(f"{name} = {value}" for name, value in form["filter"].items())),
        ("entries", f"{told['count']}, received before {told['before']}"),
        ("fields", ", ".join(form["fields"])),
        ("absent", ", ".join(told["absent"])),
        ("copies", ", ".join(form["copies"])),
        ("recipient", f"{form['recipient']['name']}, {form['recipient']['agency']}"),
        ("until", form["until"]),
        ("asked by", f"{told['who']} at {told['requested_at']}"),
        ("form sha256", told["form_sha256"]),
    ]
    if approval:
        lines.append(("approved by", f"{', '.join(approval['approved_by'])} ({approval['request']})"))
    if ran:
        lines.append(("ran", f"{ran['at']} by {ran['who']}: {ran['items']} entries, sha256 {ran['sha256']}"))
    if handed:
        to = f"to {handed['received_by']} by {handed['who']}"
        lines.append(("handed over", f"{handed['received_at']} {to}"))
    return [(name, str(value)) for name, value in lines if value]


def _show(done: RunExtraction) -> None:
    for entry in done.unreadable:
        warn(f"{entry['reason']} at every site: {entry.get('id') or entry['object']}")
    result = done.extraction.result
    assert result is not None  # noqa: S101 - it has run
    state = " was written already" if done.already else ""
    click.echo(
        f"{done.output}{state}: {result.items} entries, {human_size(result.bytes)}, sha256 {result.sha256}"
    )
    click.echo(f"then: vanvault extract hand-over {done.extraction.id} --to NAME --output DIR", err=True)
