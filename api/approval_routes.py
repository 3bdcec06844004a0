"""``/v1/approvals``: what waits for approval, and what people say to it, by a session of theirs.

Whoever may approve sees all requests, everybody else their own. A token of a person never approves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi
from vanvault.api.context import node_of
from vanvault.api.looks import look_by_session, on_record
from vanvault.api.node import Node
from vanvault.api.observe import RESERVATION
from vanvault.api.people import signed_on
from vanvault.api.session_routes import short_body
from vanvault.api.urls import query_of
from vanvault.archiver.core.error_table import kind_of
from vanvault.archiver.core.errors import Busy, Conflict, InvalidInput, NotFound, VanVaultError
from vanvault.archiver.people.accounts import Allowed, judge
from vanvault.archiver.people.approvals import ApprovalRequest
from vanvault.archiver.people.looks import outcome_of
from vanvault.recovery.approvals import (
    Approver,
    KnownApprovals,
    approve_request,
    known_approvals,
    refuse_request,
    request_as_json,
)
from vanvault.recovery.sign_on import SignedOn

router = APIRouter()

_T = TypeVar("_T")


@router.get("/v1/approvals", **openapi.APPROVALS)
async def approvals(request: Request) -> Response:
    """Requests that are open or approved, the newest first; with ``all=true`` all that are on record."""
    node = node_of(request)
    asked = dict(query_of(request.scope))
    if set(asked) - {"all"} or asked.get("all", "false") not in ("true", "false"):
        raise InvalidInput("the one parameter is all, true or false", field="all")
    person = await signed_on(request, node)
    return _json(await shown_approvals(request, person, asked))


async def shown_approvals(request: Request, person: SignedOn, asked: Mapping[str, str]) -> dict[str, Any]:
    """What the route above tells this person, with the look on record. Raises Busy, Damaged."""
    node, everything = node_of(request), asked.get("all") == "true"

    def read() -> tuple[dict[str, Any], int]:
        known = _known(node, everything=everything)
        shown = [request_as_json(known, one) for one in known.book if _sees(node, person, one)]
        if not everything:
            shown = [one for one in shown if one["state"] in ("open", "approved")]
        told = {
            "approvals": shown,
            "own_only": not _may_approve(node, person),
            "partial": bool(known.lacking),
        }
        return told, len(shown)

    return await _shown(request, person, asked, read)


@router.get("/v1/approvals/{request_id}", **openapi.APPROVAL)
async def approval(request: Request, request_id: str) -> Response:
    """One request, with how it stands and who approved it."""
    node = node_of(request)
    person = await signed_on(request, node)

    def read() -> tuple[dict[str, Any], int]:
        known = _known(node, everything=True)
        return request_as_json(known, _seen(node, person, known, request_id)), 1

    return _json(await _shown(request, person, {"request_id": request_id}, read))


@router.post("/v1/approvals/{request_id}/approve", **openapi.APPROVE)
async def approve(request: Request, request_id: str) -> Response:
    """Approve exactly the request that has this digest; the session began within five minutes."""
    node = node_of(request)
    person = await signed_on(request, node)
    said = _said(await short_body(request, node, "application/json"), ("digest",))
    return _json(await answer_request(request, person, request_id, said["digest"]))


@router.post("/v1/approvals/{request_id}/refuse", **openapi.REFUSE)
async def refuse(request: Request, request_id: str) -> Response:
    """Refuse it, for a reason: it is good for nothing from then on."""
    node = node_of(request)
    person = await signed_on(request, node)
    said = _said(await short_body(request, node, "application/json"), ("digest", "reason"))
    return _json(await answer_request(request, person, request_id, said["digest"], refused=said["reason"]))


async def _shown(
    request: Request,
    person: SignedOn,
    asked: Mapping[str, str],
    read: Callable[[], tuple[dict[str, Any], int]],
) -> dict[str, Any]:
    """What a read tells, and of how many requests; a look on record before a byte leaves."""
    node = node_of(request)
    look = replace(look_by_session(request, node, person, "access"), asked={**asked, "of": "approvals"})
    try:
        told, count = await _run(request, node, person, read)
    except VanVaultError as error:
        await on_record(node, replace(look, outcome=outcome_of(error), reason=kind_of(type(error))))
        raise
    await on_record(node, replace(look, count=count))
    return told


async def _run(request: Request, node: Node, person: SignedOn, work: Callable[[], _T]) -> _T:
    """Run what reads the whole record, within the quota of the person. Raises Busy."""
    request.scope[RESERVATION] = node.quotas.begin(person.account.id)
    return await asyncio.get_running_loop().run_in_executor(node.threads.reads, work)


async def answer_request(
    request: Request, person: SignedOn, request_id: str, digest: str, *, refused: str | None = None
) -> dict[str, Any]:
    """Approve the request that has this digest, or refuse it for a reason; the request as it is then.

    Raises NotFound (also where they may not see it), Conflict (another digest), and as ``approve_request``,
    ``refuse_request`` and ``Approver.of``.
    """
    node = node_of(request)

    def act() -> dict[str, Any]:
        who = Approver.of(person, node.archive.settings, node.archive.clock.now())
        found = _seen(node, person, _known(node, everything=True), request_id)
        if digest != found.digest:
            raise Conflict(
                f"{found.id} is not the request with this digest", hint="Look at it again: GET it first."
            )
        if refused is None:
            approve_request(node.archive, found.id, who)
        else:
            refuse_request(node.archive, found.id, who, refused)
        after = known_approvals(node.archive, everything=True)
        return request_as_json(after, after.book.get(found.id))

    return await _run(request, node, person, act)


def _known(node: Node, *, everything: bool) -> KnownApprovals:
    if node.archive.behind:
        raise Busy(node.archive.behind, retry_after=2)
    return known_approvals(node.archive, everything=everything)


def _seen(node: Node, person: SignedOn, known: KnownApprovals, id: str) -> ApprovalRequest:
    """Raises NotFound, also for what this person may not see."""
    found = known.book.by_id.get(id)
    if found is None or not _sees(node, person, found):
        raise NotFound(f"there is no request {id[:40]!r} that you may see", hint="GET /v1/approvals")
    return found


def _sees(node: Node, person: SignedOn, request: ApprovalRequest) -> bool:
    own = request.wish.requester in (person.account.id, f"os:{person.account.name}")
    return own or _may_approve(node, person)


def _may_approve(node: Node, person: SignedOn) -> bool:
    now = node.archive.clock.now()
    return isinstance(judge(person.account, "approve", now, within=person.roles), Allowed)


def _said(body: bytes, fields: tuple[str, ...]) -> dict[str, str]:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput("the body is not JSON", field="body") from error
    if not isinstance(said, dict) or set(said) != set(fields):
        raise InvalidInput(f"the body is an object of {' and '.join(fields)}", field="body")
    for name, value in said.items():
        if not isinstance(value, str):
            raise InvalidInput(f"{name} is a text", field=name)
    return said


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json", headers={"Cache-Control": "no-store"})
