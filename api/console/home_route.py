"""``/console``: how the archive stands, and what needs a person now."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.console.answers import page_answer
from vanvault.api.console.evidence import read_evidence
from vanvault.api.console.kept import kept_evidence
from vanvault.api.console.looks_on_page import look_on_page
from vanvault.api.console.pages import HOME, roles_with
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.views.home import HomeView, site_lines
from vanvault.api.console.visits import visit_of
from vanvault.api.context import node_of
from vanvault.archiver.people.accounts import Permission

router = APIRouter(route_class=ConsoleRoute)

#: Who may read results of verifications and drills sees here what came of the last ones.
_NEEDS: Permission = "verify-results"


@router.get(HOME.path)
async def home(request: Request) -> Response:
    """The first page, for every person; how the archive stands is for who may see results of checks."""
    node = node_of(request)
    visit = await visit_of(request, node)
    view = HomeView(now=visit.now, sees=visit.may(_NEEDS), sees_roles=roles_with(_NEEDS))
    if view.sees:
        evidence = await kept_evidence(request, node, read_evidence)
        await look_on_page(request, node, visit, "results", _NEEDS, asked={"of": "home"}, count=1)
        view = replace(
            view,
            evidence=evidence,
            sites=site_lines(node.archive.health.snapshot()),
            conditions=node.duties.conditions.last,
        )
    return page_answer(request, HOME, view=view)
