"""Where the verbs about accounts are done: an open archive, who does it, and what others approve first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vanvault.archiver.core.times import vietnam_day
from vanvault.archiver.home_files import load_settings
from vanvault.archiver.people.accounts import ROLES, Account, AccountChange
from vanvault.cli.context import open_archive
from vanvault.cli.person import who_at
from vanvault.cli.progress import Terminal
from vanvault.cli.requester import approved

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.recovery.accounts import Desk

#: What lets somebody in as an approver, or back: it gives as much as the role does.
_LETS_IN = ("identity-added", "resumed")


@contextmanager
def desk_of(home: Path, as_json: bool) -> Iterator[Desk]:
    """The archive of a home, open for as long as the block runs."""
    from vanvault.recovery.accounts import Desk

    load_settings(home)
    with open_archive(home) as archive:

        def ask(change: AccountChange) -> None:
            ask_for_roles(archive, change)

        yield Desk(archive, who_at(archive), Terminal(quiet=as_json), ask)


def ask_for_roles(archive: Archive, change: AccountChange) -> None:
    """Before roles are given or taken, and before an approver is let in another way.

    Raises ApprovalNeeded, and what ``recovery.approvals.need`` raises.
    """
    from vanvault.recovery.accounts import current_accounts

    detail = dict(change.detail)
    name, id = str(detail.get("account")), str(detail.get("id"))
    if change.kind == "added":
        del detail["id"]  # another one each time
        changes_roles = bool(detail["roles"])
    else:
        changes_roles = change.kind in ("role-granted", "role-revoked")
    other_days = change.kind == "changed" and "valid_until" in detail
    if not changes_roles and (other_days or change.kind in (*_LETS_IN, "credential-set")):
        found = current_accounts(archive).of_id(id)
        changes_roles = found is not None and _may_come_to_approve(archive, found)
    if changes_roles:
        known = [name] if change.kind == "added" else [id, name]
        approved(archive, "roles", {"change": change.kind, **detail}, beneficiaries=known)


def _may_come_to_approve(archive: Archive, account: Account) -> bool:
    """Does it hold a role that permits to approve, today or later?"""
    today = vietnam_day(archive.clock.now())
    return any(
        "approve" in ROLES[one.role].permissions
        for one in account.grants
        if one.role in ROLES and (one.days.last is None or one.days.last >= today)
    )
