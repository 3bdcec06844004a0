"""``/console/jobs``: what was run on this archive, from its record, as ``/v1/jobs`` tells it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.console.answers import page_answer
from vanvault.api.console.pages import JOB, JOBS, roles_with
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.views.job import job_view
from vanvault.api.console.views.jobs import JobsView
from vanvault.api.console.visits import visit_of
from vanvault.api.context import node_of
from vanvault.api.jobs_route import shown_job, shown_jobs
from vanvault.api.looks import looked

router = APIRouter(route_class=ConsoleRoute)


@router.get(JOBS.path)
@looked("results", "verify-results", of="jobs", gateways=False)
async def jobs(request: Request) -> Response:
    """Jobs that ended, the newest first; exports and extractions are for who may see looks."""
    visit = await visit_of(request, node_of(request))
    page = await shown_jobs(request)
    view = JobsView(
        page=page,
        next="" if page.next is None else f"{JOBS.path}?before={page.next}",
        sees_exports=visit.may("see-access"),
        sees_exports_roles=roles_with("see-access"),
    )
    return page_answer(request, JOBS, view=view)


@router.get(JOB.path)
@looked("results", "verify-results", of="jobs", gateways=False)
async def job(request: Request, job_id: str) -> Response:
    """One job that ended, whole."""
    visit = await visit_of(request, node_of(request))
    found = await shown_job(request, job_id)
    return page_answer(request, JOB, view=job_view(found, opens=visit.may("search")))
