"""Who asks at an open archive, proved by its own record or by the operating system."""

from __future__ import annotations

from vanvault.archiver.appliance import Archive
from vanvault.archiver.people.accounts import Accounts
from vanvault.archiver.people.approvals import Requester
from vanvault.recovery.sign_on import caller_at_home
from vanvault.recovery.work import account


def requester_here(accounts: Accounts) -> Requester:
    """The operating system's account of this process: the person's account of that name, if there is one."""
    name = account()
    found = accounts.find(name)
    is_person = found is not None and found.kind == "person"
    return Requester(name, found.id if found is not None and is_person else "")


def requester_of_session(archive: Archive, secret: str) -> Requester:
    """The person of a session, judged as a node judges whoever calls.

    Raises AccessDenied: it, or its account, is not good any more; else as ``caller_at_home``.
    """
    person = caller_at_home(archive, secret)
    return Requester(person.account.name, person.account.id)
