"""Where the verbs about accounts are done: an open archive, who does it, and what others approve first."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.times import vietnam_day
from vanvault.archiver.home_files import load_settings
from vanvault.archiver.people.accounts import ROLES, Account, AccountChange
from vanvault.cli.context import open_archive
from vanvault.cli.output import warn
from vanvault.cli.person import who_at
from vanvault.cli.progress import Terminal
from vanvault.cli.requester import approved

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.recovery.accounts import Desk

#: What lets somebody in as an approver, or back: it gives as much as the role does.
_LETS_IN = ("identity-added", "resumed")
_WAY_OUT = (
    "Let others in while those who are left can approve it: vanvault account grant NAME approver, vanvault"
    " account resume NAME. Where nobody can, shares of the keys' escrow open the table: vanvault approval"
    " table set --bundle FILE --share FILE. Runbook work-overdue."
)


@contextmanager
def desk_of(home: Path, as_json: bool) -> Iterator[Desk]:
    """The archive of a home, open for as long as the block runs."""
    from vanvault.recovery.accounts import Desk

    load_settings(home)
    with open_archive(home) as archive:
        leaving: list[str] = []

        def ask(change: AccountChange) -> None:
            ask_for_roles(archive, change)
            if _takes_an_approver(change):
                leaving.append(str(change.detail.get("id")))

        yield Desk(archive, who_at(archive), Terminal(quiet=as_json), ask)
        if leaving:
            warn_of_few_approvers(archive, leaving)


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


def warn_of_few_approvers(archive: Archive, leaving: Collection[str] = ()) -> None:
    """After what is never refused, as the law wants it at once: are enough left for the table in force?

    ``leaving``: ids of accounts that are off, from today or from a day to come. What is on record stands, so
    trouble with this look is told and no more.
    """
    from vanvault.recovery.approvals import known_approvals, known_approvers, known_table

    try:
        archive.refresh()
        table = known_table(archive).table
        if not table.on:
            return
        people = known_approvers(archive, known_approvals(archive))
    except VanVaultError as error:
        warn(f"whether enough people are left who can approve is not known: {error.message}")
        return
    able = [one.name for one in people if not one.cannot and one.id not in leaving]
    if len(able) < table.least_people:
        warn(
            f"{len(able)} people are left who can approve ({', '.join(able) or 'nobody'}), and the table of"
            f" acts takes {table.least_people}. {_WAY_OUT}"
        )


def _takes_an_approver(change: AccountChange) -> bool:
    if change.kind == "role-revoked":
        role = str(change.detail.get("role"))
        return role in ROLES and "approve" in ROLES[role].permissions
    ends = change.kind == "changed" and change.detail.get("valid_until") is not None
    return ends or change.kind in ("suspended", "identity-removed")


def _may_come_to_approve(archive: Archive, account: Account) -> bool:
    """Does it hold a role that permits to approve, today or later?"""
    today = vietnam_day(archive.clock.now())
    return any(
        "approve" in ROLES[one.role].permissions
        for one in account.grants
        if one.role in ROLES and (one.days.last is None or one.days.last >= today)
    )
