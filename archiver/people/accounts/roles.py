"""Roles and permissions: a table, so that nobody can make a role that may do everything. Pure.

Which role an account holds, from which day to which, is on record; what a role permits is this table, which
changes only with the program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, get_args

from vanvault.archiver.core.errors import InvalidInput

Permission = Literal[
    "push",  # archive messages and events
    "read-own",  # search and fetch what the same account archived
    "search",  # search, count and lay out in time, across gateways
    "receipts",  # fetch receipts of any gateway
    "originals",  # display or fetch originals of any gateway
    "export",  # take originals and receipts away
    "verify-results",  # read results of verifications and drills
    "extract",  # ask for an extraction by form, and run an approved one
    "approve",  # approve or refuse what others asked for
    "manage-accounts",  # add, change, suspend and review accounts, and grant roles
    "see-access",  # read the record of looks
    "operate",  # the verbs of an operator that show no entry
]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

AccountKind = Literal["person", "service"]
ACCOUNT_KINDS: tuple[AccountKind, ...] = get_args(AccountKind)

#: The role that every gateway has and nobody else: ``vanvault gateway`` gives and takes it.
GATEWAY_ROLE = "gateway"


@dataclass(frozen=True, slots=True)
class Role:
    """What an account may do that holds it."""

    name: str
    vietnamese: str
    permissions: frozenset[Permission]
    for_services: bool = False  # may an account that is no person hold it?
    excludes: frozenset[str] = frozenset()  # roles that no account may hold on the same day


def _role(
    name: str,
    vietnamese: str,
    *permissions: Permission,
    for_services: bool = False,
    excludes: Iterable[str] = (),
) -> Role:
    return Role(name, vietnamese, frozenset(permissions), for_services, frozenset(excludes))


_READERS = ("auditor-log", "auditor-original", "extractor")
_MANAGER = "account-manager"

#: By name. Who manages accounts reads no entry and its readers manage none, so no account may do everything.
ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        _role(GATEWAY_ROLE, "cổng kết nối", "push", "read-own", for_services=True),
        _role("operator", "người vận hành", "operate", "verify-results", for_services=True),
        _role(
            "auditor-log",
            "kiểm tra viên nhật ký",
            "search",
            "receipts",
            "verify-results",
            for_services=True,
            excludes=[_MANAGER],
        ),
        _role(
            "auditor-original",
            "kiểm tra viên bản gốc",
            "search",
            "receipts",
            "originals",
            "export",
            "verify-results",
            for_services=True,
            excludes=[_MANAGER],
        ),
        _role("extractor", "người khai thác dữ liệu", "search", "extract", excludes=[_MANAGER]),
        _role("approver", "người phê duyệt", "approve"),
        _role(_MANAGER, "người quản lý tài khoản", "manage-accounts", excludes=_READERS),
        _role("security-officer", "cán bộ an toàn thông tin", "see-access", "verify-results"),
    )
}


def check_role(name: str, kind: AccountKind) -> Role:
    """The role of this name, which an account of this kind may be given. Raises InvalidInput."""
    role = ROLES.get(name)
    if role is None:
        raise InvalidInput(
            f"there is no role {name[:40]!r}", field="role", hint=f"One of: {', '.join(ROLES)}."
        )
    if name == GATEWAY_ROLE:
        raise InvalidInput(
            "the role gateway belongs to gateways only",
            field="role",
            hint="Add one with its token: vanvault gateway add.",
        )
    if kind == "service" and not role.for_services:
        raise InvalidInput(f"the role {name} is for persons only", field="role", hint="Give it to a person.")
    return role


def conflicting(names: Iterable[str]) -> frozenset[str]:
    """Those of these roles that exclude each other."""
    known = [ROLES[name] for name in sorted(set(names)) if name in ROLES]
    pairs = (
        {one.name, other.name}
        for one, other in combinations(known, 2)
        if one.name in other.excludes or other.name in one.excludes
    )
    return frozenset(name for pair in pairs for name in pair)
