"""Who asks at an open archive where nobody is signed on."""

from __future__ import annotations

from vanvault.archiver.people.accounts import Accounts
from vanvault.archiver.people.approvals import Requester
from vanvault.recovery.work import account


def requester_here(accounts: Accounts) -> Requester:
    """The operating system's account of this process: the person's account of that name, if there is one."""
    name = account()
    found = accounts.find(name)
    is_person = found is not None and found.kind == "person"
    return Requester(name, found.id if found is not None and is_person else "")
