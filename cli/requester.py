"""Who asks at this command line: the person who signed on here, else the account of the operating system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vanvault.archiver.core.errors import VanVaultError
from vanvault.cli.output import warn
from vanvault.cli.signed_on import session_secret

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.archiver.people.approvals import Requester


def requester_of(archive: Archive) -> Requester:
    """Proved by the archive's own record: the file of a session says nothing that its secret does not.

    Raises what reading the accounts raises.
    """
    from vanvault.recovery.accounts import current_accounts
    from vanvault.recovery.approvals import requester_here, requester_of_session

    here = requester_here(current_accounts(archive))
    try:
        secret = session_secret()
        return here if secret is None else requester_of_session(archive, secret)
    except VanVaultError as error:
        warn(f"this is asked for as {here.name}: {error.message}")
        return here
