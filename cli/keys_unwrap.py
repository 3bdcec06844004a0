"""``vanvault keys unwrap``: the data key of one object, or of all objects that hold a result."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Conflict, InvalidInput
from vanvault.archiver.core.machine import raise_limit
from vanvault.cli.context import catch_up, looking, open_archive
from vanvault.cli.output import emit_json, json_option, print_pairs, print_table, warn
from vanvault.cli.query_options import TIMES, exact, query_options
from vanvault.cli.requester import approved

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.recovery.custody import KeyBundlePlan, KeyBundleRequest

#: Objects that people are shown, those that open most first; ``--json`` gives all.
_SHOWN = 20
#: Bytes of a file of ids: more than a bundle may have.
_MOST_IDS_BYTES = 8 * 2**20


@click.command()
@click.argument("object_key", metavar="[OBJECT]", default="")
@click.option("--yes", is_flag=True, help="Yes, show it: whoever sees it can read this object for ever.")
@click.option(
    "--reason", default="", metavar="TEXT", help="Why; it goes on record. Required for a whole result."
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="For a whole result: the file for its keys, which must not exist.",
)
@click.option(
    "--ids",
    "ids_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The result is these entries: ids of the archive, one a line.",
)
@click.option("--rows-only", is_flag=True, help="Of segments the rows alone, and no originals.")
@query_options(TIMES)
@json_option
@click.pass_obj
def unwrap(
    home: Path,
    /,
    object_key: str,
    yes: bool,
    reason: str,
    output: Path | None,
    ids_file: Path | None,
    rows_only: bool,
    as_json: bool,
    **given: str | None,
) -> ExitCode:
    """Show the data key of one object, or of all that hold a result, for programs that read Parquet.

    OBJECT is a batch or a part of a segment, as a search names it. Without OBJECT, fields as in a search, or
    --ids, name a result, and --output takes the keys of exactly the objects that hold it. Keys open whole
    objects: what they open beyond the result is told first, and without --yes nothing else happens. The look
    goes on record before a key is shown, at one site at least; what is refused goes on record, too. A key of
    the purpose credentials is never shown.
    """
    parameters = [(name.removeprefix("query_"), value) for name, value in given.items() if value is not None]
    if object_key and (parameters or ids_file or output or rows_only):
        raise InvalidInput("an object and a result do not go together", field="object")
    if object_key:
        return _one(home, object_key, yes=yes, reason=reason.strip(), as_json=as_json)
    with open_archive(home) as archive:
        request = _request(archive, parameters, ids_file, reason, rows_only=rows_only)
        asked = _asked(archive, parameters, ids_file, request)
        return _result(archive, request, asked, output, yes=yes, as_json=as_json)


def _one(home: Path, object_key: str, *, yes: bool, reason: str, as_json: bool) -> ExitCode:
    from vanvault.archiver.export import unwrap_object

    # What no --yes would show is refused at once, with the reason.
    if not yes and not object_key.startswith("credentials/"):
        raise InvalidInput(
            "A data key is a secret that cannot be taken back, so it is shown only with --yes.",
            field="yes",
            hint=f"Run: vanvault keys unwrap {object_key} --yes. It goes on record in the archive.",
        )
    asked = {"object": object_key}
    with open_archive(home) as archive, looking(archive, "unwrap", asked, purpose=reason) as look:
        found = unwrap_object(archive, object_key)
        approved(archive, "key-unwrap", {"object": found.object, "reason": reason})
        look.shows()
    shown = {
        "object": found.object,
        "master": found.master,
        "key_base64": base64.b64encode(found.key).decode(),
        "key_hex": found.key.hex(),
    }
    if as_json:
        emit_json(shown)
    else:
        print_pairs(shown.items())
    return ExitCode.OK


def _request(
    archive: Archive,
    parameters: list[tuple[str, str]],
    ids_file: Path | None,
    reason: str,
    *,
    rows_only: bool,
) -> KeyBundleRequest:
    from vanvault.archiver.catalogue import Query
    from vanvault.recovery.custody import KeyBundleRequest, ids_of_lines

    if ids_file is not None:
        if parameters:
            raise InvalidInput("a list of ids and fields do not go together", field="ids")
        if ids_file.stat().st_size > _MOST_IDS_BYTES:
            raise InvalidInput(f"{ids_file} has more than {_MOST_IDS_BYTES} bytes", field="ids")
        ids = tuple(ids_of_lines(ids_file.read_text(encoding="utf-8-sig", errors="replace").splitlines()))
        return KeyBundleRequest(reason.strip(), None, ids, rows_only)
    if not parameters:
        raise InvalidInput(
            "name an object, or a result by at least one field",
            field="object",
            hint="vanvault keys unwrap OBJECT --yes, or --employer-code, --during and so on as in a search.",
        )
    query = Query.parse(exact(archive, parameters), archive.search.cursor_key)
    return KeyBundleRequest(reason.strip(), query, (), rows_only)


def _asked(
    archive: Archive, parameters: list[tuple[str, str]], ids_file: Path | None, request: KeyBundleRequest
) -> dict[str, str]:
    from vanvault.recovery.custody import result_digest

    if ids_file is not None:
        return {"ids": ids_file.name, "ids_sha256": result_digest(request.ids)}
    return {**dict(parameters), **dict(exact(archive, parameters))}


def _result(
    archive: Archive,
    request: KeyBundleRequest,
    asked: dict[str, str],
    output: Path | None,
    *,
    yes: bool,
    as_json: bool,
) -> ExitCode:
    from vanvault.recovery.custody import open_key_bundle, plan_key_bundle

    if output is not None and output.exists():
        raise Conflict(f"{output} is there already", hint="Name another file: keys replace nothing.")
    complete = catch_up(archive)
    if not yes or output is None:
        with looking(archive, "count", asked, purpose=request.reason) as look:
            plan = plan_key_bundle(archive, request)
            look.shows(count=len(plan.ids))
        _show(plan, as_json=as_json)
        raise InvalidInput(
            "No key was given: this says only what would be.",
            field="output" if yes else "yes",
            hint="A key cannot be taken back. Run it again with --yes and --output FILE.",
        )
    with looking(archive, "unwrap", asked, purpose=request.reason) as look:
        plan = plan_key_bundle(archive, request)
        bundle = open_key_bundle(archive, plan)
        approved(archive, "key-unwrap", {**plan.subject(), "result": asked})
        look.shows(plan.ids, objects=[one.object for one in plan.objects])
    _write(output, orjson.dumps(bundle, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    _show(plan, as_json=as_json)
    if not as_json:
        click.echo(f"{output}: keys of {len(plan.objects)} objects. Remove it when you are done.")
    return ExitCode.OK if complete and not plan.unread else ExitCode.CHECK_FAILED


def _write(path: Path, data: bytes) -> None:
    from vanvault.archiver.disk import create_file

    try:
        create_file(path, data)
    except FileExistsError as error:
        raise Conflict(f"{path} is there already", hint="Name another file: keys replace nothing.") from error
    except OSError as error:
        raise_limit(error)
        raise InvalidInput(f"{path} cannot be written: {error.strerror}", field="output") from error


def _short(name: str) -> str:
    """An object without the digests in its name: folder, writer or segment, number and kind."""
    head, _, rest = name.partition("-")
    return f"{head}.{rest.split('.')[1]}" if rest.count(".") == 2 else name


def _show(plan: KeyBundlePlan, *, as_json: bool) -> None:
    for one in plan.unread:
        warn(f"{one.object} is {one.reason}: entries from {one.first} to {one.last} may be missing")
    if as_json:
        emit_json(plan.as_json())
        return
    print_pairs(
        [
            ("result", f"{len(plan.ids)} entries, sha256 of their ids {plan.digest}"),
            ("keys open", f"{len(plan.objects)} objects"),
            ("beyond", f"{plan.beyond} further entries in these objects"),
        ]
    )
    if plan.own_left_out:
        click.echo(f"{plan.own_left_out} entries of the archive itself match and are left out.")
    if plan.disposed:
        click.echo(f"{plan.disposed} entries that match were disposed of: nothing of them is left to open.")
    if plan.large:
        click.echo(f"{len(plan.large)} large originals are no Parquet: take them with vanvault get.")
    most = sorted(plan.objects, key=lambda one: (-one.beyond.total(), one.object))[:_SHOWN]
    rows = [
        (
            _short(one.object),
            str(one.wanted),
            str(one.beyond.total()),
            ", ".join(f"{gateway} {count}" for gateway, count in one.beyond.most_common(5)),
            f"{one.days[0]} to {one.days[1]}",
        )
        for one in most
    ]
    print_table(("object", "of the result", "beyond", "of gateways", "days"), rows)
    if len(plan.objects) > _SHOWN:
        click.echo(f"and {len(plan.objects) - _SHOWN} more; --json gives all")
