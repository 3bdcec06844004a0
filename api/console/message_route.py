"""``/console/messages/{entry_id}``: what the archive knows of one entry; its original for a purpose."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.console.answers import page_answer
from vanvault.api.console.extraction_links import extraction_of_entry
from vanvault.api.console.forms import form_of
from vanvault.api.console.languages import language_of
from vanvault.api.console.message_parts import EntryParts
from vanvault.api.console.pages import MESSAGE, ORIGINAL
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.views.message import MessageView, facts_of
from vanvault.api.console.views.original import MOST_SHOWN_BYTES, OriginalView, exact_text
from vanvault.api.console.views.search import held_at_all
from vanvault.api.console.visits import Visit, visit_of
from vanvault.api.context import node_of, reservation_of
from vanvault.api.looks import looked, reader_of, shows
from vanvault.api.people import SESSION_COOKIE
from vanvault.api.purpose import give_purpose
from vanvault.api.reading import own_holds, read_fresh, run_read, seen_entry
from vanvault.archiver.catalogue import Item
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.readable import text_page
from vanvault.recovery.shown import reading_of

router = APIRouter(route_class=ConsoleRoute)

_WAYS = ("page", "file")
#: A file is saved, never opened by the browser as a page of this host.
_FILE_POLICY = "sandbox; default-src 'none'"


@router.get(MESSAGE.path)
@looked("display", "search", gateways=False)
async def message(request: Request, entry_id: str) -> Response:
    """Facts, transaction, what is owed, receipt, copies, looks: each part as the person may see it."""
    node, reader = node_of(request), reader_of(request)
    visit = await visit_of(request, node)
    item = await _entry(request, entry_id)
    (shown,), withheld = reader.sight.shown([item])
    shows(request, [entry_id])
    holds = (await run_read(node, lambda: own_holds(node, [item])))[entry_id]
    parts = EntryParts(request, node, visit, reader, item)
    looks = await parts.looks()  # first: the others are looks themselves
    view = MessageView(
        id=entry_id,
        is_message=item["entry"] == "message",
        facts=facts_of({**shown, "held": held_at_all(shown, holds)}),
        holds=(holds or ()) if visit.may("see-access") else (),
        withheld=tuple(withheld),
        case=await parts.case(language_of(request)),
        receipt=await parts.receipt(),
        looks=looks,
        original=parts.original(),
        extract=extraction_of_entry(node, item) if _may_be_extracted(visit, item) else "",
    )
    return page_answer(request, MESSAGE, view=view)


@router.post(ORIGINAL.path)
async def original(request: Request, entry_id: str) -> Response:
    """The bytes, on a page or as a file, for the purpose that the form gives."""
    node = node_of(request)
    await visit_of(request, node)
    given = await form_of(request, node, request.cookies.get(SESSION_COOKIE, ""))
    way = given.get("as", "page")
    if way not in _WAYS or set(given) - {"as", "purpose"}:
        raise InvalidInput("the form has purpose, and as: page or file", field="as")
    give_purpose(request, given.get("purpose", ""))
    return await (_page(request, entry_id=entry_id) if way == "page" else _file(request, entry_id=entry_id))


@looked("original", "originals", gateways=False, purpose=True)
async def _page(request: Request, entry_id: str) -> Response:
    node, language = node_of(request), language_of(request)
    item = await _entry(request, entry_id)
    size = int(item["size"])
    reservation_of(request).reserve(8 * min(size, MOST_SHOWN_BYTES) + 4 * size)
    body = await run_read(node, lambda: node.archive.original(item))
    reading = await run_read(node, lambda: text_page(reading_of(node.archive, item, language)))
    shows(request, [entry_id])
    sha256 = hashlib.sha256(body).hexdigest()
    view = OriginalView(
        id=entry_id,
        size=len(body),
        sha256=sha256,
        unchanged=sha256 == item["sha256"],
        readable=reading,
        text=exact_text(body),
        cut=len(body) > MOST_SHOWN_BYTES,
        purpose=reader_of(request).purpose,
    )
    return page_answer(request, ORIGINAL, view=view)


@looked("original", "originals", gateways=False, purpose=True)
async def _file(request: Request, entry_id: str) -> Response:
    node = node_of(request)
    item = await _entry(request, entry_id)
    reservation_of(request).reserve(3 * int(item["size"]))
    body = await run_read(node, lambda: node.archive.original(item))
    shows(request, [entry_id])
    headers = {
        "Content-Disposition": f'attachment; filename="{entry_id}"',
        "Content-Security-Policy": _FILE_POLICY,
        "Vanvault-Sha256": item["sha256"],
    }
    return Response(body, media_type="application/octet-stream", headers=headers)


def _may_be_extracted(visit: Visit, item: Item) -> bool:
    return visit.may("extract") and item["gateway"] != SYSTEM_GATEWAY


async def _entry(request: Request, entry_id: str) -> Item:
    """The entry, as the API's routes find it. Raises NotFound, AccessDenied, Busy."""
    node, reader = node_of(request), reader_of(request)
    return await read_fresh(node, lambda fresh: fresh.find(node, lambda: seen_entry(node, reader, entry_id)))
