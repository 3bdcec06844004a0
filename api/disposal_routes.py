"""``/v1/disposals``: what was disposed of, is to be, and by whose decision; nothing is decided here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi
from vanvault.api.context import node_of
from vanvault.api.freshness import Freshness
from vanvault.api.looks import looked, parsed, shows
from vanvault.api.node import Node
from vanvault.api.purpose import without_purpose
from vanvault.api.urls import query_of
from vanvault.archiver.core.errors import Busy, InvalidInput
from vanvault.recovery.disposal_record import KnownDisposal, KnownDisposals, known_disposals

router = APIRouter()

_T = TypeVar("_T")

_RETRY_S = 2  # Retry-After


@router.get("/v1/disposals", **openapi.DISPOSALS)
@looked("results", "verify-results", of="disposals", gateways=False)
async def disposals(request: Request) -> Response:
    """Disposals on record, the newest first; needs the permission ``verify-results``."""
    node = node_of(request)
    parsed(request, lambda: _check_none(request))

    def read() -> tuple[KnownDisposals, bool]:
        fresh = Freshness.awaited(node)
        known = known_disposals(node.archive)
        return known, bool(known.lacking or fresh.unread)

    known, partial = await _read(node, read)
    told = [one.as_json() for one in known]
    shows(request, (), len(told))
    return _json({"disposals": told, "partial": partial})


@router.get("/v1/disposals/{disposal_id}", **openapi.DISPOSAL)
@looked("results", "verify-results", of="disposals", gateways=False)
async def disposal(request: Request, disposal_id: str) -> Response:
    """One of them whole: who decided it, what was removed where, its certificates."""
    node = node_of(request)
    parsed(request, lambda: _check_none(request))

    def look() -> KnownDisposal:
        known = known_disposals(node.archive)
        if known.lacking:  # what is missing may be a step of this one
            raise Busy("the record of disposals cannot be read whole", retry_after=_RETRY_S)
        return known.get(disposal_id)

    found = await _read(node, lambda: Freshness.awaited(node).find(node, look))
    shows(request, (), 1)
    return _json(found.as_json())


async def _read(node: Node, read: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(node.threads.reads, read)


def _check_none(request: Request) -> None:
    """Raises InvalidInput."""
    given = without_purpose(query_of(request.scope))
    if given:
        raise InvalidInput("there are no parameters here", field=given[0][0][:40])


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
