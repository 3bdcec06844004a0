"""What waits for somebody, for the inbox: each kind read as its own page reads it, for who may open that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vanvault.api.accounts_route import SEES_ACCOUNTS, told_accounts
from vanvault.api.console.views.waiting import (
    WaitingLine,
    WaitingShown,
    disposal_lines,
    extraction_lines,
    gap_lines,
    hold_lines,
    report_lines,
    review_lines,
    waiting_of,
)
from vanvault.api.console.visits import Visit
from vanvault.api.freshness import Freshness
from vanvault.api.holds_route import read_holds
from vanvault.api.node import Node
from vanvault.api.reports_route import read_reports
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.people.accounts import Permission, due_reviews
from vanvault.recovery.disposal_record import known_disposals
from vanvault.recovery.extraction import known_extractions

_Read = tuple[list[WaitingLine], bool]


def read_waiting(node: Node, visit: Visit) -> WaitingShown:
    """All of it, by what is on record and known to this node; what cannot be read is told beside the rest."""
    lines: list[WaitingLine] = []
    hidden, trouble, complete = [], "", True
    for kind, permissions, read in _KINDS:
        if not any(map(visit.may, permissions)):
            hidden.append(kind)
            continue
        try:
            found, whole = read(node, visit)
        except VanVaultError as error:
            trouble = trouble or error.message
            continue
        lines += found
        complete = complete and whole
    return replace(waiting_of(lines), hidden=tuple(hidden), complete=complete, trouble=trouble)


def _reports(node: Node, visit: Visit) -> _Read:
    _, due, whole = read_reports(node)
    return report_lines(due), whole


def _reviews(node: Node, visit: Visit) -> _Read:
    told = told_accounts(node)
    return review_lines(due_reviews(told.accounts, told.now)), not told.accounts.lacking


def _holds(node: Node, visit: Visit) -> _Read:
    holds, whole = read_holds(node, everything=False)
    return hold_lines(holds), whole


def _disposals(node: Node, visit: Visit) -> _Read:
    fresh = Freshness.awaited(node)
    known = known_disposals(node.archive)
    return disposal_lines(known), not (known.lacking or fresh.unread)


def _extractions(node: Node, visit: Visit) -> _Read:
    """As ``/v1/extractions``: one's own; those of others for who approves or sees all looks."""
    known = known_extractions(node.archive)
    everybody = visit.may("approve") or visit.may("see-access")
    seen = [one for one in known if everybody or one.who == visit.name]
    return extraction_lines(seen, visit.now), not (known.lacking or node.archive.behind)


def _gaps(node: Node, visit: Visit) -> _Read:
    facts = node.duties.conditions.facts
    conflicts = 0 if facts is None else facts.seen.conflicts
    return gap_lines(node.archive.health.snapshot(), conflicts), facts is not None


#: Kind, what permits it (one of these), and how it is read.
_KINDS: tuple[tuple[str, tuple[Permission, ...], Callable[[Node, Visit], _Read]], ...] = (
    ("waiting:reports", ("see-access",), _reports),
    ("waiting:review", SEES_ACCOUNTS, _reviews),
    ("waiting:hold", ("see-access",), _holds),
    ("waiting:disposal", ("verify-results",), _disposals),
    ("waiting:extraction", ("extract", "approve", "see-access"), _extractions),
    ("waiting:gaps", ("verify-results",), _gaps),
)
