"""``/console/inbox``: what waits for a person; approved and refused here as by ``/v1/approvals``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vanvault.api.approval_routes import answer_request, shown_approvals
from vanvault.api.console.answers import page_answer
from vanvault.api.console.forms import form_of
from vanvault.api.console.looks_on_page import look_on_page
from vanvault.api.console.pages import INBOX, roles_with
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.views.inbox import InboxView, approval_line
from vanvault.api.console.visits import Visit, visit_of
from vanvault.api.console.waiting import read_waiting
from vanvault.api.context import node_of
from vanvault.api.node import Node
from vanvault.api.people import SESSION_COOKIE
from vanvault.api.reading import run_read
from vanvault.archiver.core.errors import AccessDenied, InvalidInput
from vanvault.archiver.people.accounts import Permission
from vanvault.recovery.approvals import Approver

router = APIRouter(route_class=ConsoleRoute)

#: As on the first page: who may read results of checks sees what must be seen to.
_NEEDS: Permission = "verify-results"
#: One of these lets a person see some of what waits.
_OF_WAITING: tuple[Permission, ...] = (
    "see-access",
    "verify-results",
    "manage-accounts",
    "extract",
    "approve",
)


@router.get(INBOX.path)
async def inbox(request: Request) -> Response:
    """The page, for every person: who may approve sees all requests, everybody else their own."""
    node = node_of(request)
    visit = await visit_of(request, node)
    told = await shown_approvals(request, visit.person, {})
    account, approves = visit.person.account, not told["own_only"]
    view = InboxView(
        now=visit.now,
        approvals=tuple(
            approval_line(one, person=account.id, name=account.name, approves=approves)
            for one in sorted(told["approvals"], key=lambda one: one["until"] or "~")
        ),
        own_only=told["own_only"],
        complete=not told["partial"],
        approve_roles=roles_with("approve"),
        fresh=approves and _is_fresh(node, visit),
        sees=visit.may(_NEEDS),
        waiting=await run_read(node, lambda: read_waiting(node, visit)),
        sees_roles=roles_with(_NEEDS),
    )
    if view.waiting.lines:
        await _look_at_waiting(request, node, visit, len(view.waiting.lines))
    if view.sees:
        conditions = node.duties.conditions.last
        count = len(conditions or ())
        await look_on_page(request, node, visit, "results", _NEEDS, asked={"of": "inbox"}, count=count)
        view = replace(view, conditions=conditions)
    return page_answer(request, INBOX, view=view)


async def _look_at_waiting(request: Request, node: Node, visit: Visit, count: int) -> None:
    """On record by whatever lets this person see some of it."""
    permission = next(one for one in _OF_WAITING if visit.may(one))
    await look_on_page(request, node, visit, "results", permission, asked={"of": "waiting"}, count=count)


@router.post(f"{INBOX.path}/{{request_id}}/approve")
async def approve(request: Request, request_id: str) -> Response:
    """Approve exactly the request that was shown, by its digest."""
    visit, given = await _answered(request, ("digest",))
    await answer_request(request, visit.person, request_id, given["digest"])
    return RedirectResponse(INBOX.path, status_code=303)


@router.post(f"{INBOX.path}/{{request_id}}/refuse")
async def refuse(request: Request, request_id: str) -> Response:
    """Refuse it, for a reason."""
    visit, given = await _answered(request, ("digest", "reason"))
    await answer_request(request, visit.person, request_id, given["digest"], refused=given["reason"])
    return RedirectResponse(INBOX.path, status_code=303)


async def _answered(request: Request, fields: Collection[str]) -> tuple[Visit, Mapping[str, str]]:
    """Who sent a form, and its fields. Raises InvalidInput: others than these; and as ``form_of``."""
    node = node_of(request)
    visit = await visit_of(request, node)
    given = await form_of(request, node, request.cookies.get(SESSION_COOKIE, ""))
    if set(given) != set(fields):
        raise InvalidInput(
            f"the form has {' and '.join(fields)}",
            field="body",
            hint="Fill in each field, and send it again.",
        )
    return visit, given


def _is_fresh(node: Node, visit: Visit) -> bool:
    try:
        Approver.of(visit.person, node.archive.settings, visit.now)
    except AccessDenied:
        return False
    return True
