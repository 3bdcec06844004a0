"""A transaction at every gateway that has one of its id: all of its entries, by receipt or by occurrence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Item, Unread
from vanvault.archiver.core.errors import InvalidInput, NotFound
from vanvault.archiver.core.names import parse_archive_id
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.recovery.timeline.case import Case, case_of, case_of_transaction, occurrence_of

TimelineOrder = Literal["receipt", "occurrence"]


@dataclass(frozen=True, slots=True)
class WholeTransaction:
    """What a number led to; ``cases`` are by gateway, none where only what is unread may hold something."""

    transaction_id: str  # "": a dossier, or an entry, that names no transaction
    cases: tuple[Case, ...]
    unread: tuple[Unread, ...]

    def items(self, by: TimelineOrder) -> list[Item]:
        """All entries, the oldest first. What was written under a clock ahead stands where it counts."""
        found = [item for case in self.cases for item in case.items]
        return sorted(found, key=occurrence_of if by == "occurrence" else _receipt)


def whole_transaction(archive: ArchiveReader, asked: str, gateway: str = "") -> WholeTransaction:
    """A transaction by its id, a dossier number, or an entry of it; of one gateway only, when named.

    Raises NotFound; InvalidInput: several transactions have that number, which are named, or several
    gateways; SiteUnavailable, Damaged.
    """
    page = archive.search.timeline(asked, gateway)
    if page.items:
        gateways = sorted({item["gateway"] for item in page.items})
        cases = [case_of_transaction(archive, asked, one) for one in gateways]
        return _whole(asked, cases, page.unread)
    if page.unread:
        return WholeTransaction(asked, (), page.unread)
    _check_own(archive, asked, gateway)
    case = case_of(archive, asked, gateway)
    return _whole(case.subject.transaction_id, [case], ())


def _check_own(archive: ArchiveReader, asked: str, gateway: str) -> None:
    """Raises NotFound: it is the id of another gateway's entry, of which nothing is told."""
    if not gateway:
        return
    try:
        parse_archive_id(asked)
    except InvalidInput:
        return
    if archive.search.entry(asked)["gateway"] != gateway:
        raise NotFound(f"the archive holds no entry {asked}")


def _whole(transaction: str, cases: list[Case], unread: Iterable[Unread]) -> WholeTransaction:
    parts = {part.object: part for one in cases for part in one.unread_parts}
    parts |= {part.object: part for part in unread}
    return WholeTransaction(transaction, tuple(cases), tuple(parts[key] for key in sorted(parts)))


def _receipt(item: Item) -> int:
    return to_us(parse_rfc3339(str(item.get("counts_as") or item["received_at"])))
