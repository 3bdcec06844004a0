"""``/v1/sessions``: open sessions of people are listed and ended: one's own, or another's by right."""

from __future__ import annotations

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi
from vanvault.api.accounts_route import account_for
from vanvault.api.context import node_of
from vanvault.api.node import Node
from vanvault.api.people import run_sign_on, signed_on
from vanvault.api.urls import query_of
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.people.accounts import Account
from vanvault.recovery.sign_on import SignedOn

router = APIRouter()


@router.get("/v1/sessions", **openapi.SESSIONS)
async def sessions(request: Request) -> Response:
    """The open sessions of who asks, or of the account that is named."""
    node = node_of(request)
    person = await signed_on(request, node)
    account = _whose(request, node, person)
    found = await run_sign_on(node, lambda: node.sign_ons.sessions(account))
    told = {"sessions": [one.as_json() for one in found]}
    return Response(orjson.dumps(told), media_type="application/json", headers={"Cache-Control": "no-store"})


@router.delete("/v1/sessions", **openapi.END_SESSIONS)
async def end_sessions(request: Request) -> Response:
    """End all sessions of who asks, or of the account that is named, at every node."""
    return await _end(request)


@router.delete("/v1/sessions/{session_id}", **openapi.END_SESSION)
async def end_session(request: Request, session_id: str) -> Response:
    """End one of them."""
    return await _end(request, session_id)


async def _end(request: Request, session_id: str = "") -> Response:
    node = node_of(request)
    person = await signed_on(request, node)
    account = _whose(request, node, person)
    await run_sign_on(node, lambda: node.sign_ons.end_sessions(person, account, session_id))
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _whose(request: Request, node: Node, person: SignedOn) -> Account:
    """The account that is named, one's own without a name. Raises InvalidInput, AccessDenied, NotFound."""
    given = query_of(request.scope)
    if len(given) > 1 or any(name != "account" for name, _ in given):
        raise InvalidInput(
            "there is one parameter, account, once", field="account", hint="Nothing was ended."
        )
    return account_for(node, person, dict(given).get("account", person.account.name))
