"""The parts of an entry's page: each read as its route of the API reads it, with a look of its own on record.

A part that this person may not see says which roles may; one that cannot be read now says why, and the others
are shown all the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request

from vanvault.api.console.looks_on_page import look_on_page
from vanvault.api.console.pages import roles_with
from vanvault.api.console.views.message import (
    CaseShown,
    CopyShown,
    LooksShown,
    PartShown,
    look_gaps,
    receipt_shown,
    steps_of,
)
from vanvault.api.console.visits import Visit
from vanvault.api.freshness import OTHER_NODES, Freshness, others_until
from vanvault.api.looks import Reader
from vanvault.api.node import Node
from vanvault.api.reading import run_read
from vanvault.archiver.catalogue import Item
from vanvault.archiver.core.errors import AccessDenied, VanVaultError
from vanvault.archiver.people.accounts import Permission
from vanvault.archiver.retention import Owed
from vanvault.recovery.access import look_query, seen_looks
from vanvault.recovery.documents import Language
from vanvault.recovery.retention import retention_of
from vanvault.recovery.timeline import Case, case_of

_log = structlog.get_logger("vanvault.console")
_MOST_LOOKS = "20"


class EntryParts:
    """Reads the parts of one entry's page for one visit."""

    def __init__(self, request: Request, node: Node, visit: Visit, reader: Reader, item: Item) -> None:
        self._request, self._node, self._visit = request, node, visit
        self._reader, self._item = reader, item
        self._id: str = item["id"]

    async def case(self, language: Language) -> PartShown:
        """Its transaction, and what is owed: as ``/v1/transactions`` and ``retention show`` have it."""

        async def read() -> PartShown:
            def find() -> tuple[Case, Owed]:
                case = case_of(self._node.archive, self._id)
                return case, retention_of(self._node.archive, case)

            case, owed = await run_read(self._node, find)
            items, _ = self._reader.sight.shown(case.items)
            await look_on_page(
                self._request,
                self._node,
                self._visit,
                "timeline",
                "search",
                asked={"id": self._id},
                shown=[one["id"] for one in items],
            )
            copies = tuple(CopyShown(one.site, one.key, one.retain_until, one.problem) for one in owed.locks)
            stored = self._visit.may("receipts")
            return PartShown(
                case=CaseShown(
                    steps_of(items, self._id),
                    tuple(owed.sentences(language, stored=stored)),
                    copies if stored else None,
                    len(owed.unread),
                )
            )

        return await self._part("search", read)

    async def receipt(self) -> PartShown:
        """Its receipt, checked here as ``vanvault receipt verify`` checks it."""

        async def read() -> PartShown:
            receipt = await run_read(self._node, lambda: self._node.archive.receipts.of(self._id))
            shown = receipt_shown(receipt, self._item, self._node.archive.signing.public)
            await look_on_page(
                self._request,
                self._node,
                self._visit,
                "receipt",
                "receipts",
                asked={"id": self._id},
                shown=[self._id],
            )
            return PartShown(receipt=shown)

        return await self._part("receipts", read)

    async def looks(self) -> PartShown:
        """Who has looked at it, as ``/v1/access`` tells."""

        async def read() -> PartShown:
            archive = self._node.archive
            asked = {"message": self._id, "limit": _MOST_LOOKS}
            fresh = await run_read(self._node, lambda: Freshness.awaited(self._node))
            now, others = archive.clock.now(), others_until(self._node)
            found = await run_read(self._node, lambda: seen_looks(archive.search, look_query(archive, asked)))
            ids = [one.id for one in found.looks]
            await look_on_page(
                self._request, self._node, self._visit, "access", "see-access", asked=asked, shown=ids
            )
            gaps = look_gaps(fresh.unread, OTHER_NODES)
            return PartShown(looks=LooksShown(tuple(found.looks), found.more, now, others, gaps))

        return await self._part("see-access", read)

    def original(self) -> PartShown:
        """May this person ask for the bytes?"""
        may = self._visit.may("originals")
        return PartShown() if may else PartShown(needs="originals", roles=roles_with("originals"))

    async def _part(self, needs: Permission, read: Callable[[], Awaitable[PartShown]]) -> PartShown:
        if not self._visit.may(needs):
            return PartShown(needs=needs, roles=roles_with(needs))
        try:
            return await read()
        except AccessDenied:
            raise  # the right ended while the page was made
        except VanVaultError as error:
            _log.warning("a part of a page cannot be read", kind=type(error).__name__)
            return PartShown(trouble=error.message)
