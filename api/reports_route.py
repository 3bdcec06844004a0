"""``/v1/reports`` and ``/v1/law``: reports that were made or are due, and the table of legal duties."""

from __future__ import annotations

from datetime import date
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
from vanvault.api.people import person_of
from vanvault.api.purpose import without_purpose
from vanvault.api.reading import run_read
from vanvault.api.urls import query_of
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.law import duties
from vanvault.archiver.core.times import parse_day
from vanvault.recovery.reports import (
    DueReport,
    MadeReport,
    known_due,
    known_reports,
    recorded_report,
    report_bundle,
)

router = APIRouter()


@router.get("/v1/reports", **openapi_people.REPORTS)
@looked("results", "see-access", of="reports", gateways=False)
async def reports(request: Request) -> Response:
    """Reports on record, the newest first, and which are due; they name people: ``see-access``."""
    node = node_of(request)
    parsed(request, lambda: _check_none(request))
    made, due, complete = await run_read(node, lambda: read_reports(node))
    shows(request, (), len(made))
    told = {
        "reports": [one.as_json() for one in made],
        "due": [one.as_json() for one in due],
        "partial": not complete,
    }
    return Response(orjson.dumps(told), media_type="application/json")


@router.get("/v1/reports/{report_id}", **openapi_people.REPORT)
@looked("results", "see-access", of="reports", gateways=False)
async def report(request: Request, report_id: str) -> Response:
    """One of them, as it was signed."""
    node = node_of(request)
    parsed(request, lambda: _check_none(request))
    found = await run_read(node, lambda: recorded_report(node.archive, report_id))
    shows(request, (), 1)
    return Response(orjson.dumps({"report": found}), media_type="application/json")


@router.get("/v1/reports/{report_id}/files", **openapi_people.REPORT_FILES)
@looked("results", "see-access", of="reports", gateways=False)
async def files(request: Request, report_id: str) -> Response:
    """All its files, as a ZIP."""
    parsed(request, lambda: _check_none(request))
    return await report_files_answer(request, report_id)


@router.get("/v1/law", **openapi_people.LAW)
async def law(request: Request) -> Response:
    """The table of legal duties, with what meets each; for everybody who is signed on."""
    await person_of(request, node_of(request))
    day = _day_of(request)
    told: dict[str, Any] = {
        "on": day.isoformat() if day else None,
        "duties": [duty.as_json() for duty in duties(on=day)],
    }
    return Response(orjson.dumps(told), media_type="application/json")


async def report_files_answer(request: Request, report_id: str) -> Response:
    """The ZIP of a report's files, to be saved; for a route that is ``looked``."""
    node = node_of(request)
    data = await run_read(node, lambda: report_bundle(node.archive, report_id))
    shows(request, (), 1)
    headers = {
        "Content-Disposition": f'attachment; filename="{report_id}.zip"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(data, media_type="application/zip", headers=headers)


def read_reports(node: Node) -> tuple[list[MadeReport], list[DueReport], bool]:
    """Reports on record, which are due, and whether nothing is missing for all that is known.

    Raises Damaged, SiteUnavailable (the index).
    """
    fresh = Freshness.awaited(node)
    return known_reports(node.archive), known_due(node.archive), not fresh.unread


def _day_of(request: Request) -> date | None:
    """Raises InvalidInput."""
    given = query_of(request.scope)
    if not given:
        return None
    if [name for name, _ in given] != ["on"]:
        raise InvalidInput("there is one parameter, on: a day", field="on")
    return parse_day(given[0][1], field="on")


def _check_none(request: Request) -> None:
    """Raises InvalidInput."""
    given = without_purpose(query_of(request.scope))
    if given:
        raise InvalidInput("there are no parameters here", field=given[0][0][:40])
