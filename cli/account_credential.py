"""``vanvault account credential``: what an account signs on with where there is no identity provider."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from vanvault.archiver.home_files import load_settings
from vanvault.archiver.people.accounts import Account, AccountChange
from vanvault.cli.account_desk import ask_for_roles, warn_of_few_approvers
from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.output import emit_json, json_option
from vanvault.cli.person import who_at
from vanvault.cli.progress import Terminal
from vanvault.cli.secret_input import secret_line


@click.group("credential")
def credential() -> None:
    """Password and one-time codes of an account; kept sealed in the archive, and never shown again."""


@credential.command("set")
@click.argument("name")
@click.option(
    "--password-file",
    type=click.File("rb"),
    metavar="FILE",
    help="The first line is the new password; - reads it from standard input.",
)
@click.option("--codes/--no-codes", default=None, help="New one-time codes (TOTP), or none any more.")
@click.option("--no-authenticators", is_flag=True, help="Take all authenticators away: they are lost.")
@json_option
@click.pass_obj
def set_(
    home: Path,
    name: str,
    password_file: BinaryIO | None,
    codes: bool | None,
    no_authenticators: bool,
    as_json: bool,
) -> None:
    """Set a password, one-time codes, or both. A new seed of codes is shown this once."""
    from vanvault.archiver.people.sign_on.local import Passwords, seed_uri
    from vanvault.recovery.sign_on import CredentialRequest, set_credentials

    load_settings(home)
    password = None if password_file is None else secret_line(password_file)
    with open_archive(home) as archive:
        catch_up(archive)
        request = CredentialRequest(
            name,
            who_at(archive),
            password,
            new_codes=codes is True,
            no_codes=codes is False,
            no_authenticators=no_authenticators,
        )

        def ask(found: Account) -> None:
            told = {
                "id": found.id,
                "account": name,
                "password": password is not None,
                "codes": codes,
                "no_authenticators": no_authenticators,
            }
            ask_for_roles(archive, AccountChange("credential-set", told))

        done = set_credentials(archive, request, Passwords(), Terminal(quiet=as_json), ask=ask)
        if codes is False or no_authenticators:
            warn_of_few_approvers(archive)
    address = seed_uri(done.seed, name, "VanVault") if done.seed else ""
    if as_json:
        shown: dict[str, object] = {"account": name, "password": done.has_password, "codes": done.has_codes}
        emit_json({**shown, "codes_uri": address} if address else shown)
        return
    has = [
        what for what, is_there in (("a password", done.has_password), ("codes", done.has_codes)) if is_there
    ]
    click.echo(f"{name} signs on with {' and '.join(has) or 'nothing that is kept here'}")
    if address:
        click.echo(f"Enter this into an authenticator app; it is shown this once:\n{address}")
