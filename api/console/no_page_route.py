"""Addresses below ``/console`` that no page has."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vanvault.api.console.pages import PREFIX
from vanvault.api.console.routing import ConsoleRoute
from vanvault.archiver.core.errors import NotFound

router = APIRouter(route_class=ConsoleRoute)


@router.get(f"{PREFIX}/{{rest:path}}")
async def no_page(request: Request, rest: str) -> Response:
    """Raises NotFound; ``/console/`` leads to the first page."""
    if not rest:
        return RedirectResponse(PREFIX, status_code=303)
    raise NotFound("the console has no page at this address")
