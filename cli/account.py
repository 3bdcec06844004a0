"""``vanvault account``: people and services, their roles, and what is on record about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vanvault.archiver.core.times import parse_day
from vanvault.archiver.home_files import load_settings
from vanvault.archiver.people.accounts import ACCOUNT_KINDS, ROLES, DaySpan
from vanvault.cli.account_breakglass import breakglass
from vanvault.cli.account_credential import credential
from vanvault.cli.account_demo import demo_link
from vanvault.cli.account_desk import desk_of
from vanvault.cli.account_forms import print_accounts
from vanvault.cli.account_session import session
from vanvault.cli.account_token import token
from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.output import emit_json, json_option, print_table, warn

if TYPE_CHECKING:
    from vanvault.recovery.accounts import AccountOutcome, Desk

_F = TypeVar("_F", bound=Callable[..., Any])

#: Who can do nothing any more is listed with --all only.


@click.group()
def command() -> None:
    """Accounts of people and services: add, change, suspend, review; roles; who holds what.

    Every change is an event in the archive, which running nodes obey within seconds. Days are Vietnam's.
    """


command.add_command(credential)
command.add_command(session)
command.add_command(breakglass)
command.add_command(demo_link)


def _day(_: click.Context, parameter: click.Parameter, text: str | None) -> date | None:
    return None if text is None else parse_day(text, field=str(parameter.name))


def _day_option(name: str, help: str) -> Callable[[_F], _F]:
    return click.option(name, callback=_day, metavar="DAY", help=help)


@command.command()
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(ACCOUNT_KINDS), default="person", show_default=True, help="Of what it is."
)
@click.option("--full-name", default="", help="Name of the person, or what the service is.")
@click.option("--unit", default="", help="Where the person or service belongs.")
@click.option("--owner", default="", metavar="NAME", help="The person's account that answers for a service.")
@click.option("--role", "roles", multiple=True, type=click.Choice(list(ROLES)), help="Once for each role.")
@_day_option("--valid-from", "The first day on which it is good; without it today.")
@_day_option("--valid-until", "The last day on which it is good.")
@json_option
@click.pass_obj
def add(
    home: Path, /, valid_from: date | None, valid_until: date | None, as_json: bool, **given: Any
) -> None:
    """Add a person or a service. A name is one account's for ever, gateways included. A site must answer."""
    from vanvault.archiver.people.accounts import NewAccount
    from vanvault.recovery.accounts import add_account

    with desk_of(home, as_json) as desk:
        _show(desk, add_account(desk, NewAccount(days=DaySpan(valid_from, valid_until), **given)), as_json)


@command.command("list")
@_day_option("--at", "Show how accounts stand at the end of this day, as far as is known today.")
@click.option("--all", "everything", is_flag=True, help="Show those too that can do nothing any more.")
@json_option
@click.pass_obj
def list_accounts(home: Path, at: date | None, everything: bool, as_json: bool) -> None:
    """List accounts and gateways: state, roles, days, last use, when a review is due, late entries."""
    from datetime import timedelta

    from vanvault.archiver.core.times import vietnam_day, vietnam_midnight
    from vanvault.archiver.people.accounts import owner_off, standing_of
    from vanvault.recovery.accounts import GONE_STATES, account_as_json, current_accounts

    load_settings(home)
    with open_archive(home) as archive:
        catch_up(archive)
        accounts, now = current_accounts(archive), archive.clock.now()
    if at is not None and at != vietnam_day(now):
        now = vietnam_midnight(at) + timedelta(days=1, microseconds=-1)
    shown = [one for one in accounts if everything or standing_of(one, now).state not in GONE_STATES]
    for part in accounts.lacking:
        warn(f"a part of the record of accounts cannot be read: {part}")
    off = {one.name: found.why for one in shown if (found := owner_off(accounts, one, now)) is not None}
    for name, why in off.items():
        warn(f"{name} can still be used, and {why}; see: vanvault account review")
    if as_json:
        told = [account_as_json(one, now) for one in shown]
        emit_json(
            {
                "day": str(vietnam_day(now)),
                "accounts": told,
                "owners_off": off,
                "lacking": list(accounts.lacking),
            }
        )
    else:
        print_accounts(shown, now, off)


@command.command()
@click.argument("name")
@click.option("--full-name", help="Another name.")
@click.option("--unit", help="Another unit.")
@click.option("--owner", metavar="NAME", help="Another owner; of a gateway, too.")
@_day_option("--valid-from", "Another first day.")
@_day_option("--valid-until", "Another last day; one in the past counts, and its lag is on record.")
@click.option("--no-end", is_flag=True, help="Take the last day away.")
@json_option
@click.pass_obj
def change(home: Path, /, name: str, as_json: bool, **given: Any) -> None:
    """Change who an account is, who answers for it, or its days."""
    from vanvault.archiver.people.accounts import AboutChange
    from vanvault.recovery.accounts import change_account

    if given["no_end"] and given["valid_until"] is not None:
        raise click.UsageError("Give --valid-until, which sets the last day, or --no-end, not both.")

    with desk_of(home, as_json) as desk:
        _show(desk, change_account(desk, name, AboutChange(**given)), as_json)


@command.command()
@click.argument("name")
@click.argument("role")
@_day_option("--from", "The first day with the role: today, which is the default, or later.")
@_day_option("--until", "The last day with it.")
@json_option
@click.pass_obj
def grant(home: Path, /, name: str, role: str, as_json: bool, **days: Any) -> None:
    """Give an account a role. Roles that exclude each other are never held on the same day."""
    from vanvault.recovery.accounts import grant_role

    with desk_of(home, as_json) as desk:
        _show(desk, grant_role(desk, name, role, DaySpan(days["from"], days["until"])), as_json)


@command.command()
@click.argument("name")
@click.argument("role")
@_day_option("--from", "The first day without the role; without it today. One in the past counts.")
@json_option
@click.pass_obj
def revoke(home: Path, /, name: str, role: str, as_json: bool, **days: Any) -> None:
    """Take a role from an account."""
    from vanvault.recovery.accounts import revoke_role

    with desk_of(home, as_json) as desk:
        _show(desk, revoke_role(desk, name, role, days["from"]), as_json)


@command.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; it goes on record.")
@_day_option("--from", "The first day of it; without it today. One in the past counts, and its lag is shown.")
@json_option
@click.pass_obj
def suspend(home: Path, /, name: str, reason: str, as_json: bool, **days: Any) -> None:
    """Suspend an account from the first moment of a day on, until somebody resumes it."""
    from vanvault.recovery.accounts import suspend_account

    with desk_of(home, as_json) as desk:
        _show(desk, suspend_account(desk, name, reason, days["from"]), as_json)


@command.command()
@click.argument("name")
@click.option("--reason", default="", help="Why; it goes on record.")
@json_option
@click.pass_obj
def resume(home: Path, name: str, reason: str, as_json: bool) -> None:
    """Lift all suspensions of an account, those of days to come too; bring an idle one back."""
    from vanvault.recovery.accounts import resume_account

    with desk_of(home, as_json) as desk:
        _show(desk, resume_account(desk, name, reason), as_json)


@command.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--confirm", is_flag=True, help="Confirm that the named accounts are needed as they are.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="With --confirm: all that are due. Else: those too that are not.",
)
@json_option
@click.pass_obj
def review(home: Path, names: tuple[str, ...], confirm: bool, everything: bool, as_json: bool) -> None:
    """List the accounts whose review is due, six months after the last; or confirm them.

    A confirmation brings an idle account back. It lifts no suspension. What is good while its owner is off is
    due at once, until it has another owner or is suspended.
    """
    from vanvault.archiver.people.accounts import due_reviews, owner_off
    from vanvault.recovery.accounts import account_as_json, confirm_accounts, current_accounts

    with desk_of(home, as_json) as desk:
        if confirm:
            confirmed = confirm_accounts(desk, names, all_due=everything)
            now, accounts = desk.archive.clock.now(), current_accounts(desk.archive)
            for one in confirmed:
                off = owner_off(accounts, one, now)
                if off is not None:
                    warn(f"{one.name} stays on the list: {off.why}; give it another owner, or suspend it")
            if as_json:
                emit_json({"confirmed": [account_as_json(one, now) for one in confirmed]})
            else:
                click.echo(
                    f"{len(confirmed)} confirmed: {', '.join(one.name for one in confirmed) or 'none'}"
                )
            return
        catch_up(desk.archive)
        now, accounts = desk.archive.clock.now(), current_accounts(desk.archive)
        asked = {accounts.get(name).id for name in names}
        due = [
            one
            for one in due_reviews(accounts, now, ahead=everything or bool(names))
            if not names or one.account.id in asked
        ]
    if as_json:
        told = [{**account_as_json(one.account, now), "look_at": list(one.why)} for one in due]
        emit_json({"due": told})
        return
    about = ((one.account, one.account.about, one) for one in due)
    print_table(
        ("account", "kind", "full name", "unit", "owner", "due", "look at"),
        (
            (one.name, one.kind, who.full_name, who.unit, who.owner, str(found.due), "; ".join(found.why))
            for one, who, found in about
        ),
    )


@command.command("roles")
@json_option
@click.pass_obj
def show_roles(home: Path, as_json: bool) -> None:
    """Show all roles: what each permits, which roles exclude it, and who holds it today."""
    from vanvault.archiver.people.accounts import roles_in_force, standing_of
    from vanvault.recovery.accounts import current_accounts

    load_settings(home)
    with open_archive(home) as archive:
        catch_up(archive)
        accounts, now = current_accounts(archive), archive.clock.now()
    active = [one for one in accounts if standing_of(one, now).state == "active"]
    held = {role: [one.name for one in active if role in roles_in_force(one, now)] for role in ROLES}
    if as_json:
        told = [
            {
                "role": role.name,
                "vietnamese": role.vietnamese,
                "permissions": sorted(role.permissions),
                "for_services": role.for_services,
                "excludes": _excluded(role.name),
                "held_by": held[role.name],
            }
            for role in ROLES.values()
        ]
        emit_json({"roles": told})
        return
    rows = (
        (
            role.name,
            role.vietnamese,
            ", ".join(sorted(role.permissions)),
            ", ".join(_excluded(role.name)),
            ", ".join(held[role.name]),
        )
        for role in ROLES.values()
    )
    print_table(("role", "in Vietnamese", "permits", "not together with", "held by"), rows)


command.add_command(token)


@command.group()
def identity() -> None:
    """Which user of a provider of sign-on is which account: by issuer and subject, never by e-mail."""


def _identity_options(verb: _F) -> _F:
    for option in (
        click.option("--subject", required=True, metavar="SUB", help="Claim sub of the provider's tokens."),
        click.option("--issuer", required=True, metavar="URL", help="Claim iss of the provider's tokens."),
    ):
        verb = option(verb)
    return verb


@identity.command("add")
@click.argument("name")
@_identity_options
@json_option
@click.pass_obj
def add_identity_(home: Path, name: str, issuer: str, subject: str, as_json: bool) -> None:
    """Let a provider's user be this account."""
    from vanvault.archiver.people.accounts import ProviderIdentity
    from vanvault.recovery.accounts import add_identity

    with desk_of(home, as_json) as desk:
        _show(desk, add_identity(desk, name, ProviderIdentity(issuer, subject)), as_json)


@identity.command("remove")
@click.argument("name")
@_identity_options
@json_option
@click.pass_obj
def remove_identity_(home: Path, name: str, issuer: str, subject: str, as_json: bool) -> None:
    """Let a provider's user not be this account any more."""
    from vanvault.archiver.people.accounts import ProviderIdentity
    from vanvault.recovery.accounts import remove_identity

    with desk_of(home, as_json) as desk:
        _show(desk, remove_identity(desk, name, ProviderIdentity(issuer, subject)), as_json)


def _excluded(role: str) -> list[str]:
    return sorted(ROLES[role].excludes)


def _show(desk: Desk, done: AccountOutcome, as_json: bool) -> None:
    from vanvault.recovery.accounts import account_as_json

    now = desk.archive.clock.now()
    if as_json:
        emit_json({**account_as_json(done.account, now), "already": done.already})
        return
    if done.already:
        click.echo(f"{done.account.name}: the record says so already; nothing was done")
    print_accounts([done.account], now)
