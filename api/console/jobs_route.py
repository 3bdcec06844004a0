"""``/console/jobs``: what was run on this archive, from its record; events that the API's routes tell of."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import islice

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.console.answers import page_answer
from vanvault.api.console.looks_on_page import look_on_page
from vanvault.api.console.pages import JOBS, roles_with
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.views.jobs import KINDS, PAGE_JOBS, JobsView, before_of, job_line, page_of_jobs
from vanvault.api.console.visits import visit_of
from vanvault.api.context import node_of
from vanvault.api.freshness import Freshness
from vanvault.api.node import Node
from vanvault.api.urls import query_of
from vanvault.archiver.catalogue import Unread
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import OwnEvent, own_events

router = APIRouter(route_class=ConsoleRoute)


@router.get(JOBS.path)
async def jobs(request: Request) -> Response:
    """Jobs that ended, the newest first; those that only a search finds are for who may search."""
    node = node_of(request)
    visit = await visit_of(request, node)
    visit.person.authority("verify-results", visit.now)
    before = _before(request)
    to = to_us(visit.now) + 1 if before is None else before
    types = [kind.type for kind in KINDS if kind.is_for(visit.may)]
    events, complete = await asyncio.get_running_loop().run_in_executor(
        node.threads.reads, lambda: _read(node, types, to)
    )
    shown, further = page_of_jobs(events)
    asked = {"of": "jobs"} | ({} if before is None else {"before": str(before)})
    results = {kind.type for kind in KINDS if kind.is_result}
    checks = sum(one.type in results for one in shown)
    await look_on_page(request, node, visit, "results", "verify-results", asked=asked, count=checks)
    found = [one.id for one in shown if one.type not in results]
    if visit.may("search"):
        await look_on_page(request, node, visit, "search", "search", asked=asked, shown=found)
    view = JobsView(
        jobs=tuple(map(job_line, shown)),
        next="" if further is None else f"{JOBS.path}?before={further}",
        complete=complete,
        opens=visit.may("search"),
        opens_roles=roles_with("search"),
        sees_exports=visit.may("search") and visit.may("see-access"),
        sees_exports_roles=roles_with("see-access"),
    )
    return page_answer(request, JOBS, view=view)


def _read(node: Node, types: Sequence[str], to: int) -> tuple[list[OwnEvent], bool]:
    """As many of each type as a page may show, and whether nothing that is known is missing."""
    lacking: list[Unread] = []
    fresh = Freshness.awaited(node)
    events = [
        event
        for type in types
        for event in islice(
            own_events(node.archive.search, type, to_us=to, unread=lacking.append), PAGE_JOBS + 1
        )
    ]
    return events, not lacking and not fresh.unread


def _before(request: Request) -> int | None:
    """Raises InvalidInput."""
    given = query_of(request.scope)
    if not given:
        return None
    if [name for name, _ in given] != ["before"]:
        raise InvalidInput("this address takes before alone", field="query")
    return before_of(given[0][1])
