"""The person at this command line, by the session that is kept here: one rule for looks and for acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.errors import VanVaultError
from vanvault.cli.output import warn
from vanvault.cli.signed_on import session_secret

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.archiver.people.looks import Viewer
    from vanvault.recovery.sign_on import SignedOn


def viewer_of(archive: Archive) -> Viewer | None:
    """The person who signed on here, for the record of looks; None: nobody did."""
    person = person_at(archive)
    if person is None:
        return None
    from vanvault.archiver.people.looks import Viewer
    from vanvault.recovery.work import account

    return Viewer(
        person.account.name,
        "account",
        person.account.id,
        session=person.session.id,
        roles=tuple(sorted(person.roles)),
        os_account=account(),
    )


def who_at(archive: Archive) -> str:
    """Who does what this verb does, by name: the person who signed on here, else our account of the host."""
    from vanvault.recovery.work import account

    person = person_at(archive)
    return account() if person is None else person.account.name


def person_at(archive: Archive) -> SignedOn | None:
    """Who signed on here; None, and a warning where a session is kept that is not good: nobody.

    Proved by the archive's own record: the file of a session says nothing that its secret does not. One verb
    is done by one person from its beginning to its end, though it takes hours and the session ends meanwhile.
    """
    context = click.get_current_context(silent=True)
    known: dict[str, SignedOn] = {} if context is None else context.meta.setdefault("vanvault.person", {})
    try:
        secret = session_secret()
        if secret is None:
            return None
        if secret not in known:
            from vanvault.recovery.sign_on import caller_at_home

            known[secret] = caller_at_home(archive, secret)
        return known[secret]
    except VanVaultError as error:
        from vanvault.recovery.work import account

        _warn_once(f"this is done as {account()}: {error.message}")
        return None


def _warn_once(text: str) -> None:
    """A verb asks who is there more than once."""
    context = click.get_current_context(silent=True)
    told: set[str] = set() if context is None else context.meta.setdefault("vanvault.told", set())
    if text not in told:
        warn(text)
    told.add(text)
