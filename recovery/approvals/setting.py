"""The table in force: an event, because a file can be changed by one person."""

from __future__ import annotations

from collections.abc import Sequence

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.journal import EventType, own_events
from vanvault.archiver.people.approvals import ApprovalTable, Requester
from vanvault.recovery.approvals.approvers import KnownApprover, known_approvers
from vanvault.recovery.approvals.need import need
from vanvault.recovery.approvals.reading import known_approvals


def set_table(archive: Archive, table: ApprovalTable, who: Requester, *, escrow_set: str = "") -> bool:
    """Put a table in force, at the sites of the archive's policy. False: it is in force already.

    ``escrow_set``: the set of the keys' escrow whose shares were shown to open it. They stand for the
    approval: where all who may approve are gone, nobody else could bring them back.

    Raises InvalidInput (fewer people can approve than it takes), ApprovalNeeded (it is weaker than the one in
    force: others approve that first), and what ``need`` raises.
    """
    archive.refresh()
    known = known_approvals(archive)
    if known.book.table_at is not None and known.table.as_json() == table.as_json():
        return False
    _check_people(known_approvers(archive, known), table)
    if escrow_set:
        _check_set(archive, escrow_set)
    told = table.as_json()
    must_ask = table.is_weaker(known.table) and not escrow_set
    good = need(archive, "approval-table", {"table": told}, who) if must_ask else None
    detail: dict[str, object] = {"table": told, "request": good.request if good else "", "who": who.name}
    archive.record(EventType.APPROVAL_TABLE_SET, detail | ({"escrow_set": escrow_set} if escrow_set else {}))
    return True


def _check_people(people: Sequence[KnownApprover], table: ApprovalTable) -> None:
    """Raises InvalidInput: too few can approve. With the table on nobody could give others what they lack."""
    able = [one.name for one in people if not one.cannot]
    if len(able) >= table.least_people:
        return
    unable = "; ".join(f"{one.name} {one.cannot}" for one in people if one.cannot)
    raise InvalidInput(
        f"this table takes {table.least_people} people who may approve and can sign on with two factors,"
        f" and there are {len(able)}{f' ({unable})' if unable else ''}",
        field="approvals.on",
        hint="Give more people the role (vanvault account grant NAME approver), and who cannot sign on a"
        " password and codes: vanvault account credential set NAME --password-file - --codes.",
    )


def _check_set(archive: Archive, escrow_set: str) -> None:
    """Raises InvalidInput: no escrow of this set was put on record, so anybody may have made it."""
    escrowed = own_events(archive.search, EventType.KEYS_ESCROWED)
    if not any(event.detail.get("set") == escrow_set for event in escrowed):
        raise InvalidInput(
            f"no escrow of the set {escrow_set} is on record in this archive",
            field="bundle",
            hint="Take the bundle and the shares of one that is: vanvault status.",
        )
