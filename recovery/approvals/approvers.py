"""Who may approve at this moment, and who of them can sign on for it."""

from __future__ import annotations

from dataclasses import dataclass

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.people.accounts import Allowed, judge
from vanvault.recovery.approvals.reading import KnownApprovals
from vanvault.recovery.sign_on import without_two_factors


@dataclass(frozen=True, slots=True)
class KnownApprover:
    """A person who may approve, by the roles on record."""

    id: str
    name: str
    cannot: str = ""  # why they cannot sign on with two factors, for people; "": they can


def known_approvers(archive: ArchiveReader, known: KnownApprovals) -> tuple[KnownApprover, ...]:
    """By name. Raises Damaged, SiteUnavailable (the index cannot be read)."""
    people = (one for one in known.people.now if one.kind == "person")
    found = [one for one in people if isinstance(judge(one, "approve", known.at), Allowed)]
    without = without_two_factors(archive, found) if found else {}
    return tuple(KnownApprover(one.id, one.name, without.get(one.id, "")) for one in found)
