"""``vanvault keys revoke | accept | exposed``: what to do about a key that somebody else holds."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from vanvault.archiver.core.errors import InvalidInput
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, json_option, print_pairs, print_table
from vanvault.cli.progress import Terminal

if TYPE_CHECKING:
    from vanvault.recovery.custody import TrustReport

#: Writers that are named for people; ``--json`` names all.
_SHOWN = 20

_reason = click.option("--reason", required=True, metavar="TEXT", help="Why; it goes on record.")
_yes = click.option("--yes", is_flag=True, help="Yes, do it; without it, say only what would be done.")


@click.command("revoke")
@click.argument("key_id", metavar="KEY")
@_reason
@click.option(
    "--stolen-since", metavar="TIME", help="From when on somebody else may have had it. Not given: always."
)
@click.option(
    "--by-stores",
    is_flag=True,
    help="What every site held before that time stands, too, by the stores' own clocks.",
)
@_yes
@json_option
@click.pass_obj
def revoke(
    home: Path, key_id: str, reason: str, stolen_since: str | None, by_stores: bool, yes: bool, as_json: bool
) -> int:
    """Believe a stolen signing key no more, but for what surely was written before.

    KEY is the id of a signing key: vanvault keys list. What another trusted key named before the theft
    stands, and everything that this names; the rest is set aside until vanvault keys accept. The active key
    is rotated first. Both sites must be up. Restart the nodes and split the keys anew afterwards.
    """
    from vanvault.recovery.custody import RevokeRequest, revoke_key
    from vanvault.recovery.work import account

    request = RevokeRequest(key_id, reason, account(), _time(stolen_since, "stolen-since"), by_stores, yes)
    with open_archive(home) as archive:
        report = revoke_key(archive, request, Terminal(quiet=as_json))
    return _show(report, as_json)


@click.command("accept")
@click.argument("key_id", metavar="KEY")
@_reason
@click.option("--object", "objects", multiple=True, metavar="OBJECT", help="An object; once for each.")
@click.option(
    "--writer", "writers", multiple=True, metavar="ID", help="All of a writer or segment; repeatable."
)
@click.option("--named", is_flag=True, help="What trusted keys have named since the revocation.")
@click.option("--all", "everything", is_flag=True, help="All that waits: the key was not stolen after all.")
@_yes
@json_option
@click.pass_obj
def accept(
    home: Path,
    key_id: str,
    reason: str,
    objects: tuple[str, ...],
    writers: tuple[str, ...],
    named: bool,
    everything: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Let objects of a revoked signing key stand that wait since then.

    With an object its whole chain before it is accepted, and its large objects. Compare with what you know of
    your nodes, and with the receipts that gateways hold: whoever stole the key could sign anything.
    """
    from vanvault.recovery.custody import AcceptRequest, accept_objects
    from vanvault.recovery.work import account

    request = AcceptRequest(key_id, reason, account(), objects, writers, named, everything, yes)
    with open_archive(home) as archive:
        report = accept_objects(archive, request, Terminal(quiet=as_json))
    return _show(report, as_json)


@click.command("exposed")
@click.option("--key", "master", default="", metavar="MASTER", help="A disclosed master key: originals/2.")
@click.option("--object", "object_key", default="", metavar="OBJECT", help="Its data key was disclosed.")
@click.option("--from", "from_", metavar="TIME", help="Entries received at or after this time.")
@click.option("--to", metavar="TIME", help="Entries received before this time.")
@click.option(
    "--list", "listed", type=click.File("w", encoding="utf-8", lazy=True), metavar="FILE",
    help="Write every entry there, one JSON object a line.",
)  # fmt: skip
@json_option
@click.pass_obj
def exposed(
    home: Path,
    master: str,
    object_key: str,
    from_: str | None,
    to: str | None,
    listed: TextIO | None,
    as_json: bool,
) -> None:
    """Which entries somebody can read who holds a master key, or the data key of one object.

    Counts entries by gateway and day, and lists their ids. That it was asked goes on record first.
    """
    import orjson

    from vanvault.archiver.core.times import to_us
    from vanvault.recovery.custody import ExposedEntry, ExposedRequest
    from vanvault.recovery.custody import exposed as find_exposed
    from vanvault.recovery.work import account

    def write(one: ExposedEntry) -> None:
        if listed is not None:
            listed.write(orjson.dumps(one.as_json()).decode() + "\n")

    begin, end = _time(from_, "from"), _time(to, "to")
    request = ExposedRequest(
        account(),
        master,
        object_key,
        to_us(begin) if begin is not None else 0,
        to_us(end) if end is not None else 2**53 - 1,
    )
    with open_archive(home) as archive:
        found = find_exposed(archive, request, write, Terminal(quiet=as_json)).as_json()
    if as_json:
        emit_json(found)
        return
    names = ("key", "objects", "entries", "messages", "events", "originals", "unreadable")
    print_pairs([(name, found[name]) for name in names])
    print_table(("gateway", "entries"), [(name, str(count)) for name, count in found["gateways"].items()])
    print_table(("day", "entries"), [(day, str(count)) for day, count in found["days"].items()])


def _time(text: str | None, field: str) -> datetime | None:
    from vanvault.archiver.core.times import parse_rfc3339

    if text is None:
        return None
    if len(text) == 10:
        raise InvalidInput(f"{field} needs a time of day", field=field, hint="2026-11-22T22:00:00+07:00")
    return parse_rfc3339(text, field=field)


def _show(report: TrustReport, as_json: bool) -> int:
    if as_json:
        emit_json(report.as_json())
    else:
        pairs: list[tuple[str, object]] = [
            ("key", report.key_id),
            ("stands" if report.act == "revoke" else "accepted", f"{report.stands} objects"),
            ("waits", f"{report.waits} objects"),
        ]
        if report.withdrawn:
            pairs.append(("withdrawn", f"{report.withdrawn} segments of other keys with rows of what waits"))
        if report.unreadable:
            pairs.append(("unreadable", f"{report.unreadable} objects: what they name is not known"))
        pairs += [("signs now", report.active), ("record", report.record or "-")]
        print_pairs(pairs)
        rows = [(writer, str(objects)) for writer, objects in report.waiting[:_SHOWN]]
        if rows:
            print_table(("writer or segment", "objects that wait"), rows)
        if len(report.waiting) > _SHOWN:
            click.echo(f"and {len(report.waiting) - _SHOWN} more; --json gives all")
    if not report.done:
        raise InvalidInput(
            "Nothing was done: this says only what would be.", field="yes", hint="Run it again with --yes."
        )
    if not as_json:
        click.echo("Next: restart the nodes, vanvault verify, and a new escrow: vanvault keys escrow split")
    return 0
