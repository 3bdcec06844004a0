"""``/console/search``: every field, the period that was searched, hits, and what could not be looked at.

A question whose values are of persons or enterprises gets an opaque address (``sealed_question.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vanvault.api.asked import exactly_asked
from vanvault.api.console.answers import page_answer
from vanvault.api.console.extraction_links import extraction_of
from vanvault.api.console.forms import form_of
from vanvault.api.console.looks_on_page import look_on_page
from vanvault.api.console.pages import SEARCH
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.sealed_question import AskedFields, may_stand_open, opened_question, sealed_question
from vanvault.api.console.views.facets import FACETS, Facets, counts_on_page, facets_of
from vanvault.api.console.views.search import CountsInTime, SearchView, bar_span, counts_in_time, hits_of
from vanvault.api.console.visits import Visit, visit_of
from vanvault.api.context import node_of
from vanvault.api.freshness import Freshness
from vanvault.api.looks import asks, looked, parsed, reader_of, shows
from vanvault.api.node import Node
from vanvault.api.people import SESSION_COOKIE
from vanvault.api.reading import find_page, own_holds, read_fresh, run_read, search_query, split_due
from vanvault.api.urls import query_of
from vanvault.archiver.catalogue import By, HistogramQuery, Item, Page, Query
from vanvault.archiver.core.asked_times import TIME_PARAMETERS, exact_times
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import from_us
from vanvault.archiver.export import csv_page
from vanvault.recovery.searched import NearMisses, searched_of

router = APIRouter(route_class=ConsoleRoute)

_FIELDS = frozenset((*Query.FIELDS, "during", "by", "order"))
#: What belongs to the page and not to the question.
_OF_PAGE = frozenset(("cursor", "as", "limit", "due"))
_DAYS_AS_DAYS, _DAYS_AS_MONTHS = timedelta(days=93), timedelta(days=366 * 6)


@router.get(SEARCH.path)
async def search(request: Request) -> Response:
    """The form alone, and what it finds once something is asked."""
    if query_of(request.scope):
        return await _found_openly(request)
    visit = await visit_of(request, node_of(request))
    visit.person.authority("search", visit.now)
    return page_answer(request, SEARCH, view=SearchView(given={}))


@router.post(SEARCH.path)
async def ask(request: Request) -> Response:
    """Where the question of a form is answered: its address."""
    node = node_of(request)
    visit = await visit_of(request, node)
    visit.person.authority("search", visit.now)
    given = await form_of(request, node, request.cookies.get(SESSION_COOKIE, ""))
    strange = sorted(set(given) - _FIELDS)
    if strange:
        raise InvalidInput(f"there is no search field {strange[0][:40]!r}", field=strange[0][:40])
    question = [(name, value) for name, value in sorted(given.items()) if value.strip()]
    if not question:
        question = [("order", "newest")]  # everything, the newest first
    try:  # what is wrong with it is told beside the form, not in place of it
        exact = exact_times(question, node.archive.settings.search.calendar())
        search_query(exact, node.archive.search.cursor_key)
    except InvalidInput as error:
        view = SearchView(given=given, wrong=error.message, wrong_field=error.field)
        return page_answer(request, SEARCH, status=400, view=view)
    return RedirectResponse(_address(node, question), status_code=303)


@router.get(f"{SEARCH.path}/{{sealed}}")
@looked("search", "search", gateways=False)
async def found(request: Request, sealed: str) -> Response:
    """What a question finds that has an opaque address."""
    asks(request, {})  # the address says nothing to who reads the record; what it means goes there below
    node = node_of(request)
    question = parsed(request, lambda: opened_question(node.archive.keys, sealed))
    of_page = query_of(request.scope)
    if any(name not in _OF_PAGE for name, _ in of_page):
        raise InvalidInput("this address takes cursor, due and as alone", field="query")
    return await _answer(request, node, question, of_page)


@looked("search", "search", gateways=False)
async def _found_openly(request: Request) -> Response:
    given = query_of(request.scope)
    question = [(name, value) for name, value in given if name not in _OF_PAGE and value]
    return await _answer(request, node_of(request), question, [one for one in given if one[0] in _OF_PAGE])


async def _answer(
    request: Request, node: Node, question: list[tuple[str, str]], of_page: list[tuple[str, str]]
) -> Response:
    reader, visit = reader_of(request), await visit_of(request, node)
    form = next((value for name, value in of_page if name == "as"), "page")
    if form not in ("page", "csv", "json"):
        raise InvalidInput("as is csv or json", field="as")
    with_clocks, of_page = parsed(request, lambda: split_due(of_page))
    exact = exactly_asked(request, [*question, *(one for one in of_page if one[0] != "as")])
    query = parsed(request, lambda: search_query(exact, node.archive.search.cursor_key))

    def find(fresh: Freshness) -> tuple[Page, NearMisses, Freshness]:
        return *find_page(node, reader, query, due=with_clocks), fresh

    page, near, fresh = await read_fresh(node, find)
    items, withheld = reader.sight.shown(page.items)
    ids = [item["id"] for item in items]
    shows(request, ids, near.count or len(ids))
    searched = searched_of(query, node.archive.settings.search.calendar())
    unread = (*page.unread, *fresh.unread)
    if form == "csv":
        return _file(csv_page(items), "text/csv", "search.csv")
    if form == "json":
        told = {
            "searched": searched.as_json(),
            "items": items,
            "next": page.next,
            "partial": page.partial or None,
            "unread": [{"object": one.object, "reason": one.reason} for one in unread],
            "withheld": [one.as_json() for one in withheld],
        }
        return _file(orjson.dumps(told, option=orjson.OPT_INDENT_2), "application/json", "search.json")
    holds = await run_read(node, lambda: own_holds(node, items))
    counts, facets = await _counted(request, node, visit, query, question, items)
    view = SearchView(
        given=dict(question),
        address=_address(node, question),
        searched=searched,
        hits=hits_of(items, holds),
        sees_holds=visit.may("see-access"),
        cursor=dict(of_page).get("cursor", ""),
        next=page.next,
        partial=page.partial,
        unread=unread,
        withheld=tuple(withheld),
        near=near.found,
        near_complete=near.complete,
        counts=counts,
        facets=facets,
        counts_unseen=bool(reader.sight.rows),
        with_clocks=with_clocks,
        extract=extraction_of(node, question) if visit.may("extract") else "",
    )
    answer = page_answer(request, SEARCH, view=view)
    if request.headers.get("hx-request"):
        query_text = f"?{request.url.query}" if request.url.query else ""
        answer.headers["HX-Push-Url"] = f"{request.url.path}{query_text}"
    return answer


async def _counted(
    request: Request, node: Node, visit: Visit, query: Query, question: AskedFields, items: Sequence[Item]
) -> tuple[CountsInTime | None, Facets | None]:
    """Counts by time and by field: of all that was found where that is counted, else of this page."""
    if query.after:  # the first page has told it
        return None, None

    def address(asked: AskedFields) -> str:
        return _address(node, asked)

    if query.occurred is not None or not set(query.filters) <= set(HistogramQuery.FIELDS):
        return None, facets_of(counts_on_page(items), question, address, whole=False) if items else None
    parameters = dict(query.filters)
    span = timedelta.max
    if query.from_us:
        parameters["from"] = f"{from_us(query.from_us):%Y-%m-%d}"
    if query.to_us < Query.NO_END_US:
        parameters["to"] = f"{from_us(query.to_us - 1):%Y-%m-%d}"
        span = from_us(query.to_us) - from_us(query.from_us)
    asked = HistogramQuery.parse(parameters.items())
    by: By = "day" if span <= _DAYS_AS_DAYS else "month" if span <= _DAYS_AS_MONTHS else "year"
    found = await run_read(node, lambda: node.archive.histograms.by_each(asked, (by, "month", *FACETS)))
    if by == "year" and len(found[by].bars) <= 1:  # an archive of one year shows its months
        by = "month"
    bars = found[by]
    told = parameters | {"by": ", ".join((by, *FACETS))}
    await look_on_page(request, node, visit, "count", "search", asked=told, count=bars.entries)
    others = [one for one in question if one[0] not in TIME_PARAMETERS]
    links = [
        address([*others, *zip(("from", "to"), bar_span(bar.value), strict=True)])
        if bar.value
        else address(others)
        for bar in bars.bars
    ]
    values: dict[str, dict[str, int]] = {
        name: {bar.value: bar.entries for bar in found[name].bars} for name in FACETS
    }
    return counts_in_time(bars, links, asked.days_json()), facets_of(values, question, address, whole=True)


def _address(node: Node, question: AskedFields) -> str:
    """Of the question's page, without a cursor. Raises KeyUnavailable."""
    if may_stand_open(question):
        return f"{SEARCH.path}?{urlencode(question)}"
    return f"{SEARCH.path}/{sealed_question(node.archive.keys, question)}"


def _file(data: bytes, media_type: str, name: str) -> Response:
    headers: Mapping[str, str] = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=dict(headers))
