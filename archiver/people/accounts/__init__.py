"""Accounts of people and services: which roles they hold from when to when, and what these permit.

Folded from events of the archive, and judged at each request.
"""

from __future__ import annotations

from vanvault.archiver.people.accounts.changes import AboutChange, AccountChange, AccountChanges, NewAccount
from vanvault.archiver.people.accounts.fold import ACCOUNT_EVENTS, fold
from vanvault.archiver.people.accounts.judging import (
    IDLE_DAYS,
    AccountStanding,
    Allowed,
    Refused,
    idle_days,
    judge,
    roles_in_force,
    standing_of,
    use_counts,
)
from vanvault.archiver.people.accounts.model import (
    Account,
    Accounts,
    DaySpan,
    ProviderIdentity,
)
from vanvault.archiver.people.accounts.review import (
    REVIEW_MONTHS,
    DueReview,
    due_reviews,
    owner_off,
    review_due,
)
from vanvault.archiver.people.accounts.roles import (
    ACCOUNT_KINDS,
    PERMISSIONS,
    ROLES,
    AccountKind,
    Permission,
)

__all__ = [
    "ACCOUNT_EVENTS",
    "ACCOUNT_KINDS",
    "IDLE_DAYS",
    "PERMISSIONS",
    "REVIEW_MONTHS",
    "ROLES",
    "AboutChange",
    "Account",
    "AccountChange",
    "AccountChanges",
    "AccountKind",
    "AccountStanding",
    "Accounts",
    "Allowed",
    "DaySpan",
    "DueReview",
    "NewAccount",
    "Permission",
    "ProviderIdentity",
    "Refused",
    "due_reviews",
    "fold",
    "idle_days",
    "judge",
    "owner_off",
    "review_due",
    "roles_in_force",
    "standing_of",
    "use_counts",
]
