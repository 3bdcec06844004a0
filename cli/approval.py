"""``vanvault approval``: what waits for approval, what people say to it, and the table of acts that ask."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.errors import AccessDenied, InvalidInput
from vanvault.archiver.home_files import load_settings
from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.output import emit_json, json_option, print_pairs, print_table, shown, warn
from vanvault.cli.progress import Terminal
from vanvault.cli.requester import requester_of
from vanvault.cli.signed_on import kept_session

if TYPE_CHECKING:
    from vanvault.archiver.people.approvals import ApprovalTable
    from vanvault.cli.client import ApiClient

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

#: What can still become something.
_ALIVE = ("open", "approved")


@click.group()
def command() -> None:
    """Acts that others must approve first: requests, approvals, and the table of acts that ask."""


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Show those that are good for nothing any more.")
@json_option
@click.pass_obj
def list_requests(home: Path, everything: bool, as_json: bool) -> None:
    """List requests that are open or approved, the newest first."""
    from vanvault.recovery.approvals import known_approvals, request_as_json

    load_settings(home)
    with open_archive(home) as archive:
        catch_up(archive)
        known = known_approvals(archive, everything=everything)
    told = [request_as_json(known, one) for one in known.book]
    told = [one for one in told if everything or one["state"] in _ALIVE]
    _warn_lacking(known.lacking)
    if as_json:
        emit_json({"approvals": told, "lacking": list(known.lacking)})
        return
    if told:
        rows = [
            (
                one["id"],
                one["act"],
                one["requested_by"],
                one["requested_at"],
                one["state"],
                f"{len(one['approved_by'])}/{one['needed']}",
                one["until"] or "",
            )
            for one in told
        ]
        print_table(("request", "act", "by", "asked", "state", "approvals", "until"), rows)
    else:
        click.echo("nothing waits for approval", err=True)


@command.command("show")
@click.argument("request_id")
@json_option
@click.pass_obj
def show(home: Path, request_id: str, as_json: bool) -> None:
    """Show one request whole: what it is about, how it stands, who approved it."""
    from vanvault.recovery.approvals import known_approvals, request_as_json

    load_settings(home)
    with open_archive(home) as archive:
        catch_up(archive)
        known = known_approvals(archive, everything=True)
    told = request_as_json(known, known.book.get(request_id))
    _warn_lacking(known.lacking)
    _tell(told, as_json)


@command.command("approve")
@click.argument("request_id")
@json_option
def approve(request_id: str, as_json: bool) -> None:
    """Approve a request, as the person who signed on here (vanvault login) within the last five minutes.

    It goes through the node that gave the session, so no home is needed. What is approved is printed first.
    """
    tell_said(approve_at_node(request_id, None if as_json else _print), "approved", as_json)


def approve_at_node(request_id: str, show: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
    """Approve as the person who signed on here; the request as it stands then. ``show`` is given it before.

    Raises AccessDenied (nobody is signed on here, or may not), NotFound, Conflict, SiteUnavailable.
    """
    with _signed_on() as client:
        found = client.ask("GET", f"/v1/approvals/{_id(request_id)}")
        if show is not None:
            show(found)
        return client.ask("POST", f"/v1/approvals/{_id(request_id)}/approve", {"digest": found["digest"]})


@command.command("refuse")
@click.argument("request_id")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it goes on record.")
@json_option
def refuse(request_id: str, reason: str, as_json: bool) -> None:
    """Refuse a request, as the person who signed on here within the last five minutes: it ends for good."""
    with _signed_on() as client:
        found = client.ask("GET", f"/v1/approvals/{_id(request_id)}")
        said = {"digest": found["digest"], "reason": reason}
        told = client.ask("POST", f"/v1/approvals/{_id(request_id)}/refuse", said)
    tell_said(told, "refused", as_json)


@command.command("withdraw")
@click.argument("request_id")
@json_option
@click.pass_obj
def withdraw(home: Path, request_id: str, as_json: bool) -> None:
    """Take back a request of your own."""
    from vanvault.recovery.approvals import known_approvals, request_as_json, withdraw_request

    load_settings(home)
    with open_archive(home) as archive:
        catch_up(archive)
        withdraw_request(archive, request_id, requester_of(archive))
        known = known_approvals(archive, everything=True)
    tell_said(request_as_json(known, known.book.get(request_id)), "taken back", as_json)


@command.group("table")
def table() -> None:
    """Which acts ask for approval: the table in force, and the one that the settings ask for."""


@table.command("show")
@json_option
@click.pass_obj
def show_table(home: Path, as_json: bool) -> None:
    """Show the table in force, who may approve, and whether the settings ask for another one."""
    from vanvault.archiver.people.approvals import table_of_settings
    from vanvault.recovery.approvals import known_approvals, known_approvers

    load_settings(home)
    with open_archive(home) as archive:
        catch_up(archive)
        known = known_approvals(archive)
        people = known_approvers(archive, known)
        wanted = table_of_settings(archive.settings.approvals)
    _warn_lacking(known.lacking)
    in_force = known.table
    same = wanted.as_json() == in_force.as_json() or not (wanted.on or in_force.on)
    if as_json:
        told = {
            "table": in_force.as_json(),
            "settings_differ": not same,
            "may_approve": [one.name for one in people],
            "cannot_sign_on": [{"account": one.name, "why": one.cannot} for one in people if one.cannot],
        }
        emit_json({**told, "lacking": list(known.lacking)})
        return
    _print_table(in_force)
    able = ", ".join(one.name for one in people if not one.cannot)
    click.echo(f"may approve now: {able or 'nobody'}")
    for one in people:
        if one.cannot:
            click.echo(f"may approve, and cannot sign on with two factors: {one.name} {one.cannot}")
    if not same:
        warn("the settings ask for another table; to put it in force: vanvault approval table set")


@table.command("set")
@click.option("--bundle", type=_FILE, metavar="FILE", help="The sealed bundle of the keys' escrow.")
@click.option(
    "--share",
    "shares",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="A share that opens it; once for each.",
)
@json_option
@click.pass_obj
def set_(home: Path, bundle: Path | None, shares: tuple[Path, ...], as_json: bool) -> None:
    """Put the table of the settings ([approvals]) in force. A weaker one than before needs an approval.

    It is refused while fewer people can approve than the table takes: three at least, who can sign on with
    two factors. Where nobody is left
    who could approve, the shares of the keys' escrow stand for the approval: --bundle and --share.
    """
    from vanvault.archiver.people.approvals import table_of_settings
    from vanvault.recovery.approvals import set_table

    load_settings(home)
    escrow_set = _opened_set(home, bundle, shares, as_json)
    with open_archive(home) as archive:
        wanted = table_of_settings(archive.settings.approvals)
        done = set_table(archive, wanted, requester_of(archive), escrow_set=escrow_set)
    if as_json:
        emit_json({"table": wanted.as_json(), "already": not done})
    elif done:
        click.echo("in force: acts need approvals" if wanted.on else "in force: no act needs approvals")
    else:
        click.echo("this table is in force already; nothing was done")


def _opened_set(home: Path, bundle: Path | None, shares: tuple[Path, ...], as_json: bool) -> str:
    """The set of the escrow that these shares open, which goes on record; "" where none are given.

    Raises InvalidInput (one without the other), and what ``verify_escrow`` raises.
    """
    from vanvault.recovery.custody import EscrowVerifyRequest, verify_escrow
    from vanvault.recovery.work import account

    if bundle is None and not shares:
        return ""
    if bundle is None or not shares:
        raise InvalidInput("a bundle and the shares that open it go together", field="share")
    request = EscrowVerifyRequest(bundle, shares, account())
    return verify_escrow(home, request, Terminal(quiet=as_json)).opened.of.set_id


def _signed_on() -> ApiClient:
    """At the node that gave the session. Raises AccessDenied: nobody is signed on here."""
    from vanvault.cli.login import session_client

    kept = kept_session()
    if kept is None:
        raise AccessDenied("nobody is signed on here", hint="Run: vanvault login NAME")
    return session_client(kept)


def _id(given: str) -> str:
    from urllib.parse import quote

    return quote(given, safe="")


def _warn_lacking(lacking: tuple[str, ...]) -> None:
    for part in lacking:
        warn(f"a part of the record of approvals cannot be read: {part}")


def _tell(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit_json(told)
    else:
        _print(told)


def tell_said(told: dict[str, Any], what: str, as_json: bool) -> None:
    """What became of a request."""
    if as_json:
        emit_json(told)
        return
    state = shown(str(told["state"]))
    why = f" ({shown(str(told['why']))})" if told["why"] else ""
    click.echo(f"{shown(str(told['id']))}: {what}; it is {state}{why}")


def _print(told: dict[str, Any]) -> None:
    by = ", ".join(f"{one['account']} at {one['at']}" for one in told["approved_by"])
    lines = [
        ("request", told["id"]),
        ("act", f"{told['act']}: {told['about']}"),
        ("asked by", f"{told['requested_by']} at {told['requested_at']}"),
        *((f"  {name}", value) for name, value in _flat(told["subject"])),
        ("for", ", ".join(told["beneficiaries"])),
        ("state", f"{told['state']} {told['why']}".strip()),
        ("approved by", f"{by or 'nobody'}; it takes {told['needed']}"),
        ("used by", ", ".join(f"{one['account']} at {one['at']}" for one in told["used_by"])),
        ("until", told["until"] or ""),
        ("sha-256", told["digest"]),
    ]
    print_pairs([(name, shown(value)) for name, value in lines if value])


def _flat(told: dict[str, Any], within: str = "") -> Iterator[tuple[str, str]]:
    """What is approved, a line for each value: a form within it is read whole, and not as JSON."""
    for name, value in sorted(told.items()):
        if isinstance(value, dict):
            yield from _flat(value, f"{within}{name}.")
        elif isinstance(value, list) and all(isinstance(one, str) for one in value):
            yield f"{within}{name}", ", ".join(value)
        else:
            yield (
                f"{within}{name}",
                value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
            )


def _print_table(in_force: ApprovalTable) -> None:
    from vanvault.archiver.core.times import span_text
    from vanvault.archiver.people.approvals import ACTS

    rows = []
    for act, about in ACTS.items():
        rule = in_force.rule(act)
        asks = str(rule.approvals) if rule.on else "-"
        rows.append((act, asks, span_text(rule.request), span_text(rule.approval), about))
    print_table(("act", "approvals", "open for", "good for", "what it is"), rows)
