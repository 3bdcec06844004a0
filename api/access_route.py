"""``GET /v1/access``: who has looked at what, for a person who may see that; on record before it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi
from vanvault.api.asked import exactly_asked
from vanvault.api.context import node_of
from vanvault.api.freshness import Freshness, others_until
from vanvault.api.looks import looked, parsed, shows
from vanvault.api.node import Node
from vanvault.api.purpose import without_purpose
from vanvault.api.urls import query_of
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.recovery.access import SeenLooks, look_query, seen_looks

router = APIRouter()


@router.get("/v1/access", **openapi.ACCESS)
@looked("access", "see-access", gateways=False)
async def access(request: Request) -> Response:
    """Who has looked at what, newest first; needs the permission ``see-access``."""
    node = node_of(request)
    once = parsed(request, lambda: _once(without_purpose(query_of(request.scope))))
    asked = dict(exactly_asked(request, list(once.items())))
    found, complete = await asyncio.get_running_loop().run_in_executor(
        node.threads.reads, lambda: read_looks(request, node, asked)
    )
    shows(request, [one.id for one in found.looks])
    others = rfc3339_seconds(others_until(node))
    told = {**found.as_json(), "partial": not complete, "others_until": others}
    return Response(orjson.dumps(told), media_type="application/json")


def read_looks(request: Request, node: Node, asked: dict[str, str]) -> tuple[SeenLooks, bool]:
    """The looks that these parameters ask for, and whether nothing is missing for all that is known.

    Raises InvalidInput, SiteUnavailable, Damaged.
    """
    fresh = Freshness.awaited(node)
    query = parsed(request, lambda: look_query(node.archive, asked))
    return seen_looks(node.archive.search, query), not fresh.unread


def _once(given: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Parameters by name. Raises InvalidInput: one is given twice, or is empty."""
    found: dict[str, str] = {}
    for name, value in given:
        if name in found or not value:
            raise InvalidInput(f"{name[:40]} is given twice, or empty", field=name[:40])
        found[name] = value
    return found
