"""What verifications and drills came to, for a person who may see that; on record before it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import islice
from typing import Any

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
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import InvalidInput
from vanvault.recovery.drill import ArchivedFile, ArchivedReport, archived_file, archived_report, standings
from vanvault.recovery.verified import verify_runs

router = APIRouter()

_DEFAULT = "50"
_FILE_TYPES = {"json": "application/json", "html": "text/html", "pdf": "application/pdf"}
#: A file is saved, never opened by a browser as a page of this host.
_FILE_POLICY = "sandbox; default-src 'none'"
_MOST_DIGITS = 6  # int() takes no text of thousands


@router.get("/v1/verifications", **openapi.VERIFICATIONS)
@looked("results", "verify-results", of="verifications", gateways=False)
async def verifications(request: Request) -> Response:
    """Verifications on record, the newest first; needs the permission ``verify-results``."""
    node, most = node_of(request), parsed(request, lambda: _limit(request))
    found, complete = await _read(
        node, lambda: [run.as_json() for run in islice(verify_runs(node.archive.search), most)]
    )
    return _answer(request, {"verifications": found, "partial": not complete}, len(found))


@router.get("/v1/drills", **openapi.DRILLS)
@looked("results", "verify-results", of="drills", gateways=False)
async def drills(request: Request) -> Response:
    """Every scenario: its last drill, and when the next is due; needs the permission ``verify-results``."""
    node = node_of(request)
    parsed(request, lambda: _check_none(request))
    now = node.archive.clock.now()
    found, complete = await _read(node, lambda: [one.as_json(now) for one in standings(node.archive.search)])
    overdue = [one["scenario"] for one in found if one["overdue"]]
    return _answer(request, {"drills": found, "overdue": overdue, "partial": not complete}, len(found))


@router.get("/v1/drills/{drill_id}", **openapi.DRILL)
@looked("results", "verify-results", of="drills", gateways=False)
async def drill(request: Request, drill_id: str) -> Response:
    """The signed report of one drill, from its evidence in the archive; its signature was checked."""
    node = node_of(request)
    parsed(request, lambda: _check_none(request))

    def read() -> ArchivedReport:
        return Freshness.awaited(node).find(node, lambda: archived_report(node.archive, drill_id))

    found = await asyncio.get_running_loop().run_in_executor(node.threads.reads, read)
    shows(request, [found.id])
    return Response(orjson.dumps({"report": found.report}), media_type="application/json")


@router.get("/v1/drills/{drill_id}/files/{name}", **openapi.DRILL_FILE)
@looked("results", "verify-results", of="drills", gateways=False)
async def drill_file(request: Request, drill_id: str, name: str) -> Response:
    """A file of the evidence as it was signed: report.json, or a page in English or Vietnamese made of it."""
    node = node_of(request)
    parsed(request, lambda: _check_none(request))

    def read() -> ArchivedFile:
        return Freshness.awaited(node).find(node, lambda: archived_file(node.archive, drill_id, name))

    found = await asyncio.get_running_loop().run_in_executor(node.threads.reads, read)
    shows(request, [found.id])
    kind = _FILE_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    headers = {
        "Content-Disposition": f'attachment; filename="drill-{drill_id}-{name}"',
        "Content-Security-Policy": _FILE_POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(found.data, media_type=kind, headers=headers)


async def _read(node: Node, read: Callable[[], list[dict[str, Any]]]) -> tuple[list[dict[str, Any]], bool]:
    """What was read, and whether nothing is missing for all that is known."""

    def work() -> tuple[list[dict[str, Any]], bool]:
        fresh = Freshness.awaited(node)
        return read(), not fresh.unread

    return await asyncio.get_running_loop().run_in_executor(node.threads.reads, work)


def _answer(request: Request, told: dict[str, Any], count: int) -> Response:
    shows(request, (), count)
    return Response(orjson.dumps(told), media_type="application/json")


def _limit(request: Request) -> int:
    """Raises InvalidInput."""
    given = without_purpose(query_of(request.scope))
    if len(given) > 1 or any(name != "limit" for name, _ in given):
        raise InvalidInput("there is no other parameter than limit, once", field="limit")
    limit = given[0][1] if given else _DEFAULT
    digits = limit.isascii() and limit.isdecimal() and len(limit) <= _MOST_DIGITS
    if not digits or not 1 <= int(limit) <= Query.MAX_LIMIT:
        raise InvalidInput(f"limit is 1 to {Query.MAX_LIMIT}", field="limit")
    return int(limit)


def _check_none(request: Request) -> None:
    given = without_purpose(query_of(request.scope))
    if given:
        raise InvalidInput("this route has no parameters", field=given[0][0][:40])
