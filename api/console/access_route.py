"""``/console/access``: who has looked at what, as ``/v1/access`` tells, by filters that are typed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vanvault.api.access_route import read_looks
from vanvault.api.asked import exactly_asked
from vanvault.api.console.answers import page_answer
from vanvault.api.console.forms import form_of
from vanvault.api.console.pages import ACCESS
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.sealed_question import opened_question, sealed_question
from vanvault.api.console.typed_filters import typed_filters
from vanvault.api.console.views.access import (
    MOST_PAGES,
    PAGE_LOOKS,
    AccessView,
    LookCursor,
    look_lines,
    seen_on,
)
from vanvault.api.console.visits import visit_of
from vanvault.api.context import node_of
from vanvault.api.looks import asks, looked, parsed, shows
from vanvault.api.people import SESSION_COOKIE
from vanvault.api.urls import query_of
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_us, to_us

router = APIRouter(route_class=ConsoleRoute)


@router.get(ACCESS.path)
@looked("access", "see-access", gateways=False)
async def newest(request: Request) -> Response:
    """The newest looks, whoever looked."""
    return await _answer(request, "")


@router.post(ACCESS.path)
async def ask(request: Request) -> Response:
    """Where the filters of a form are answered: their address, which names nobody."""
    node = node_of(request)
    visit = await visit_of(request, node)
    visit.person.authority("see-access", visit.now)
    given = await form_of(request, node, request.cookies.get(SESSION_COOKIE, ""))
    if set(given) - {"filters"}:
        raise InvalidInput("the form has filters alone", field="filters")
    line = given.get("filters", "").strip()
    try:
        typed_filters(line)
    except InvalidInput as error:
        view = AccessView(filters=line, wrong=error.message)
        return page_answer(request, ACCESS, status=400, view=view)
    sealed = f"/{sealed_question(node.archive.keys, [('filters', line)])}" if line else ""
    return RedirectResponse(f"{ACCESS.path}{sealed}", status_code=303)


@router.get(f"{ACCESS.path}/{{sealed}}")
@looked("access", "see-access", gateways=False)
async def found(request: Request, sealed: str) -> Response:
    """The looks that filters name which have an opaque address."""
    asks(request, {})  # the address says nothing to who reads the record; what it means goes there below
    question = parsed(request, lambda: opened_question(node_of(request).archive.keys, sealed))
    if [name for name, _ in question] != ["filters"]:
        raise InvalidInput("this address holds no filters", field="filters")
    return await _answer(request, question[0][1])


async def _answer(request: Request, line: str) -> Response:
    node = node_of(request)
    visit = await visit_of(request, node)
    cursor = parsed(request, lambda: _cursor(query_of(request.scope)))
    asked = dict(exactly_asked(request, list(parsed(request, lambda: typed_filters(line)).items())))
    until_us = to_us(visit.now) + 1 if cursor.until_us is None else cursor.until_us
    to = asked.get("to")
    until = rfc3339_us(until_us)
    bounded = {**asked, "limit": str(PAGE_LOOKS * cursor.page)}
    if cursor.page > 1 and (to is None or to_us(parse_rfc3339(to)) > until_us):
        bounded["to"] = until
    looks, complete = await asyncio.get_running_loop().run_in_executor(
        node.threads.reads, lambda: read_looks(request, node, bounded)
    )
    shows(request, [one.id for one in seen_on(looks, cursor.page)])
    further = LookCursor(cursor.page + 1, until_us) if looks.more and cursor.page < MOST_PAGES else None
    view = AccessView(
        filters=line,
        asked=asked,
        looks=look_lines(looks, cursor.page),
        next=f"{request.url.path}?cursor={further}" if further else "",
        too_many=looks.more and further is None,
        complete=complete,
        opens=visit.may("search"),
    )
    return page_answer(request, ACCESS, view=view)


def _cursor(given: Sequence[tuple[str, str]]) -> LookCursor:
    """Raises InvalidInput."""
    if not given:
        return LookCursor(1)
    if [name for name, _ in given] != ["cursor"]:
        raise InvalidInput("this address takes cursor alone", field="query")
    return LookCursor.of(given[0][1])
