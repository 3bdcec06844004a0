"""``/console/extractions``: asked for by form, taken away once others approved it, as ``/v1/extractions``."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vanvault.api.console.answers import page_answer
from vanvault.api.console.forms import form_of, form_with_files_of
from vanvault.api.console.looks_on_page import look_on_page
from vanvault.api.console.pages import EXTRACTION, EXTRACTION_FORM, EXTRACTIONS, SEARCH, roles_with
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.sealed_question import may_stand_open, opened_question, sealed_question
from vanvault.api.console.views.extractions import (
    FILTER,
    FILTERS,
    PAGE_FIELDS,
    ExtractionFormView,
    ExtractionLine,
    ExtractionsView,
    ExtractionView,
    RequestOnPage,
    approval_standing,
    page_field,
    told_form,
)
from vanvault.api.console.visits import Visit, visit_of
from vanvault.api.context import node_of
from vanvault.api.extraction_routes import (
    asked_extraction,
    extraction_file,
    shown_extraction,
    shown_extractions,
)
from vanvault.api.looks import looked
from vanvault.api.node import Node
from vanvault.api.people import SESSION_COOKIE
from vanvault.api.reading import run_read
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.people.extraction import Extraction
from vanvault.recovery.approvals import known_approvals, request_as_json

router = APIRouter(route_class=ConsoleRoute)

#: Bytes of a scan of 8 MiB, as at the API, and of the form around it.
_MOST_BODY = 8 * 2**20 + 128 * 1024


@router.get(EXTRACTIONS.path)
@looked("access", "extract", of="extractions", gateways=False)
async def extractions(request: Request) -> Response:
    """One's own, the newest first; those of others for who may approve or see looks."""
    visit = await visit_of(request, node_of(request))
    seen, partial = await shown_extractions(request)
    view = ExtractionsView(
        lines=tuple(ExtractionLine.of(one, visit.now) for one in seen),
        partial=partial,
        others=visit.may("approve") or visit.may("see-access"),
        others_roles=roles_with("approve", "see-access"),
        exports=visit.may("see-access") and visit.may("verify-results"),
        exports_roles=roles_with("see-access"),
    )
    return page_answer(request, EXTRACTIONS, view=view)


@router.get(EXTRACTION_FORM.path)
async def empty_form(request: Request) -> Response:
    """The form with nothing in it."""
    visit = await visit_of(request, node_of(request))
    visit.person.authority("extract", visit.now)
    return page_answer(request, EXTRACTION_FORM, view=ExtractionFormView(given={}))


@router.get(f"{EXTRACTION_FORM.path}/{{sealed}}")
async def filled_form(request: Request, sealed: str) -> Response:
    """The form for the entries of a question that was asked on another page."""
    node = node_of(request)
    visit = await visit_of(request, node)
    visit.person.authority("extract", visit.now)
    question = opened_question(node.archive.keys, sealed)
    given = {f"{FILTER}{name}": value for name, value in question if name in FILTERS}
    return page_answer(request, EXTRACTION_FORM, view=ExtractionFormView(given=given))


@router.post(EXTRACTIONS.path)
async def ask(request: Request) -> Response:
    """Put the form on record with the scan of its letter; what is wrong is told on the form."""
    node = node_of(request)
    visit = await visit_of(request, node)
    visit.person.authority("extract", visit.now)
    secret = request.cookies.get(SESSION_COOKIE, "")
    given, files = await form_with_files_of(request, node, secret, most=_MOST_BODY)
    if set(given) - PAGE_FIELDS or set(files) - {"scan"}:
        raise InvalidInput("the form has fields that are none of this page", field="body")

    @looked("count", "extract", gateways=False)
    async def put(request: Request) -> Response:
        done, _ = await asked_extraction(request, told_form(given), files.get("scan", b""))
        return RedirectResponse(EXTRACTION.path.format(extraction_id=done.extraction.id), status_code=303)

    try:
        if "scan" not in files:
            raise InvalidInput("the scan of the letter is missing", field="scan")
        return await put(request)
    except InvalidInput as error:
        view = ExtractionFormView(given, error.message, page_field(error.field), error.hint)
        return page_answer(request, EXTRACTION_FORM, status=400, view=view)


@router.get(EXTRACTION.path)
@looked("access", "extract", of="extractions", gateways=False)
async def extraction(request: Request, extraction_id: str) -> Response:
    """One extraction: its form, its approval, its file, and how to check that."""
    node = node_of(request)
    visit = await visit_of(request, node)
    found = await shown_extraction(request, extraction_id)
    own = found.who == visit.name
    view = ExtractionView(
        one=found.as_json(visit.now),
        own=own,
        approval=await _approval(request, node, visit, found) if own or visit.may("approve") else None,
        search=_search(node, found.form.filter) if visit.may("search") else "",
    )
    return page_answer(request, EXTRACTION, view=view)


@router.post(f"{EXTRACTION.path}/run")
async def run(request: Request, extraction_id: str) -> Response:
    """The file, by who asked for the extraction; again until it is handed over."""
    node = node_of(request)
    await visit_of(request, node)
    if await form_of(request, node, request.cookies.get(SESSION_COOKIE, "")):
        raise InvalidInput("the form has no field but its token", field="body")
    return await _run(request, extraction_id=extraction_id)


@looked("extract", "extract", gateways=False)
async def _run(request: Request, extraction_id: str) -> Response:
    return await extraction_file(request, extraction_id)


async def _approval(request: Request, node: Node, visit: Visit, found: Extraction) -> RequestOnPage | None:
    def read() -> RequestOnPage | None:
        known = known_approvals(node.archive, everything=True)
        requests = [one for one in known.book if one.wish.act == "extraction"]
        return approval_standing([request_as_json(known, one) for one in requests], found.id)

    standing = await run_read(node, read)
    asked = {"of": "approvals", "extraction_id": found.id}
    await look_on_page(request, node, visit, "access", "extract", asked=asked, count=standing is not None)
    return standing


def _search(node: Node, filter: Mapping[str, str]) -> str:
    """The address of the search for the same entries. Raises KeyUnavailable."""
    question = sorted(filter.items())
    if may_stand_open(question):
        return f"{SEARCH.path}?{urlencode(question)}"
    return f"{SEARCH.path}/{sealed_question(node.archive.keys, question)}"
