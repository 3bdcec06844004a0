"""Search, messages, originals, receipts and transactions, each within the caller's own gateway."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vanvault.api import openapi
from vanvault.api.context import gateway_of, node_of, reservation_of
from vanvault.api.freshness import Freshness
from vanvault.api.looks import counted, shows
from vanvault.api.node import Node
from vanvault.api.urls import query_of
from vanvault.archiver.catalogue import HistogramQuery, Item, Page, Query, Unread
from vanvault.archiver.core.errors import AccessDenied, InvalidInput, NotFound

router = APIRouter()

_T = TypeVar("_T")

#: Bytes of an original that are sent at once.
_PIECE_BYTES = 256 * 1024


@router.get("/v1/search", **openapi.SEARCH)
@counted("search")
async def search(request: Request) -> Response:
    """Entries that match every given field, newest first."""
    node = node_of(request)
    query = Query.parse(_of_caller(request, node), node.archive.search.cursor_key)
    page, fresh = await _read(node, lambda fresh: (node.archive.search.page(query), fresh))
    shows(request, len(page.items))
    return _json(page_of(page, fresh.unread))


@router.get("/v1/histogram", **openapi.HISTOGRAM)
@counted("count")
async def histogram(request: Request) -> Response:
    """Counts and bytes by day, month, year or a field."""
    node = node_of(request)
    asked = HistogramQuery.parse(_of_caller(request, node))
    found, fresh = await _read(node, lambda fresh: (node.archive.histograms.of(asked), fresh))
    shows(request, found.entries)
    return _json({**asdict(found), "unread": _unread(found.unread, fresh.unread)})


@router.get("/v1/messages/{entry_id}", **openapi.MESSAGE)
@counted("display")
async def message(request: Request, entry_id: str) -> Response:
    """What the archive knows about one entry."""
    node = node_of(request)
    gateway = gateway_of(request, node, "read-own")
    item = await _read(node, lambda fresh: fresh.find(node, lambda: _own(node, gateway, entry_id)))
    shows(request, 1)
    return _json(item)


@router.get("/v1/messages/{entry_id}/original", **openapi.ORIGINAL)
@counted("original")
async def original(request: Request, entry_id: str) -> Response:
    """The exact bytes that were pushed."""
    node = node_of(request)
    gateway = gateway_of(request, node, "read-own")
    item = await _read(node, lambda fresh: fresh.find(node, lambda: _own(node, gateway, entry_id)))
    reservation, size = reservation_of(request), int(item["size"])
    reservation.reserve(3 * size)
    archive = node.archive
    body = await _run(node, lambda: archive.original(item))
    shows(request, 1)
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


@router.get("/v1/receipts/{entry_id}", **openapi.RECEIPT)
@counted("receipt")
async def receipt(request: Request, entry_id: str) -> Response:
    """The receipt of one entry: the first, or the one that followed when that was degraded.

    As at a push that is sent again, a gateway that waits for every site is not given a degraded one.
    """
    node = node_of(request)
    gateway = gateway_of(request, node, "read-own")

    def find() -> dict[str, Any]:
        _own(node, gateway, entry_id)
        found = node.archive.receipts.of(entry_id)
        refusal = node.archive.policy.refusal(gateway, found, again=True)
        if refusal is not None:
            raise refusal
        return found

    receipt = await _read(node, lambda fresh: fresh.find(node, find))
    shows(request, 1)
    return _json(receipt)


@router.get("/v1/transactions/{transaction_id:path}", **openapi.TRANSACTION)
@counted("timeline")
async def transaction(request: Request, transaction_id: str) -> Response:
    """The timeline of one transaction: its messages and events, oldest first."""
    node = node_of(request)
    gateway = gateway_of(request, node, "read-own")
    if not transaction_id.strip() or len(transaction_id) > Query.MAX_VALUE:
        raise InvalidInput("this is no transaction id", field="transaction_id")

    def find() -> Page:
        found = node.archive.search.timeline(transaction_id, gateway)
        if not found.items and not found.unread:
            raise NotFound("the archive holds nothing of this transaction")
        return found

    page, fresh = await _read(node, lambda fresh: (fresh.find(node, find), fresh))
    shows(request, len(page.items))
    unread = _unread(page.unread, fresh.unread)
    return _json({"transaction_id": transaction_id, "items": page.items, "unread": unread})


def _of_caller(request: Request, node: Node) -> list[tuple[str, str]]:
    """The URL's parameters, within the caller's own gateway. Raises AccessDenied."""
    gateway = gateway_of(request, node, "read-own")
    given = query_of(request.scope)
    if any(name == "gateway" and value != gateway for name, value in given):
        raise AccessDenied("a gateway may search its own entries only", authenticated=True)
    return [*((name, value) for name, value in given if name != "gateway"), ("gateway", gateway)]


def page_of(page: Page, behind: Sequence[Unread] = ()) -> dict[str, Any]:
    """A page of a search as JSON values; ``behind``: what the node had not folded when it searched."""
    return {
        "items": page.items,
        "next": page.next,
        "partial": page.partial or None,
        "unread": _unread(page.unread, behind),
    }


def _unread(found: Sequence[Unread], behind: Sequence[Unread]) -> list[dict[str, Any]]:
    return [asdict(one) for one in (*found, *behind)]


def _own(node: Node, gateway: str, entry_id: str) -> Item:
    """An entry of the caller's; another gateway's is as if it were not there."""
    item = node.archive.search.entry(entry_id)
    if item["gateway"] != gateway:
        raise NotFound(f"the archive holds no entry {entry_id}")
    return item


async def _read(node: Node, work: Callable[[Freshness], _T]) -> _T:
    """Run a read, once what was acknowledged so far is searchable or is known not to be."""
    return await _run(node, lambda: work(Freshness.awaited(node)))


async def _run(node: Node, work: Callable[[], _T]) -> _T:
    """Run what may wait for a site."""
    return await asyncio.get_running_loop().run_in_executor(node.threads.reads, work)


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
