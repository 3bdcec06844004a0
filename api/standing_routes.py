"""How the archive stands, for a person who may see results of checks: as the verbs of the same names tell it.

What lists whole sites is read beside the requests and told with its time (``remembered.py``); everything else
is on record or known to this node. No site is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi_standing as openapi
from vanvault.api.context import node_of
from vanvault.api.freshness import Freshness
from vanvault.api.looks import looked, parsed, shows
from vanvault.api.node import Node
from vanvault.api.purpose import without_purpose
from vanvault.api.reading import run_read
from vanvault.api.remembered import LongRead, remembered
from vanvault.api.urls import query_of
from vanvault.archiver.core.errors import Busy, InvalidInput
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.journal import EventType, newest_event
from vanvault.recovery.availability import AvailabilityRequest, known_availability
from vanvault.recovery.coverage import CoverageReport, coverage_of
from vanvault.recovery.drill import newest_measured
from vanvault.recovery.forecast import ForecastReport, forecast_of
from vanvault.recovery.schedule import overview
from vanvault.recovery.status import known_status

router = APIRouter()

_HOUR_S = 3600.0
_PATIENCE_S = 3.0
_VERIFIED_BY = (EventType.VERIFY_FINISHED, EventType.SITE_REPAIRED)
_YEARS, _MONTHS = range(1971, 9998), range(1, 13)


@router.get("/v1/status", **openapi.STATUS)
@looked("results", "verify-results", of="status", gateways=False)
async def status(request: Request) -> Response:
    """As ``vanvault status``, by what this node knows; without what only a listing of the sites tells."""
    node = node_of(request)
    parsed(request, lambda: _given(request, ()))
    told = await run_read(node, lambda: status_of(node))
    return _answer(request, told)


@router.get("/v1/schedule", **openapi.SCHEDULE)
@looked("results", "verify-results", of="schedule", gateways=False)
async def schedule(request: Request) -> Response:
    """As ``vanvault schedule list``."""
    node = node_of(request)
    parsed(request, lambda: _given(request, ()))

    def read() -> dict[str, Any]:
        fresh = Freshness.awaited(node)
        return {**overview(node.archive).as_json(), "partial": bool(fresh.unread)}

    return _answer(request, await run_read(node, read))


@router.get("/v1/availability", **openapi.AVAILABILITY)
@looked("results", "verify-results", of="availability", gateways=False)
async def availability(request: Request) -> Response:
    """As ``vanvault availability report``."""
    node = node_of(request)
    asked = parsed(request, lambda: _year_asked(request))

    def read() -> dict[str, Any]:
        fresh = Freshness.awaited(node)
        return known_availability(node.archive, asked, complete=not fresh.unread).as_json()

    return _answer(request, await run_read(node, read))


@router.get("/v1/forecast", **openapi.FORECAST)
@looked("results", "verify-results", of="forecast", gateways=False)
async def forecast(request: Request) -> Response:
    """As ``vanvault forecast``, by a listing that is told with its time; 503 during the first."""
    node = node_of(request)
    parsed(request, lambda: _given(request, ()))
    found = await remembered(request, node, FORECAST)
    return _answer(request, found.value.as_json() | _at(found.at))


@router.get("/v1/coverage", **openapi.COVERAGE)
@looked("results", "verify-results", of="coverage", gateways=False)
async def coverage(request: Request) -> Response:
    """As ``vanvault coverage``, by a listing that is told with its time; 503 during the first one."""
    node = node_of(request)
    parsed(request, lambda: _given(request, ()))
    found = await remembered(request, node, COVERAGE)
    return _answer(request, found.value.as_json() | _at(found.at))


def status_of(node: Node) -> dict[str, Any]:
    """What this node knows by its last look. Raises Busy: it has not looked yet; SiteUnavailable, Damaged."""
    duties = node.duties
    conditions, facts = duties.conditions.last, duties.conditions.facts
    keeper = duties.maintenance.snapshot.keeper
    if conditions is None or facts is None:
        raise Busy("this node has just started and has not looked at the archive yet", retry_after=2)
    alarms = None if keeper is None else [(one.site, one.key, one.retain_until) for one in keeper.alarms]
    return known_status(node.archive, facts, conditions, alarms) | _at(facts.now)


def _stopping(node: Node) -> Callable[..., None]:
    """What ends a listing once the node drains."""

    def step(items: int = 1, size: int = 0) -> None:
        if node.draining.is_set():
            raise Busy("this node is stopping", retry_after=10)

    return step


def _forecast(node: Node) -> ForecastReport:
    return forecast_of(node.archive, _stopping(node))


def _coverage(node: Node) -> CoverageReport:
    return coverage_of(node.archive, _stopping(node))


def _recoveries(node: Node) -> tuple[str, ...]:
    """The newest drill and restore on record."""
    return newest_measured(node.archive.search)


def _verifications(node: Node) -> tuple[str, ...]:
    """The newest verification and repair on record."""
    found = (newest_event(node.archive.search, type) for type in _VERIFIED_BY)
    return tuple(event.id if event else "" for event in found)


#: Both list all that lies at the sites, once an hour, and when the record tells something new of them.
FORECAST = LongRead("the forecast", _forecast, _HOUR_S, _PATIENCE_S, lists_sites=True, follows=_recoveries)
COVERAGE = LongRead("the coverage", _coverage, _HOUR_S, _PATIENCE_S, lists_sites=True, follows=_verifications)


def _year_asked(request: Request) -> AvailabilityRequest:
    given = _given(request, ("year", "month"))
    return AvailabilityRequest(_number(given, "year", _YEARS), _number(given, "month", _MONTHS))


def _number(given: Mapping[str, str], name: str, among: range) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(among[-1])) and int(text) in among):
        raise InvalidInput(f"{name} is {among[0]} to {among[-1]}", field=name)
    return int(text)


def _given(request: Request, names: tuple[str, ...]) -> dict[str, str]:
    """Raises InvalidInput: another parameter, or one twice."""
    given = without_purpose(query_of(request.scope))
    for at, (name, _) in enumerate(given):
        if name not in names or name in [other for other, _ in given[:at]]:
            raise InvalidInput(
                f"parameters: {', '.join(names)}, once each" if names else "there are no parameters here",
                field=name[:40],
            )
    return dict(given)


def _at(moment: datetime) -> dict[str, str]:
    return {"at": rfc3339_seconds(moment.replace(microsecond=0))}


def _answer(request: Request, told: object) -> Response:
    shows(request, (), 1)
    return Response(orjson.dumps(told), media_type="application/json")
