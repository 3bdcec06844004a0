"""Authenticators of people (WebAuthn): signing on with one, and enrolling, listing, removing one's own."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi
from vanvault.api.context import node_of
from vanvault.api.people import place_of, run_sign_on, signed_on
from vanvault.api.session_routes import json_object, private_json, session_answer, short_body, with_session
from vanvault.archiver.core.errors import InvalidInput
from vanvault.recovery.sign_on import AuthenticatorBegun, authenticator_id

router = APIRouter()


@router.post("/v1/session/authenticator", **openapi.BEGIN_AUTHENTICATOR)
async def begin(request: Request) -> Response:
    """A challenge for the authenticators of an account."""
    node = node_of(request)
    name = _texts(await _object(request, {"account"}), "account")[0]
    place = place_of(request, node)
    begun = await run_sign_on(node, lambda: node.sign_ons.with_authenticator.begin(name, place))
    return _begun(begun)


@router.post("/v1/session/authenticator/finish", **openapi.FINISH_AUTHENTICATOR)
async def finish(request: Request) -> Response:
    """The session of whose authenticator answered."""
    node = node_of(request)
    asked = await _object(request, {"ticket", "answer", "cookie"})
    ticket, answer, as_cookie = _texts(asked, "ticket")[0], _answer(asked), asked.get("cookie", False)
    if not isinstance(as_cookie, bool):
        raise InvalidInput("cookie is true or false", field="cookie")
    place = place_of(request, node)
    opened = await run_sign_on(node, lambda: node.sign_ons.with_authenticator.finish(ticket, answer, place))
    person = await run_sign_on(node, lambda: node.sign_ons.caller(opened.secret))
    told = session_answer(node, person)
    if as_cookie:
        return with_session(private_json(told, 201), opened)
    return private_json({"secret": opened.secret, **told}, 201)


@router.get("/v1/authenticators", **openapi.AUTHENTICATORS)
async def authenticators(request: Request) -> Response:
    """One's own authenticators."""
    node = node_of(request)
    person = await signed_on(request, node)
    held = await run_sign_on(node, lambda: node.sign_ons.with_authenticator.of(person.account))
    told = [{"id": authenticator_id(one), "label": one.label} for one in held]
    return private_json({"authenticators": told})


@router.post("/v1/authenticators", **openapi.BEGIN_ENROLMENT)
async def begin_enrolment(request: Request) -> Response:
    """A challenge for a new authenticator; two factors must have been shown in the last five minutes."""
    node = node_of(request)
    person = await signed_on(request, node)
    return _begun(await run_sign_on(node, lambda: node.sign_ons.with_authenticator.begin_enrolment(person)))


@router.post("/v1/authenticators/finish", **openapi.FINISH_ENROLMENT)
async def finish_enrolment(request: Request) -> Response:
    """The authenticator is enrolled."""
    node = node_of(request)
    person = await signed_on(request, node)
    asked = await _object(request, {"ticket", "answer", "label"})
    ticket, label = _texts({"label": "", **asked}, "ticket", "label")
    answer, enrol = _answer(asked), node.sign_ons.with_authenticator.finish_enrolment
    made = await run_sign_on(node, lambda: enrol(person, ticket, answer, label))
    return private_json({"id": authenticator_id(made), "label": made.label}, 201)


@router.delete("/v1/authenticators/{authenticator}", **openapi.REMOVE_AUTHENTICATOR)
async def remove(request: Request, authenticator: str) -> Response:
    """Remove one of one's own."""
    node = node_of(request)
    person = await signed_on(request, node)
    await run_sign_on(node, lambda: node.sign_ons.with_authenticator.remove(person, authenticator))
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _begun(begun: AuthenticatorBegun) -> Response:
    return private_json({"options": begun.options, "ticket": begun.ticket})


async def _object(request: Request, fields: set[str]) -> dict[str, Any]:
    asked = json_object(await short_body(request, node_of(request), "application/json"))
    if set(asked) - fields:
        raise InvalidInput(f"the body is no object of {', '.join(sorted(fields))}", field="body")
    return asked


def _texts(asked: dict[str, Any], *names: str) -> list[str]:
    """Raises InvalidInput: one of them is no text."""
    for name in names:
        if not isinstance(asked.get(name), str):
            raise InvalidInput(f"{name} is a text", field=name)
    return [asked[name] for name in names]


def _answer(asked: dict[str, Any]) -> str:
    """What ``PublicKeyCredential.toJSON`` gave, as JSON text. Raises InvalidInput."""
    answer = asked.get("answer")
    if not isinstance(answer, dict):
        raise InvalidInput("answer is the JSON object of a credential", field="answer")
    return orjson.dumps(answer).decode()
