"""``/console/jobs``: what was run on this archive, from its record, as ``/v1/jobs`` tells it."""

from __future__ import annotations

import re
from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vanvault.api.console.answers import page_answer
from vanvault.api.console.forms import form_of
from vanvault.api.console.languages import language_of
from vanvault.api.console.looks_on_page import look_on_page
from vanvault.api.console.pages import JOB, JOBS, RUNNING, roles_with
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.views.job import JobReport, job_view
from vanvault.api.console.views.jobs import JobsView, RunningView
from vanvault.api.console.visits import Visit, visit_of
from vanvault.api.context import node_of
from vanvault.api.jobs_route import shown_job, shown_jobs, shown_running, start_job
from vanvault.api.looks import looked
from vanvault.api.node import Node
from vanvault.api.people import SESSION_COOKIE
from vanvault.api.reading import read_fresh
from vanvault.api.urls import query_of
from vanvault.archiver.core.errors import (
    AccessDenied,
    Busy,
    Damaged,
    InvalidInput,
    KeyUnavailable,
    NotFound,
    SiteUnavailable,
)
from vanvault.recovery.approvals import check_fresh
from vanvault.recovery.drill import UNATTENDED_DRILLS, archived_report, drill_document

#: Requests that a page makes by itself, one each ten seconds.
MOST_POLLS = 90

router = APIRouter(route_class=ConsoleRoute)


@router.get(JOBS.path)
@looked("results", "verify-results", of="jobs", gateways=False)
async def jobs(request: Request) -> Response:
    """Jobs that ended, the newest first; exports and extractions are for who may see looks."""
    node = node_of(request)
    visit = await visit_of(request, node)
    page = await shown_jobs(request)
    view = JobsView(
        page=page,
        running=await shown_running(node),
        starts=visit.may("operate"),
        starts_here=node.archive.settings.schedule.in_serve,
        fresh=_is_fresh(node, visit),
        scenarios=UNATTENDED_DRILLS,
        next="" if page.next is None else f"{JOBS.path}?before={page.next}",
        sees_exports=visit.may("see-access"),
        sees_exports_roles=roles_with("see-access"),
    )
    return page_answer(request, JOBS, view=view)


@router.post(f"{JOBS.path}/start")
async def start(request: Request) -> Response:
    """Start what the form asks for, as the route of the API; then to the page of what runs."""
    node = node_of(request)
    visit = await visit_of(request, node)
    given = await form_of(request, node, request.cookies.get(SESSION_COOKIE, ""))
    await start_job(node, visit.person, given)
    return RedirectResponse(RUNNING.path, status_code=303)


def _is_fresh(node: Node, visit: Visit) -> bool:
    try:
        check_fresh(visit.person.session, node.archive.settings, visit.now, "starts a job")
    except AccessDenied:
        return False
    return True


@router.get(RUNNING.path)
async def running(request: Request) -> Response:
    """What runs now. As at the API this is no look: it shows no entry and no result.

    Each request is a use of the session, so a page asks by itself for a quarter of an hour and no longer.
    """
    node = node_of(request)
    visit = await visit_of(request, node)
    visit.person.authority("verify-results", visit.now)
    poll = _poll(request)
    view = RunningView(await shown_running(node), 0 if poll >= MOST_POLLS else poll + 1)
    return page_answer(request, RUNNING, view=view)


def _poll(request: Request) -> int:
    """Which request of one page this is. Raises InvalidInput."""
    given = query_of(request.scope)
    if not given:
        return 0
    (name, value), *others = given
    if others or name != "n" or not re.fullmatch("[0-9]{1,3}", value, re.ASCII):
        raise InvalidInput("this address takes n alone, a small number", field="n")
    return int(value)


@router.get(JOB.path)
@looked("results", "verify-results", of="jobs", gateways=False)
async def job(request: Request, job_id: str) -> Response:
    """One job that ended, whole."""
    visit = await visit_of(request, node_of(request))
    found = await shown_job(request, job_id)
    view = job_view(found, opens=visit.may("search"))
    if found.drill:
        view = replace(view, report=await _report(request, visit, found.drill))
    return page_answer(request, JOB, view=view)


async def _report(request: Request, visit: Visit, drill: str) -> JobReport:
    """The report of a drill as its PDF has it; a look of its own, as at the API's route."""
    node, language = node_of(request), language_of(request)
    asked = {"of": "drills", "drill_id": drill}
    try:
        found = await read_fresh(
            node, lambda fresh: fresh.find(node, lambda: archived_report(node.archive, drill))
        )
        shown = drill_document(found.report, language)
    except (NotFound, Damaged, SiteUnavailable, KeyUnavailable, Busy) as error:
        return JobReport(drill, None, error.message)
    await look_on_page(request, node, visit, "results", "verify-results", asked=asked, shown=[found.id])
    return JobReport(drill, shown)
