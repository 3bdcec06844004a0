"""``/console/reports`` and ``/console/law``: as ``/v1/reports`` and ``/v1/law`` tell it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.console.answers import page_answer
from vanvault.api.console.languages import language_of
from vanvault.api.console.pages import LAW, REPORTS
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.views.reports import ReportsView, duties_view
from vanvault.api.console.visits import visit_of
from vanvault.api.context import node_of
from vanvault.api.looks import looked, shows
from vanvault.api.reading import run_read
from vanvault.api.reports_route import read_reports, report_files_answer
from vanvault.archiver.core.law import duties
from vanvault.archiver.core.times import vietnam_day

router = APIRouter(route_class=ConsoleRoute)


@router.get(REPORTS.path)
@looked("results", "see-access", of="reports", gateways=False)
async def reports(request: Request) -> Response:
    """Reports that were made, and which are due."""
    node = node_of(request)
    await visit_of(request, node)
    made, due, complete = await run_read(node, lambda: read_reports(node))
    shows(request, (), len(made))
    return page_answer(request, REPORTS, view=ReportsView(tuple(made), tuple(due), complete))


@router.get(f"{REPORTS.path}/{{report_id}}/files")
@looked("results", "see-access", of="reports", gateways=False)
async def files(request: Request, report_id: str) -> Response:
    """The files of one, as a ZIP."""
    await visit_of(request, node_of(request))
    return await report_files_answer(request, report_id)


@router.get(LAW.path)
async def law(request: Request) -> Response:
    """Each duty, what meets it, and what shows that."""
    visit = await visit_of(request, node_of(request))
    view = duties_view(duties(), vietnam_day(visit.now), language_of(request))
    return page_answer(request, LAW, view=view)
