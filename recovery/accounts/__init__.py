"""Verbs about accounts, each of which is an event; and what a node knows of all accounts."""

from __future__ import annotations

from vanvault.recovery.accounts.reading import (
    SEEN_EVENTS,
    AccountRecord,
    accounts_at,
    current_accounts,
    read_account_record,
)
from vanvault.recovery.accounts.telling import GONE_STATES, account_as_json
from vanvault.recovery.accounts.verbs import (
    AccountOutcome,
    Desk,
    add_account,
    add_identity,
    change_account,
    confirm_accounts,
    grant_role,
    remove_identity,
    resume_account,
    revoke_role,
    suspend_account,
)
from vanvault.recovery.accounts.view import AccountsView

__all__ = [
    "GONE_STATES",
    "SEEN_EVENTS",
    "AccountOutcome",
    "AccountRecord",
    "AccountsView",
    "Desk",
    "account_as_json",
    "accounts_at",
    "add_account",
    "add_identity",
    "change_account",
    "confirm_accounts",
    "current_accounts",
    "grant_role",
    "read_account_record",
    "remove_identity",
    "resume_account",
    "revoke_role",
    "suspend_account",
]
