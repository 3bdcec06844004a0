"""``/console/help``: the runbooks and the guide for auditors, in the language of the reader."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.console.answers import page_answer
from vanvault.api.console.help_pages import help_names, help_page
from vanvault.api.console.languages import language_of
from vanvault.api.console.pages import HELP, HELP_INDEX
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.visits import visit_of
from vanvault.api.context import node_of

router = APIRouter(route_class=ConsoleRoute)


@router.get(HELP_INDEX.path)
async def index(request: Request) -> Response:
    """All pages of help."""
    await visit_of(request, node_of(request))
    language = language_of(request)
    pages = tuple(help_page(name, language) for name in help_names())
    return page_answer(request, HELP_INDEX, pages=pages)


@router.get(HELP.path)
async def page(request: Request, name: str) -> Response:
    """One of them."""
    await visit_of(request, node_of(request))
    return page_answer(request, HELP, shown=help_page(name, language_of(request)))
