"""The table of roles: what it must never permit, whoever edits it."""

from __future__ import annotations

from itertools import combinations

import pytest

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.people.accounts import PERMISSIONS, ROLES, Permission
from vanvault.archiver.people.accounts.roles import check_role, conflicting

#: What shows somebody's entry, or takes it away.
READING: set[Permission] = {"search", "receipts", "originals", "export", "extract"}

#: Every set of roles that one account may hold at a time.
TOGETHER = [
    roles
    for size in range(len(ROLES) + 1)
    for roles in combinations(sorted(ROLES), size)
    if not conflicting(roles)
]


def permitted(roles: tuple[str, ...]) -> set[Permission]:
    return set().union(*(ROLES[role].permissions for role in roles))


def test_every_permission_belongs_to_some_role_and_every_role_has_some() -> None:
    assert permitted(tuple(ROLES)) == set(PERMISSIONS)
    assert all(role.permissions for role in ROLES.values())
    assert all(name == role.name for name, role in ROLES.items())


def test_no_account_may_do_everything_with_all_roles_that_it_may_hold_together() -> None:
    assert [roles for roles in TOGETHER if permitted(roles) == set(PERMISSIONS)] == []


def test_who_manages_accounts_reads_no_entry() -> None:
    managing = [roles for roles in TOGETHER if "manage-accounts" in permitted(roles)]
    assert managing
    assert [roles for roles in managing if permitted(roles) & READING] == []


def test_only_persons_approve_manage_accounts_and_see_the_record_of_looks() -> None:
    services = set().union(*(role.permissions for role in ROLES.values() if role.for_services))
    assert services & {"approve", "manage-accounts", "see-access", "extract"} == set()


def test_roles_that_exclude_each_other_are_named_both() -> None:
    assert conflicting(["account-manager", "auditor-log", "approver"]) == {"account-manager", "auditor-log"}
    assert conflicting(["auditor-log", "auditor-original", "extractor"]) == set()
    assert conflicting(["account-manager", "of a version to come"]) == set()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("admin", "person"),
        ("", "person"),
        ("Approver", "person"),
        ("gateway", "service"),
        ("gateway", "person"),
        ("approver", "service"),
        ("account-manager", "service"),
        ("security-officer", "service"),
        ("extractor", "service"),
    ],
)
def test_what_is_no_role_for_this_kind_of_account_is_refused(name: str, kind: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_role(name, kind)  # type: ignore[arg-type]
    assert refused.value.field == "role"
    assert refused.value.hint
