"""The switch of the language: kept in a cookie for a year."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vanvault.api.console.languages import LANGUAGE_COOKIE, known
from vanvault.api.console.pages import PREFIX
from vanvault.api.console.routing import ConsoleRoute, own_address
from vanvault.archiver.core.errors import NotFound

router = APIRouter(route_class=ConsoleRoute)

_YEAR_S = 365 * 86_400


@router.get(f"{PREFIX}/language/{{name}}")
async def language(request: Request, name: str) -> Response:
    """Choose a language, and go back to where one was. Raises NotFound."""
    chosen = known(name)
    if chosen is None:
        raise NotFound("the console does not speak this language")
    answer = RedirectResponse(own_address(request.query_params.get("next", "")), status_code=303)
    answer.set_cookie(LANGUAGE_COOKIE, chosen, max_age=_YEAR_S, path=PREFIX, httponly=True, samesite="lax")
    return answer
