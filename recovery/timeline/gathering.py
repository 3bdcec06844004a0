"""All entries of one transaction: those that name it, and those that are linked to it.

Links: ``archiver/retention/linking.py``. Only entries of the transaction's own gateway count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Item, Query, Unread
from vanvault.archiver.core.errors import InvalidInput, NotFound
from vanvault.archiver.retention import Subject, transaction_among, transaction_form

#: Messages and dossier numbers of one transaction that are followed to entries which name no transaction.
_MOST_LINKS = 1000


class Gathering:
    """Reads one transaction; ``unread`` has what could not be looked at."""

    def __init__(self, archive: ArchiveReader) -> None:
        self._search = archive.search
        self._unread: dict[str, Unread] = {}
        self._found: dict[tuple[tuple[str, str], ...], list[Item]] = {}  # by what was asked

    @property
    def unread(self) -> tuple[str, ...]:
        """Objects that could not be read, sorted."""
        return tuple(sorted(self._unread))

    @property
    def unread_parts(self) -> tuple[Unread, ...]:
        """The same, with why, and the times of what is in them."""
        return tuple(self._unread[key] for key in sorted(self._unread))

    def of_entry(self, item: Item) -> tuple[Subject, list[Item]]:
        """The transaction of an entry, or the entry as its own. Raises SiteUnavailable, Damaged."""
        transaction = item["transaction_id"] or self._linked_to(item)
        if not transaction:
            return Subject(item["gateway"], "", item["id"]), [item]
        return Subject(item["gateway"], transaction, item["id"]), self._all_of(item["gateway"], transaction)

    def of_transaction(self, transaction: str, gateway: str = "") -> tuple[Subject, list[Item]]:
        """A transaction by its id.

        Raises NotFound; InvalidInput: several gateways have one of this id, and none is named;
        SiteUnavailable, Damaged.
        """
        gateways = sorted({item["gateway"] for item in self._timeline(transaction, gateway)})
        if not gateways:
            raise NotFound("the archive holds nothing of this transaction")
        if len(gateways) > 1:
            raise InvalidInput(
                f"several gateways have a transaction of this id: {', '.join(gateways)}",
                field="gateway",
                hint="Name one of them.",
            )
        return Subject(gateways[0], transaction), self._all_of(gateways[0], transaction)

    def with_dossier_number(self, number: str, gateway: str = "") -> list[Item]:
        """Entries with a dossier number, without where they lie. Raises SiteUnavailable, Damaged."""
        if not number.strip() or len(number) > Query.MAX_VALUE:
            return []
        return self._every({"dossier_number": number} | ({"gateway": gateway} if gateway else {}))

    def complete(self, items: Iterable[Item]) -> list[Item]:
        """The same with where they lie. Raises SiteUnavailable, Damaged."""
        return [self._search.entry(item["id"]) for item in items]

    def _all_of(self, gateway: str, transaction: str) -> list[Item]:
        found = {item["id"]: item for item in self._timeline(transaction, gateway)}
        form = transaction_form(transaction)
        messages = {
            one["message_id"] for one in found.values() if one["entry"] != "event" and one["message_id"]
        }
        dossiers = {one["dossier_number"] for one in found.values() if one["dossier_number"]}
        for field, values in (("message_id", messages), ("dossier_number", dossiers)):
            if len(values) > _MOST_LINKS:
                raise InvalidInput(
                    f"the transaction has more than {_MOST_LINKS} values of {field}", field="transaction"
                )
            for value in sorted(values):
                for item in self._every({field: value, "gateway": gateway}):
                    if not item["transaction_id"] and transaction_form(self._linked_to(item)) == form:
                        found[item["id"]] = self._search.entry(item["id"])
        return list(found.values())

    def _linked_to(self, item: Item) -> str:
        gateway = item["gateway"]
        if item["entry"] == "event" and item["message_id"]:
            # A message that was disposed of still says of which transaction it was.
            among = self._every({"message_id": item["message_id"], "gateway": gateway})
            messages = [one for one in among if one["entry"] != "event"]
            if transaction := transaction_among(messages):
                return transaction
        if item["dossier_number"]:
            return transaction_among(
                self._every({"dossier_number": item["dossier_number"], "gateway": gateway})
            )
        return ""

    def _timeline(self, transaction: str, gateway: str) -> list[Item]:
        page = self._search.timeline(transaction, gateway)
        for one in page.unread:
            self._note(one)
        return page.items

    def _every(self, filters: dict[str, str]) -> list[Item]:
        note: Callable[[Unread], None] = self._note
        asked = tuple(sorted(filters.items()))
        if asked not in self._found:
            self._found[asked] = list(self._search.every(Query(filters=filters), note))
        return self._found[asked]

    def _note(self, one: Unread) -> None:
        self._unread[one.object] = one
