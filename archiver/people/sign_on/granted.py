"""What a provider's groups give: at most what the archive's record allows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def granted_roles(
    on_record: Collection[str], groups: Collection[str], mapping: Mapping[str, Collection[str]]
) -> frozenset[str]:
    """The roles of one session.

    Args:
        on_record: roles that the account has at this moment.
        groups: what the provider says.
        mapping: group -> roles; empty: groups say nothing, and the record alone counts.
    """
    if not mapping:
        return frozenset(on_record)
    given = {role for group in groups for role in mapping.get(group, ())}
    return frozenset(on_record) & given
