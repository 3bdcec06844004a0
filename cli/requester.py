"""Who asks at this command line, and the approval of others before an act: one rule for all verbs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from vanvault.archiver.core.errors import KeyUnavailable
from vanvault.cli.context import open_archive
from vanvault.cli.output import warn
from vanvault.cli.person import person_at

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.archiver.people.approvals import Requester
    from vanvault.recovery.approvals import GoodApproval


def approved(
    archive: Archive, act: str, subject: Mapping[str, object], *, beneficiaries: Collection[str] = ()
) -> GoodApproval | None:
    """Before an act: the approval of exactly this, used up by that; None where the table asks for none.

    Raises ApprovalNeeded, and what ``recovery.approvals.need`` raises.
    """
    from vanvault.recovery.approvals import asks, need

    if not asks(archive, act):
        return None
    return need(archive, act, subject, requester_of(archive), beneficiaries=beneficiaries)


def is_approved(archive: Archive, act: str, subject: Mapping[str, object]) -> None:
    """Long before an act: would it go on? Uses nothing up. Raises as ``approved``."""
    from vanvault.recovery.approvals import asks, need

    if asks(archive, act):
        need(archive, act, subject, requester_of(archive), use=False)


def approved_at(home: Path, acts: Sequence[str], subject: Mapping[str, object]) -> None:
    """The same for a verb that opens the archive by itself; of several acts the one with most approvals.

    Without its keys no archive can be read, so that is not asked: who brings them back has the shares. Where
    it is known to be asked for, nothing goes on without it. Raises as ``approved``.
    """
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(open_archive(home))
            act = _strictest(archive, acts)
        except KeyUnavailable as error:
            warn(f"whether this needs approval is not known: {error.message}")
            return
        if act is not None:
            approved(archive, act, subject)


def _strictest(archive: Archive, acts: Sequence[str]) -> str | None:
    """Of the acts that the table asks for, the one that takes most approvals; of equal ones the first."""
    from vanvault.recovery.approvals import asks, known_table

    asked = [one for one in acts if asks(archive, one)]
    table = known_table(archive).table
    return max(asked, key=lambda one: table.rule(one).approvals, default=None)


def requester_of(archive: Archive) -> Requester:
    """Who signed on here, else the account of the operating system. Raises what reading accounts raises."""
    from vanvault.archiver.people.approvals import Requester
    from vanvault.recovery.accounts import current_accounts
    from vanvault.recovery.approvals import requester_here

    person = person_at(archive)
    if person is None:
        return requester_here(current_accounts(archive))
    return Requester(person.account.name, person.account.id)
