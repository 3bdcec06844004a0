"""The table in force: an event, because a file can be changed by one person."""

from __future__ import annotations

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.approvals import LEAST_PEOPLE, ApprovalTable, Requester
from vanvault.recovery.approvals.need import need
from vanvault.recovery.approvals.reading import known_approvals


def set_table(archive: Archive, table: ApprovalTable, who: Requester) -> bool:
    """Put a table in force, at the sites of the archive's policy. False: it is in force already.

    Raises InvalidInput (fewer people may approve than it takes), ApprovalNeeded (it is weaker than the one in
    force: others approve that first), and what ``need`` raises.
    """
    archive.refresh()
    known = known_approvals(archive)
    if known.book.table_at is not None and known.table.as_json() == table.as_json():
        return False
    people = known.who_may_approve()
    least = max(LEAST_PEOPLE, table.most_approvals + 1)
    if table.on and len(people) < least:
        raise InvalidInput(
            f"this table takes {least} people who may approve, and there are {len(people)}",
            field="approvals.on",
            hint="Give more people the role: vanvault account grant NAME approver.",
        )
    told = table.as_json()
    good = need(archive, "approval-table", {"table": told}, who) if table.is_weaker(known.table) else None
    request = good.request if good else ""
    archive.record(EventType.APPROVAL_TABLE_SET, {"table": told, "request": request, "who": who.name})
    return True
