"""``/v1/disposals``: what was disposed of, is to be, and by whose decision; nothing is decided here."""

from __future__ import annotations

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi, openapi_people
from vanvault.api.context import node_of
from vanvault.api.freshness import Freshness
from vanvault.api.looks import looked, parsed, shows
from vanvault.api.node import Node
from vanvault.api.purpose import without_purpose
from vanvault.api.reading import run_read
from vanvault.api.urls import query_of
from vanvault.archiver.core.errors import Busy, InvalidInput
from vanvault.recovery.disposal import certificate_file
from vanvault.recovery.disposal_record import KnownDisposal, KnownDisposals, known_disposals

router = APIRouter()

_RETRY_S = 2  # Retry-After


@router.get("/v1/disposals", **openapi.DISPOSALS)
@looked("results", "verify-results", of="disposals", gateways=False)
async def disposals(request: Request) -> Response:
    """Disposals on record, the newest first; needs the permission ``verify-results``."""
    node = node_of(request)
    parsed(request, lambda: _check_none(request))
    known, partial = await run_read(node, lambda: read_disposals(node))
    told = [one.as_json() for one in known]
    shows(request, (), len(told))
    return _json({"disposals": told, "partial": partial})


@router.get("/v1/disposals/{disposal_id}", **openapi.DISPOSAL)
@looked("results", "verify-results", of="disposals", gateways=False)
async def disposal(request: Request, disposal_id: str) -> Response:
    """One of them whole: who decided it, what was removed where, its certificates."""
    node = node_of(request)
    parsed(request, lambda: _check_none(request))
    found = await run_read(node, lambda: read_disposal(node, disposal_id))
    shows(request, (), 1)
    return _json(found.as_json())


@router.get("/v1/disposals/{disposal_id}/certificate/{file}", **openapi_people.DISPOSAL_CERTIFICATE)
@looked("results", "verify-results", of="disposals", gateways=False)
async def certificate(request: Request, disposal_id: str, file: str) -> Response:
    """A file of its newest certificate: ``report.json``, as it was signed, or one of its pages as PDF."""
    parsed(request, lambda: _check_none(request))
    return await certificate_answer(request, disposal_id, file)


async def certificate_answer(request: Request, disposal_id: str, file: str) -> Response:
    """The file, to be saved; for a route that is ``looked``."""
    node = node_of(request)
    known = await run_read(node, lambda: read_disposal(node, disposal_id))
    data = await run_read(
        node, lambda: certificate_file(node.archive, known, file, node.archive.signing.public)
    )
    shows(request, (), 1)
    kind = "application/json" if file.endswith(".json") else "application/pdf"
    headers = {
        "Content-Disposition": f'attachment; filename="{known.record.id}-{file}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(data, media_type=kind, headers=headers)


def read_disposals(node: Node) -> tuple[KnownDisposals, bool]:
    """All disposals on record, and whether something may be missing. Raises Damaged, SiteUnavailable."""
    fresh = Freshness.awaited(node)
    known = known_disposals(node.archive)
    return known, bool(known.lacking or fresh.unread)


def read_disposal(node: Node, id: str) -> KnownDisposal:
    """One of them. Raises NotFound, Busy (the record cannot be read whole), Damaged, SiteUnavailable."""

    def look() -> KnownDisposal:
        known = known_disposals(node.archive)
        if known.lacking:  # what is missing may be a step of this one
            raise Busy("the record of disposals cannot be read whole", retry_after=_RETRY_S)
        return known.get(id)

    return Freshness.awaited(node).find(node, look)


def _check_none(request: Request) -> None:
    """Raises InvalidInput."""
    given = without_purpose(query_of(request.scope))
    if given:
        raise InvalidInput("there are no parameters here", field=given[0][0][:40])


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
