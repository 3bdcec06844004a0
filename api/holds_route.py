"""``/v1/holds``: what must not be let go, as ``vanvault hold list`` and ``show`` tell it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi_people
from vanvault.api.context import node_of
from vanvault.api.freshness import Freshness
from vanvault.api.looks import looked, parsed, shows
from vanvault.api.node import Node
from vanvault.api.purpose import without_purpose
from vanvault.api.reading import run_read
from vanvault.api.urls import query_of
from vanvault.archiver.core.errors import Busy, InvalidInput
from vanvault.archiver.retention import Hold
from vanvault.recovery.holds import count_held, known_holds

router = APIRouter()

#: Entries of a hold that an answer counts; the verb counts them all.
MOST_COUNTED = 10_000

_RETRY_S = 2  # Retry-After


@router.get("/v1/holds", **openapi_people.HOLDS)
@looked("display", "see-access", of="holds", gateways=False)
async def holds(request: Request) -> Response:
    """Holds in force, the oldest first; with ``all=true`` those too that are released."""
    node = node_of(request)
    everything = parsed(request, lambda: everything_asked(request))
    found, complete = await run_read(node, lambda: read_holds(node, everything=everything))
    shows(request, (), len(found))
    now = node.archive.clock.now()
    told = {"holds": [one.as_json(now) for one in found], "partial": not complete}
    return Response(orjson.dumps(told), media_type="application/json")


@router.get("/v1/holds/{hold_id}", **openapi_people.HOLD)
@looked("count", "see-access", of="holds", gateways=False)
async def hold(request: Request, hold_id: str) -> Response:
    """One of them, with how many entries it is over now."""
    node = node_of(request)
    parsed(request, lambda: _check_none(request))
    told = await run_read(node, lambda: read_hold(node, hold_id))
    shows(request, (), told["over"])
    return Response(orjson.dumps(told), media_type="application/json")


def read_holds(node: Node, *, everything: bool) -> tuple[Sequence[Hold], bool]:
    """Holds on record, and whether nothing is missing. Raises SiteUnavailable, Damaged (the index)."""
    fresh = Freshness.awaited(node)
    book = known_holds(node.archive)
    found = tuple(one for one in book.by_id.values() if everything or one.holds)
    return found, not (fresh.unread or book.lacking or book.unclear)


def read_hold(node: Node, id: str) -> dict[str, Any]:
    """One hold as JSON values, with ``over`` and whether it is over more than is counted: ``over_more``.

    Raises NotFound, Busy (the record cannot be read whole), SiteUnavailable, Damaged (what it is over is
    not found whole).
    """

    def look() -> Hold:
        book = known_holds(node.archive)
        if book.lacking:
            raise Busy("the record of holds cannot be read whole", retry_after=_RETRY_S)
        return book.get(id)

    found = Freshness.awaited(node).find(node, look)
    now: datetime = node.archive.clock.now()
    count = count_held(node.archive, found, MOST_COUNTED + 1) if found.holds else 0
    return {**found.as_json(now), "over": min(count, MOST_COUNTED), "over_more": count > MOST_COUNTED}


def everything_asked(request: Request) -> bool:
    """Does a question ask for those too that are over? Raises InvalidInput."""
    given = without_purpose(query_of(request.scope))
    if given and list(given) not in ([("all", "true")], [("all", "false")]):
        raise InvalidInput("there is one parameter, all: true or false", field="all")
    return bool(given) and given[0][1] == "true"


def _check_none(request: Request) -> None:
    """Raises InvalidInput."""
    given = without_purpose(query_of(request.scope))
    if given:
        raise InvalidInput("there are no parameters here", field=given[0][0][:40])
