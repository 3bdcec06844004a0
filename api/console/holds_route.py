"""``/console/holds``: what must not be let go, as ``/v1/holds`` tells it; a hold is placed by a command."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.console.answers import page_answer
from vanvault.api.console.pages import HOLD, HOLDS
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.views.holds import HoldsView, HoldView, hold_line
from vanvault.api.console.visits import visit_of
from vanvault.api.context import node_of
from vanvault.api.holds_route import everything_asked, read_hold, read_holds
from vanvault.api.looks import looked, parsed, shows
from vanvault.api.reading import run_read

router = APIRouter(route_class=ConsoleRoute)


@router.get(HOLDS.path)
@looked("display", "see-access", of="holds", gateways=False)
async def holds(request: Request) -> Response:
    """Holds in force, or all that ever were."""
    node = node_of(request)
    visit = await visit_of(request, node)
    everything = parsed(request, lambda: everything_asked(request))
    found, complete = await run_read(node, lambda: read_holds(node, everything=everything))
    shows(request, (), len(found))
    lines = tuple(hold_line(one.as_json(visit.now)) for one in found)
    return page_answer(request, HOLDS, view=HoldsView(lines, everything, complete))


@router.get(HOLD.path)
@looked("count", "see-access", of="holds", gateways=False)
async def hold(request: Request, hold_id: str) -> Response:
    """One hold: what it is about, who said what to it, over how many entries it is."""
    node = node_of(request)
    visit = await visit_of(request, node)
    told = await run_read(node, lambda: read_hold(node, hold_id))
    shows(request, (), told["over"])
    view = HoldView(hold_line(told), told["over"], told["over_more"], opens=visit.may("search"))
    return page_answer(request, HOLD, view=view)
