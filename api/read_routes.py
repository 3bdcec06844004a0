"""Search, messages, originals, receipts, transactions: for gateways each its own, for persons as they may."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, TypeVar

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vanvault.api import openapi
from vanvault.api.asked import exactly_asked
from vanvault.api.context import node_of, reservation_of
from vanvault.api.freshness import Freshness
from vanvault.api.looks import Reader, looked, parsed, reader_of, shows
from vanvault.api.purpose import without_purpose
from vanvault.api.reading import (
    find_page,
    read_fresh,
    run_read,
    search_query,
    seen_entry,
    split_due,
)
from vanvault.api.urls import query_of
from vanvault.archiver.catalogue import HistogramQuery, Item, Page, Query, Unread
from vanvault.archiver.core.errors import AccessDenied, InvalidInput
from vanvault.archiver.core.readable import (
    PAGE_POLICY,
    READING_LANGUAGES,
    ReadingLanguage,
    html_page_of,
    text_page,
)
from vanvault.archiver.people.sight import Withheld
from vanvault.recovery.clearing import cleared_object
from vanvault.recovery.retention import ClockShown, KeptEntry, clock_of_case, kept_entry
from vanvault.recovery.searched import NearMisses, searched_of
from vanvault.recovery.shown import reading_of
from vanvault.recovery.timeline import TimelineOrder, WholeTransaction, whole_transaction

router = APIRouter()

_T = TypeVar("_T")

#: Bytes of an original that are sent at once.
_PIECE_BYTES = 256 * 1024


@router.get("/v1/search", **openapi.SEARCH)
@looked("search", "search")
async def search(request: Request) -> Response:
    """Entries that match every given field, newest first."""
    node, reader = node_of(request), reader_of(request)
    due, given = parsed(request, lambda: split_due(_asked(request, reader)))
    given = exactly_asked(request, given)
    query = parsed(request, lambda: search_query(given, node.archive.search.cursor_key))

    def find(fresh: Freshness) -> tuple[Page, NearMisses, Freshness]:
        return *find_page(node, reader, query, due=due), fresh

    page, near, fresh = await read_fresh(node, find)
    searched = searched_of(query, node.archive.settings.search.calendar()).as_json()
    close = {"near": [one.as_json() for one in near.found], "near_complete": near.complete}
    more = {"next": page.next, "partial": page.partial or None, "searched": searched, **close}
    listed = _listed(request, page, fresh, more)
    if near.count:
        shows(request, (), near.count)
    return _json(listed)


@router.get("/v1/histogram", **openapi.HISTOGRAM)
@looked("count", "search")
async def histogram(request: Request) -> Response:
    """Counts and bytes by day, month, year or a field."""
    node, reader = node_of(request), reader_of(request)
    asked = parsed(request, lambda: HistogramQuery.parse(_asked(request, reader)))
    found, fresh = await read_fresh(node, lambda fresh: (node.archive.histograms.of(asked), fresh))
    shows(request, (), found.entries)
    unread = _unread(found.unread, fresh.unread)
    return _json({**asdict(found), "unread": unread, **asked.days_json()})


@router.get("/v1/messages/{entry_id}", **openapi.MESSAGE)
@looked("display", "search")
async def message(request: Request, entry_id: str) -> Response:
    """What the archive knows about one entry."""
    node, reader = node_of(request), reader_of(request)
    sees_locks = bool(reader.person) and "receipts" in reader.sight.permissions

    def find() -> tuple[Item, dict[str, Any]]:
        item = seen_entry(node, reader, entry_id)
        return item, {"kept": kept_entry(node.archive, item).as_json()} if sees_locks else {}

    item, beside = await read_fresh(node, lambda fresh: fresh.find(node, find))
    shows(request, [entry_id])
    if not reader.person:
        return _json(item)
    (shown,), withheld = reader.sight.shown([item])
    if not sees_locks:
        withheld.append(Withheld("field", "kept", "receipts"))
    return _json({**shown, **beside, "withheld": [one.as_json() for one in withheld]})


@router.get("/v1/messages/{entry_id}/original", **openapi.ORIGINAL)
@looked("original", "originals", purpose=True)
async def original(request: Request, entry_id: str) -> Response:
    """The exact bytes that were pushed."""
    node, reader = node_of(request), reader_of(request)
    item = await read_fresh(node, lambda fresh: fresh.find(node, lambda: seen_entry(node, reader, entry_id)))
    reservation, size = reservation_of(request), int(item["size"])
    reservation.reserve(3 * size)
    archive = node.archive
    body = await run_read(node, lambda: archive.original(item))
    shows(request, [entry_id])
    reservation.release(2 * size)  # the rest is free when all of it was sent
    digest = base64.b64encode(bytes.fromhex(item["sha256"])).decode()
    return _InPieces(
        body,
        headers={
            "Content-Type": item["content_type"] or "application/octet-stream",
            "Content-Disposition": f'attachment; filename="{entry_id}"',
            "Repr-Digest": f"sha-256=:{digest}:",
            "Vanvault-Sha256": item["sha256"],
            "X-Content-Type-Options": "nosniff",
        },
    )


@router.get("/v1/messages/{entry_id}/readable", **openapi.READABLE)
@looked("original", "originals", purpose=True)
async def readable(request: Request, entry_id: str) -> Response:
    """What a message says, for people to read; never in place of the original, whose digest it names."""
    node, reader = node_of(request), reader_of(request)
    language, form = parsed(request, lambda: _reading_asked(request))
    item = await read_fresh(node, lambda fresh: fresh.find(node, lambda: seen_entry(node, reader, entry_id)))
    reservation_of(request).reserve(4 * int(item["size"]))
    reading = await run_read(node, lambda: reading_of(node.archive, item, language))
    shows(request, [entry_id])
    headers = {"Vanvault-Sha256": item["sha256"], "X-Content-Type-Options": "nosniff"}
    if form == "json":
        return Response(orjson.dumps(reading.as_json()), media_type="application/json", headers=headers)
    if form == "text":
        return Response(text_page(reading), media_type="text/plain; charset=utf-8", headers=headers)
    headers["Content-Security-Policy"] = f"{PAGE_POLICY}; frame-ancestors 'none'; sandbox"
    return Response(html_page_of(reading), media_type="text/html; charset=utf-8", headers=headers)


@router.get("/v1/receipts/{entry_id}", **openapi.RECEIPT)
@looked("receipt", "receipts")
async def receipt(request: Request, entry_id: str) -> Response:
    """The receipt of one entry: the first, or the one that followed when that was degraded.

    As at a push that is sent again, a gateway that waits for every site is not given a degraded one.
    """
    node, reader = node_of(request), reader_of(request)

    def find() -> dict[str, Any]:
        seen_entry(node, reader, entry_id)
        found = node.archive.receipts.of(entry_id)
        if reader.gateway:
            refusal = node.archive.policy.refusal(reader.gateway, found, again=True)
            if refusal is not None:
                raise refusal
        return found

    receipt = await read_fresh(node, lambda fresh: fresh.find(node, find))
    cleared = await run_read(node, lambda: cleared_object(node.archive, receipt))
    shows(request, [entry_id])
    answer = _json(receipt)
    if cleared is not None:  # beside the receipt, whose bytes stay as they were signed
        answer.headers["Vanvault-Cleared-Into"] = cleared.segment
        answer.headers["Vanvault-Cleared-At"] = ", ".join(cleared.sites)
    return answer


@router.get("/v1/receipts/{entry_id}/kept", **openapi.KEPT)
@looked("receipt", "receipts")
async def kept(request: Request, entry_id: str) -> Response:
    """Until when an entry is kept at least, by which rule, and the locks that stand at the sites now.

    Beside the receipt, which stays as it was signed: the lock that it names is that of the moment of receipt.
    """
    node, reader = node_of(request), reader_of(request)

    def find() -> KeptEntry:
        item = seen_entry(node, reader, entry_id)
        return kept_entry(node.archive, item, node.archive.receipts.of(entry_id))

    found = await read_fresh(node, lambda fresh: fresh.find(node, find))
    shows(request, [entry_id])
    return _json(found.as_json())


@router.get("/v1/transactions/{transaction_id:path}", **openapi.TRANSACTION)
@looked("timeline", "search")
async def transaction(request: Request, transaction_id: str) -> Response:
    """All of one transaction, the oldest first: by its id, its dossier number, or the id of an entry of it.

    Entries that name no transaction but its message or its dossier number are with it.
    """
    node, reader = node_of(request), reader_of(request)
    by = parsed(request, lambda: _timeline_asked(request, transaction_id))

    def told(fresh: Freshness) -> tuple[WholeTransaction, list[ClockShown], Freshness]:
        whole = fresh.find(node, lambda: whole_transaction(node.archive, transaction_id, reader.gateway))
        return whole, [clock_of_case(node.archive, case) for case in whole.cases], fresh

    whole, clocks, fresh = await read_fresh(node, told)
    listed = _listed(request, Page(whole.items(by), None, unread=whole.unread), fresh)
    retention = [one.as_json() for one in clocks]
    return _json({"transaction_id": whole.transaction_id, **listed, "by": by, "retention": retention})


def _reading_asked(request: Request) -> tuple[ReadingLanguage, str]:
    """Language and form of a reading. Raises InvalidInput."""
    given = dict(without_purpose(query_of(request.scope)))
    asked = given.pop("lang", "en")
    language = next((one for one in READING_LANGUAGES if one == asked), None)
    if language is None:
        raise InvalidInput(f"lang is one of {', '.join(READING_LANGUAGES)}", field="lang")
    form = given.pop("form", "json")
    if form not in ("json", "text", "html"):
        raise InvalidInput("form is json, text or html", field="form")
    if given:
        name = min(given)[:40]
        raise InvalidInput(f"there is no parameter {name!r}", field=name, hint="Known: form, lang, purpose.")
    return language, form


def _timeline_asked(request: Request, id: str) -> TimelineOrder:
    """By which time a transaction is asked for. Raises InvalidInput."""
    if not id.strip() or len(id) > Query.MAX_VALUE:
        raise InvalidInput("this is no transaction id", field="transaction_id")
    by = [value for name, value in query_of(request.scope) if name == "by"]
    if len(by) > 1 or not set(by) <= {"receipt", "occurrence"}:
        raise InvalidInput("by is receipt or occurrence, once", field="by")
    return "occurrence" if by == ["occurrence"] else "receipt"


def _asked(request: Request, reader: Reader) -> list[tuple[str, str]]:
    """The URL's parameters; a gateway asks within its own entries. Raises AccessDenied."""
    given = query_of(request.scope)
    if reader.person:
        return without_purpose(given)
    if any(name == "gateway" and value != reader.gateway for name, value in given):
        raise AccessDenied("a gateway may search its own entries only", authenticated=True)
    return [*((name, value) for name, value in given if name != "gateway"), ("gateway", reader.gateway)]


def _listed(
    request: Request, page: Page, fresh: Freshness, more: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """The entries that the reader may see, as they go into an answer; a person is told what is left out."""
    reader, items = reader_of(request), page.items
    withheld: dict[str, Any] = {}
    if reader.person:
        items, left_out = reader.sight.shown(page.items)
        withheld["withheld"] = [one.as_json() for one in left_out]
    shows(request, [item["id"] for item in items])
    return {"items": items, **more, "unread": _unread(page.unread, fresh.unread), **withheld}


def _unread(found: Sequence[Unread], behind: Sequence[Unread]) -> list[dict[str, Any]]:
    return [asdict(one) for one in (*found, *behind)]


class _InPieces(Response):
    """Sent piece by piece, as the caller reads: until its end the request counts in a quota."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        pieces = memoryview(self.body)
        for start in range(0, len(pieces), _PIECE_BYTES):
            end = start + _PIECE_BYTES
            piece = bytes(pieces[start:end])
            await send({"type": "http.response.body", "body": piece, "more_body": end < len(pieces)})
        if not len(pieces):
            await send({"type": "http.response.body", "body": b""})


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
