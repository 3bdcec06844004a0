"""``vanvault gateway``: who may push, with which tokens, and what these are good for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.core.times import parse_rfc3339, parse_span, rfc3339_seconds
from vanvault.archiver.home_files import load_settings
from vanvault.archiver.people import POLICIES, SCOPES, Gateway, Gateways, NewToken, TokenTerms
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, json_option, print_table
from vanvault.cli.progress import Terminal

_F = TypeVar("_F", bound=Callable[..., Any])


@click.group()
def command() -> None:
    """Add, list or remove gateways and their tokens.

    Running nodes see every change at once; it is put on record in the archive.
    """


def _terms_options(verb: _F) -> _F:
    """What a new token is good for."""
    for option in (
        click.option(
            "--network",
            "networks",
            multiple=True,
            metavar="CIDR",
            help="The token is good from there only; once for each network.",
        ),
        click.option(
            "--scope",
            "scopes",
            multiple=True,
            type=click.Choice(SCOPES),
            help="What the token is good for; once for each. Without it: everything.",
        ),
        click.option("--not-after", metavar="TIME", help="The token is good before this time (RFC 3339)."),
        click.option("--not-before", metavar="TIME", help="The token is good from this time on."),
    ):
        verb = option(verb)
    return verb


def _terms(
    not_before: str | None, not_after: str | None, scopes: tuple[str, ...], networks: tuple[str, ...]
) -> TokenTerms:
    return TokenTerms.of(
        scopes=scopes,
        not_before=parse_rfc3339(not_before, field="not_before") if not_before else None,
        not_after=parse_rfc3339(not_after, field="not_after") if not_after else None,
        networks=networks,
    )


@command.command()
@click.argument("name")
@click.option(
    "--policy",
    type=click.Choice(POLICIES),
    help="Which sites must hold an entry before it is acknowledged; without it, as the settings say.",
)
@click.option("--bring-back", is_flag=True, help="NAME was removed: let the same gateway in again.")
@_terms_options
@json_option
@click.pass_obj
def add(home: Path, /, name: str, policy: str | None, bring_back: bool, as_json: bool, **terms: Any) -> None:
    """Add a gateway; its token is shown this once and kept nowhere.

    A name belongs to one gateway for ever, because what it archived is found under it: the name of a removed
    gateway is refused, unless that gateway itself is to come back. A site must answer.
    """
    from vanvault.recovery.gateways import AddRequest, add_gateway
    from vanvault.recovery.work import account

    load_settings(home)
    request = AddRequest(name, account(), _terms(**terms), policy, bring_back)
    with open_archive(home) as archive:
        made = add_gateway(archive, request, Terminal(quiet=as_json))
    _show_new(made, as_json)


@command.command("list")
@click.option("--removed", is_flag=True, help="Show removed gateways, too.")
@json_option
@click.pass_obj
def list_gateways(home: Path, removed: bool, as_json: bool) -> None:
    """List all gateways."""
    load_settings(home)
    gateways = Gateways(home)
    found = sorted(gateways.all(), key=lambda one: one.name)
    present = [one for one in found if one.removed_at is None]
    if as_json:
        uses = gateways.last_uses()
        emit_json(
            {
                "gateways": [one.name for one in present],
                "policies": {one.name: one.policy for one in present if one.policy is not None},
                "details": [_as_json(one, uses) for one in (found if removed else present)],
            }
        )
        return
    for one in found if removed else present:
        note = f"  (policy: {one.policy})" if one.policy else ""
        gone = f"  (removed {rfc3339_seconds(one.removed_at)})" if one.removed_at else ""
        click.echo(f"{one.name}{note}{gone}")


@command.command("policy")
@click.argument("name")
@click.argument("policy", type=click.Choice((*POLICIES, "settings")))
@json_option
@click.pass_obj
def set_policy_(home: Path, name: str, policy: str, as_json: bool) -> None:
    """Say which sites must hold a gateway's entry before it is acknowledged; running nodes see it at once.

    "settings" takes the gateway's own policy away: it follows sites.policy again.
    """
    from vanvault.recovery.gateways import set_policy
    from vanvault.recovery.work import account

    load_settings(home)
    own = None if policy == "settings" else policy
    set_policy(home, name, own, who=account(), observer=Terminal(quiet=as_json))
    if as_json:
        emit_json({"gateway": name, "policy": policy})
    else:
        click.echo(f"{name}: {policy}")


@command.command()
@click.argument("name")
@json_option
@click.pass_obj
def remove(home: Path, name: str, as_json: bool) -> None:
    """Take all tokens of a gateway away; what it archived stays, and its name stays taken."""
    from vanvault.recovery.gateways import remove_gateway
    from vanvault.recovery.work import account

    load_settings(home)
    remove_gateway(home, name, who=account(), observer=Terminal(quiet=as_json))
    if as_json:
        emit_json({"gateway": name, "removed": True})
    else:
        click.echo(f"{name} may not push any more.")


@command.group()
def token() -> None:
    """Add, list or remove the tokens of a gateway: several at once let it change from one to the next."""


@token.command("add")
@click.argument("name")
@_terms_options
@click.option(
    "--overlap",
    metavar="TIME",
    help="The other tokens end after it, such as 7d, 12h or 30m. Without it they stay as they are.",
)
@json_option
@click.pass_obj
def add_token_(home: Path, /, name: str, overlap: str | None, as_json: bool, **terms: Any) -> None:
    """Give a gateway one more token; it is shown this once and kept nowhere."""
    from vanvault.recovery.gateways import TokenRequest, add_token
    from vanvault.recovery.work import account

    load_settings(home)
    request = TokenRequest(name, account(), _terms(**terms), _overlap(overlap) if overlap else None)
    _show_new(add_token(home, request, Terminal(quiet=as_json)), as_json)


@token.command("list")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
@click.pass_obj
def list_tokens(home: Path, names: tuple[str, ...], as_json: bool) -> None:
    """List the tokens of the named gateways, or of all: from when to when, for what, from where, last use."""
    load_settings(home)
    gateways = Gateways(home)
    uses = gateways.last_uses()
    found = [gateways.get(name) for name in names or gateways.names()]
    if as_json:
        emit_json({"gateways": [_as_json(one, uses) for one in found]})
        return
    now = SystemClock().now()
    columns = ("gateway", "token", "state", "from", "until", "scopes", "networks", "last use")
    print_table(columns, (row for one in found for row in _rows(one, uses, now)))


@token.command("remove")
@click.argument("name")
@click.argument("token_id")
@json_option
@click.pass_obj
def remove_token_(home: Path, name: str, token_id: str, as_json: bool) -> None:
    """Take one token away, by its id; running nodes refuse it at once."""
    from vanvault.recovery.gateways import remove_token
    from vanvault.recovery.work import account

    load_settings(home)
    remove_token(home, name, token_id, who=account(), observer=Terminal(quiet=as_json))
    if as_json:
        emit_json({"gateway": name, "token_id": token_id, "removed": True})
    else:
        click.echo(f"{name}: {token_id} is not good any more.")


def _show_new(made: NewToken, as_json: bool) -> None:
    if as_json:
        emit_json({"gateway": made.gateway, "token": made.secret, "id": made.gateway_id, "token_id": made.id})
    else:
        click.echo(f"Gateway: {made.gateway}")
        click.echo(f"Token:   {made.secret}")


def _as_json(gateway: Gateway, uses: dict[str, str]) -> dict[str, object]:
    return {
        "gateway": gateway.name,
        "id": gateway.id,
        "added_at": rfc3339_seconds(gateway.added_at),
        "removed_at": rfc3339_seconds(gateway.removed_at) if gateway.removed_at else None,
        "policy": gateway.policy,
        "tokens": [
            {
                "token_id": one.id,
                "added_at": rfc3339_seconds(one.added_at),
                "not_before": None,
                "not_after": None,
                "networks": [],
                **one.terms.as_json(),
                "last_use": uses.get(one.id),
            }
            for one in gateway.tokens
        ],
    }


def _rows(gateway: Gateway, uses: dict[str, str], now: datetime) -> Iterable[tuple[str, ...]]:
    for one in gateway.tokens:
        terms = one.terms
        yield (
            gateway.name,
            one.id,
            terms.state(now),
            rfc3339_seconds(terms.not_before) if terms.not_before else "",
            rfc3339_seconds(terms.not_after) if terms.not_after else "",
            ", ".join(terms.scopes),
            ", ".join(map(str, terms.networks)),
            uses.get(one.id, ""),
        )


def _overlap(text: str) -> timedelta:
    return parse_span(text, "overlap", least=timedelta())
