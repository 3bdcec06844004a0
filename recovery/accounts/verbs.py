"""The verbs: each reads the accounts on record, checks what is asked for, and records one event of it.

Accounts are nowhere else, so a verb needs sites that take the event: those of the policy for what gives a
right, any one for what takes it. What it says is seen by every node that
folds it, within seconds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Conflict, InvalidInput, SiteUnavailable, VanVaultError
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.people.accounts import (
    AboutChange,
    Account,
    AccountChange,
    AccountChanges,
    Accounts,
    DaySpan,
    NewAccount,
    ProviderIdentity,
    due_reviews,
)
from vanvault.recovery.accounts.reading import current_accounts
from vanvault.recovery.work import QUIET, Observer

_ID_BYTES = 8

#: Kinds of events that take a right away.
_TAKING = ("suspended", "role-revoked", "identity-removed", "withdrawn")


def _nobody_asks(change: AccountChange) -> None:
    """The change is made."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where accounts are changed, by whom, and who is told about it."""

    archive: Archive
    who: str  # goes on record
    observer: Observer = QUIET
    #: Told each change before it is recorded: raises where others must approve it first.
    ask: Callable[[AccountChange], object] = _nobody_asks


@dataclass(frozen=True, slots=True)
class AccountOutcome:
    """An account after a verb; ``already``: the record said so before, and nothing was done."""

    account: Account
    already: bool = False


def add_account(desk: Desk, new: NewAccount) -> AccountOutcome:
    """Add a person or a service. Needs a site that answers, because a name is never given twice.

    Raises InvalidInput, Conflict (the name is or was somebody's, maybe of another home at this moment),
    SiteUnavailable, KeyUnavailable, Damaged.
    """
    archive = desk.archive
    accounts = _current(desk)
    id = f"a-{archive.entropy.token(_ID_BYTES).hex()}"
    _record(desk, [AccountChanges(accounts, archive.clock.now()).add(new, id)])
    _check_claimed_alone(desk, id, new.name)
    return AccountOutcome(_known(desk).by_id[id])


def change_account(desk: Desk, name: str, asked: AboutChange) -> AccountOutcome:
    """Other texts or days. Raises NotFound, InvalidInput, SiteUnavailable, KeyUnavailable, Damaged."""
    return _one(desk, name, lambda changes, account: changes.change(account, asked))


def grant_role(desk: Desk, name: str, role: str, days: DaySpan) -> AccountOutcome:
    """A role for these days, from today on at the earliest. Raises as ``change_account``."""
    return _one(desk, name, lambda changes, account: changes.grant(account, role, days))


def revoke_role(desk: Desk, name: str, role: str, first: date | None) -> AccountOutcome:
    """Without a role from a day on; None: today. Raises as ``change_account``."""
    return _one(desk, name, lambda changes, account: changes.revoke(account, role, first))


def suspend_account(desk: Desk, name: str, reason: str, first: date | None) -> AccountOutcome:
    """Off from a day on; None: today. A day in the past counts from then. Raises as ``change_account``."""
    return _one(desk, name, lambda changes, account: changes.suspend(account, reason, first))


def resume_account(desk: Desk, name: str, reason: str) -> AccountOutcome:
    """Lift all suspensions; bring an idle account back. Raises as ``change_account``."""
    return _one(desk, name, lambda changes, account: changes.resume(account, reason))


def add_identity(desk: Desk, name: str, identity: ProviderIdentity) -> AccountOutcome:
    """Let a provider's user be this account. Raises as ``change_account``, Conflict (another's)."""
    return _one(desk, name, lambda changes, account: changes.add_identity(account, identity))


def remove_identity(desk: Desk, name: str, identity: ProviderIdentity) -> AccountOutcome:
    """Let a provider's user not be this account any more. Raises as ``change_account``."""
    return _one(desk, name, lambda changes, account: changes.remove_identity(account, identity))


def confirm_accounts(desk: Desk, names: Sequence[str], *, all_due: bool = False) -> tuple[Account, ...]:
    """Confirm that these accounts are needed as they are, or all that are due; in one commit.

    Raises NotFound (one of them: nothing is recorded), InvalidInput (nobody is named), SiteUnavailable,
    KeyUnavailable, Damaged.
    """
    if bool(names) == all_due:
        raise InvalidInput("name accounts, or all that are due", field="account", hint="NAME... or --all")
    accounts, now = _current(desk), desk.archive.clock.now()
    if all_due:
        found = [one.account for one in due_reviews(accounts, now)]
    else:
        found = [accounts.get(name) for name in dict.fromkeys(names)]
    if found:
        changes = AccountChanges(accounts, now)
        _record(desk, [changes.confirm(account) for account in found])
    after = _known(desk)
    return tuple(after.by_id[one.id] for one in found)


def _one(
    desk: Desk, name: str, change: Callable[[AccountChanges, Account], AccountChange | None]
) -> AccountOutcome:
    accounts = _current(desk)
    account = accounts.get(name)
    made = change(AccountChanges(accounts, desk.archive.clock.now()), account)
    if made is None:
        return AccountOutcome(account, already=True)
    _record(desk, [made])
    return AccountOutcome(_known(desk).by_id[account.id])


def _current(desk: Desk) -> Accounts:
    """The accounts, after a look at every site that answers. Raises SiteUnavailable (none), Damaged."""
    for site in desk.archive.refresh().away:
        desk.observer.warn(f"the site {site} is away; what only it knows of accounts is not seen")
    accounts = _known(desk)
    for part in accounts.lacking:
        desk.observer.warn(f"a part of the record of accounts cannot be read: {part}")
    return accounts


def _known(desk: Desk) -> Accounts:
    return current_accounts(desk.archive)


def _record(desk: Desk, changes: Sequence[AccountChange]) -> None:
    """In one commit, under the archive's time once the clocks were found right.

    What takes a right away does not wait for a site: where the policy asks for one that is away, it is
    written aside to those that are there, later than all that is known here.
    """
    archive = desk.archive
    for change in changes:
        desk.ask(change)
    made: list[EventDraft] = []

    def events() -> list[EventDraft]:
        made[:] = [archive.system_event(one.type, {**one.detail, "who": desk.who}) for one in changes]
        return made

    try:
        archive.record_events(events)
    except SiteUnavailable as error:
        if any(one.kind not in _TAKING for one in changes):
            raise
        after = archive.tail.last_received_us()
        archive.record_aside(
            [replace(one, received_us=max(one.received_us, after + 1)) for one in made or events()]
        )
        desk.observer.warn(
            f"the site {error.site} is away: this is on record at the other, and reconciliation copies it"
        )


def _check_claimed_alone(desk: Desk, id: str, name: str) -> None:
    """Take a new account back when another home claimed its name at the same moment. Raises Conflict.

    Each home writes its claim before it reads those of others, so at least one of two sees the other.
    """
    archive = desk.archive
    try:
        archive.refresh()
        accounts = _known(desk)
    except (VanVaultError, OSError, sqlite3.OperationalError) as error:
        # The account stands. Where another one has the name, the fold lets one of the two have it.
        desk.observer.warn(f"whether another home used the name {name} just now is not known: {error}")
        return
    others = [one for one in accounts.claimants(name) if one.id != id]
    if others:
        _record(desk, [AccountChanges(accounts, archive.clock.now()).withdraw(id, name)])
        raise Conflict(
            f"another home gave the name {name} to {others[0].id} at the same moment",
            hint="Choose another name.",
        )
