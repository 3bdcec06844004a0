"""People who may approve, and can: each signs on with a password and codes."""

from __future__ import annotations

from vanvault.archiver.appliance import Archive
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.sign_on.local import PasswordCost, Passwords
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.sign_on import CredentialRequest, set_credentials

_PASSWORD = "Nắng hạ 1986 ở Vinh"
_QUICK = PasswordCost(passes=1, memory_kib=8, lanes=1)


def add_approvers(archive: Archive, *names: str) -> None:
    """As the operating system's root; the archive must let that be done."""
    for name in names:
        add_account(Desk(archive, "root"), NewAccount(name, "person", name, roles=("approver",)))
    give_credentials(archive, *names)


def give_credentials(archive: Archive, *names: str) -> None:
    """A password and a seed of codes."""
    passwords = Passwords(_QUICK)
    for name in names:
        request = CredentialRequest(name, "root", _PASSWORD, new_codes=True)
        set_credentials(archive, request, passwords)
