"""Sessions of people: ``/v1/session`` signs on with a password, says who is signed on, and signs off."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi
from vanvault.api.context import node_of
from vanvault.api.node import Node
from vanvault.api.people import SESSION_COOKIE, place_of, run_sign_on, signed_on
from vanvault.archiver.core.errors import InvalidInput, TooLarge, TooSlow
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.people.accounts import PERMISSIONS
from vanvault.archiver.people.sign_on import LocalAttempt
from vanvault.recovery.sign_on import BreakGlassTried, SessionOpened, SignedOn

router = APIRouter()

_MOST_BODY = 16 * 1024
_FIELDS = frozenset(("account", "password", "code", "cookie"))


@router.post("/v1/session", **openapi.SIGN_ON)
async def sign_on(request: Request) -> Response:
    """Sign on with a password, and a code where the account has codes."""
    node = node_of(request)
    name, attempt, as_cookie = _attempt(await short_body(request, node, "application/json"))
    place = place_of(request, node)
    opened = await run_sign_on(node, lambda: node.sign_ons.local(name, attempt, place), password=True)
    person = await run_sign_on(node, lambda: node.sign_ons.caller(opened.secret))
    told = session_answer(node, person)
    if as_cookie:
        return with_session(private_json(told, 201), opened)
    return private_json({"secret": opened.secret, **told}, 201)


@router.get("/v1/session", **openapi.SESSION)
async def session(request: Request) -> Response:
    """Who is signed on, and what that person may do now."""
    node = node_of(request)
    return private_json(session_answer(node, await signed_on(request, node)))


@router.delete("/v1/session", **openapi.SIGN_OFF)
async def sign_off(request: Request) -> Response:
    """End the session, at every node."""
    node = node_of(request)
    person = await signed_on(request, node)
    await run_sign_on(node, lambda: node.sign_ons.end(person))
    answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
    answer.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


@router.post("/v1/session/device", **openapi.BEGIN_DEVICE)
async def begin_device(request: Request) -> Response:
    """Begin a sign-on at the identity provider from where no browser is (RFC 8628)."""
    node = node_of(request)
    place = place_of(request, node)
    grant, device = await run_sign_on(node, lambda: node.sign_ons.at_provider.begin_device(place))
    told = {
        "device": device,
        "user_code": grant.user_code,
        "verification_uri": grant.address,
        "interval_s": grant.interval_s,
        "lifetime_s": grant.lifetime_s,
    }
    return private_json(
        told | {"verification_uri_complete": grant.address_with_code} if grant.address_with_code else told
    )


@router.post("/v1/session/device/poll", **openapi.POLL_DEVICE)
async def poll_device(request: Request) -> Response:
    """The session, once the person has confirmed; until then 202."""
    node = node_of(request)
    asked = json_object(await short_body(request, node, "application/json"))
    device, place = asked.get("device"), place_of(request, node)
    if not isinstance(device, str) or len(asked) != 1:
        raise InvalidInput(
            "the body is no object with device", field="device", hint="POST /v1/session/device"
        )
    found = await run_sign_on(node, lambda: node.sign_ons.at_provider.finish_device(device, place))
    if isinstance(found, str):
        return private_json({"state": found}, 202)
    person = await run_sign_on(node, lambda: node.sign_ons.caller(found.secret))
    return private_json({"secret": found.secret, **session_answer(node, person)}, 201)


@router.post("/v1/session/break-glass", **openapi.BREAK_GLASS)
async def break_glass(request: Request) -> Response:
    """Sign on with a sealed credential, which is used up; a test one opens no session."""
    node = node_of(request)
    asked = json_object(await short_body(request, node, "application/json"))
    name, secret, place = asked.get("account"), asked.get("secret"), place_of(request, node)
    if not isinstance(name, str) or not isinstance(secret, str) or len(asked) != 2:
        raise InvalidInput("the body is no object of account and secret", field="body")
    found = await run_sign_on(
        node, lambda: node.sign_ons.with_break_glass.sign_on(name, secret, place), password=True
    )
    if isinstance(found, BreakGlassTried):
        return private_json({"test": True, "account": found.account.name, "roles": list(found.roles)})
    person = await run_sign_on(node, lambda: node.sign_ons.caller(found.secret))
    return private_json({"secret": found.secret, **session_answer(node, person)}, 201)


def session_answer(node: Node, person: SignedOn) -> dict[str, object]:
    """A session as JSON values; without its secret."""
    now = node.archive.clock.now()
    return {
        "id": person.session.id,
        "account": person.account.name,
        "account_id": person.account.id,
        "method": person.session.method,
        "roles": sorted(person.roles),
        "permissions": person.permissions(PERMISSIONS, now),
        "opened_at": rfc3339_seconds(person.session.opened),
        "authenticated_at": rfc3339_seconds(person.session.authenticated),
        "until": rfc3339_seconds(person.session.until),
        "idle_s": int(node.sign_ons.rules.idle.total_seconds()),
    }


def with_session(answer: Response, opened: SessionOpened) -> Response:
    """The answer that gives a browser its session, whatever it had before."""
    answer.set_cookie(SESSION_COOKIE, opened.secret, path="/", secure=True, httponly=True, samesite="lax")
    return answer


async def short_body(request: Request, node: Node, media_type: str, *, most: int = _MOST_BODY) -> bytes:
    """A body of at most 16 KiB, or ``most``. Raises InvalidInput (another type), TooLarge, TooSlow."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != media_type:
        # A page of another site cannot send JSON without being asked whether it may.
        raise InvalidInput(f"the body is not {media_type}", field="content-type", hint="Say so in a header.")
    body = bytearray()
    try:
        async with asyncio.timeout(node.archive.settings.intake.body_timeout_s):
            async for piece in request.stream():
                body += piece
                if len(body) > most:
                    raise TooLarge("the body is too large", limit=most)
    except TimeoutError as error:
        raise TooSlow("the body came too slowly", field="body", hint="Send it again.") from error
    return bytes(body)


def json_object(body: bytes) -> dict[str, Any]:
    """Raises InvalidInput, which shows nothing of the body."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput("the body is not JSON", field="body") from error
    if not isinstance(asked, dict):
        raise InvalidInput("the body is no JSON object", field="body")
    return asked


def _attempt(body: bytes) -> tuple[str, LocalAttempt, bool]:
    """Name, password and code, and whether a cookie is wanted. Raises InvalidInput, which tells none."""
    asked = json_object(body)
    if set(asked) - _FIELDS:
        raise InvalidInput("the body is no object of account, password, code, cookie", field="body")
    name, password, code = asked.get("account"), asked.get("password"), asked.get("code", "")
    as_cookie = asked.get("cookie", False)
    if not (isinstance(name, str) and isinstance(password, str) and isinstance(code, str)):
        raise InvalidInput("account, password and code are texts", field="body")
    if not isinstance(as_cookie, bool):
        raise InvalidInput("cookie is true or false", field="cookie")
    return name, LocalAttempt(password, code), as_cookie


def private_json(value: object, status: int = 200) -> Response:
    """JSON that nothing on its way may keep."""
    return Response(
        orjson.dumps(value),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
