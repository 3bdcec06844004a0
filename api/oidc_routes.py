"""Sign-on at the identity provider: where a browser begins, where it comes back, and logout from there.

Not in the OpenAPI document: browsers and the provider call them, by standards of their own (docs/people.md).
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vanvault.api.context import node_of
from vanvault.api.people import place_of, run_sign_on
from vanvault.api.session_routes import short_body, with_session
from vanvault.archiver.core.errors import AccessDenied, InvalidInput

router = APIRouter(include_in_schema=False)

_PENDING_COOKIE = "__Host-vanvault-pending"
_PENDING_S = 600
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@router.get("/v1/oidc/start")
async def start(request: Request) -> Response:
    """Send the browser to the provider; ``return_to``: a path of this host to come back to."""
    node = node_of(request)
    return_to = request.query_params.get("return_to", "/")
    place = place_of(request, node)
    address, cookie = await run_sign_on(node, lambda: node.sign_ons.at_provider.begin(return_to, place))
    answer = RedirectResponse(address, status_code=303, headers=_PRIVATE)
    answer.set_cookie(
        _PENDING_COOKIE, cookie, max_age=_PENDING_S, path="/", secure=True, httponly=True, samesite="lax"
    )
    return answer


@router.get("/v1/oidc/callback")
async def callback(request: Request) -> Response:
    """The browser comes back: a session begins, under a new secret."""
    node = node_of(request)
    query = parse_qsl(request.scope["query_string"].decode("ascii"), keep_blank_values=True)
    cookie, place = request.cookies.get(_PENDING_COOKIE, ""), place_of(request, node)
    opened, return_to = await run_sign_on(
        node, lambda: node.sign_ons.at_provider.finish(cookie, query, place)
    )
    answer = with_session(RedirectResponse(return_to, status_code=303, headers=_PRIVATE), opened)
    answer.delete_cookie(_PENDING_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


@router.post("/v1/oidc/logout")
async def logout(request: Request) -> Response:
    """The provider signs somebody off (OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8)."""
    node = node_of(request)
    body = await short_body(request, node, "application/x-www-form-urlencoded")
    try:
        tokens = [value for name, value in parse_qsl(body.decode("ascii")) if name == "logout_token"]
    except UnicodeDecodeError as error:
        raise InvalidInput("the form is not ASCII", field="body") from error
    if len(tokens) != 1:
        raise InvalidInput("the form has no logout_token", field="logout_token")
    try:
        await run_sign_on(node, lambda: node.sign_ons.logged_out(tokens[0]))
    except AccessDenied as error:  # the standard asks for 400
        raise InvalidInput(error.message, field="logout_token", hint=error.hint) from error
    return Response(status_code=200, headers={"Cache-Control": "no-store"})
