"""One transaction whole: by its id, by a dossier number, or by an entry of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Item, Unread
from vanvault.archiver.core.errors import InvalidInput, NotFound
from vanvault.archiver.core.names import parse_archive_id
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.retention import Subject
from vanvault.recovery.timeline.gathering import Gathering

_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Case:
    """All entries of one transaction of one gateway, by the time of their occurrence."""

    subject: Subject
    items: tuple[Item, ...]
    unread: tuple[str, ...] = ()  # what could not be read, so entries may be missing
    unread_parts: tuple[Unread, ...] = ()  # the same, with the times of what it may hold

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(item["id"] for item in self.items)


def case_of(archive: ArchiveReader, asked: str, gateway: str = "") -> Case:
    """The transaction with this id, or with this dossier number, or that of the entry with this id.

    Raises NotFound; InvalidInput: several transactions have that number, or several gateways one of that id,
    and ``gateway`` does not say whose; SiteUnavailable, Damaged.
    """
    gathering = Gathering(archive)
    try:
        parse_archive_id(asked)
    except InvalidInput:
        subject, items = _by_name(gathering, asked, gateway)
    else:
        item = archive.search.entry(asked)
        if gateway not in ("", item["gateway"]):
            raise InvalidInput("this entry is another gateway's", field="gateway", hint="Leave it away.")
        subject, items = gathering.of_entry(item)
    return Case(subject, tuple(sorted(items, key=occurrence_of)), gathering.unread, gathering.unread_parts)


def case_of_transaction(archive: ArchiveReader, transaction: str, gateway: str) -> Case:
    """A transaction of one gateway by its id, whatever that looks like. Raises as ``case_of`` does."""
    gathering = Gathering(archive)
    subject, items = gathering.of_transaction(transaction, gateway)
    ordered = tuple(sorted(items, key=occurrence_of))
    return Case(subject, ordered, gathering.unread, gathering.unread_parts)


def _by_name(gathering: Gathering, asked: str, gateway: str) -> tuple[Subject, list[Item]]:
    try:
        return gathering.of_transaction(asked, gateway)
    except NotFound:
        found = gathering.with_dossier_number(asked, gateway)
    if named := _named(found, asked):
        return gathering.of_transaction(named[1], named[0])
    if not found:
        raise NotFound(
            "the archive holds no transaction and no dossier of this number",
            hint="By another field: vanvault search. A dossier number is written as on its receipt.",
        )
    gateways = sorted({item["gateway"] for item in found})
    if len(gateways) > 1:
        raise InvalidInput(
            f"several gateways have this dossier number: {', '.join(gateways)}",
            field="gateway",
            hint="Name one of them.",
        )
    return Subject(gateways[0], ""), gathering.complete(found)


def _named(found: Sequence[Item], number: str) -> tuple[str, str] | None:
    """Gateway and id of the one transaction that these entries name; None: they name none."""
    named = {(item["gateway"], item["transaction_id"]) for item in found if item["transaction_id"]}
    if len(named) > 1:
        some = ", ".join(sorted(f"{transaction} ({of})" for of, transaction in named)[:_MOST_NAMED])
        raise InvalidInput(
            f"{len(named)} transactions have this dossier number: {some}",
            field="transaction_id",
            hint="Name one of them by its id, or its gateway.",
        )
    return next(iter(named), None)


def occurrence_of(item: Item) -> tuple[int, int, str]:
    """Where an entry stands: by its occurrence, of a message its receipt; then by receipt."""
    received = to_us(parse_rfc3339(item["received_at"]))
    occurred = to_us(parse_rfc3339(item["occurred_at"])) if item["entry"] == "event" else received
    return occurred, received, item["id"]
