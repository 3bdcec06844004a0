"""``/console/sites/promotion``: asks for the approval of a promotion, which itself is run at a host."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vanvault.api.console.forms import form_of
from vanvault.api.console.pages import SITES
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.visits import visit_of
from vanvault.api.context import node_of
from vanvault.api.failover_routes import asked_promotion
from vanvault.api.people import SESSION_COOKIE
from vanvault.archiver.core.errors import InvalidInput

router = APIRouter(route_class=ConsoleRoute)


@router.post(f"{SITES.path}/promotion")
async def ask(request: Request) -> Response:
    """Put the request on record, as ``POST /v1/failover/requests`` does; back to how it stands."""
    node = node_of(request)
    visit = await visit_of(request, node)
    given = await form_of(request, node, request.cookies.get(SESSION_COOKIE, ""))
    if set(given) != {"plan", "reason"}:
        raise InvalidInput(
            "the form has plan and reason", field="body", hint="Fill in the reason, and send it again."
        )
    await asked_promotion(request, node, visit.person, given["plan"], given["reason"])
    return RedirectResponse(f"{SITES.path}#failover", status_code=303)
