"""Forms of the console: sent by a page of this very host, with a token that only such a page can have.

The token follows from a secret cookie of the browser and the form's address, so every node knows it, and
nothing is kept. Before somebody is signed on the secret is a random one of its own.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.console.multipart import form_parts
from vanvault.api.node import Node
from vanvault.api.people import SESSION_COOKIE, check_same_site
from vanvault.api.session_routes import short_body
from vanvault.archiver.core.errors import AccessDenied, InvalidInput

#: The name of the field that holds the token; not ``form``, which scripts take for the form of an input.
TOKEN_FIELD = "token"  # noqa: S105 - a name
#: The secret of a browser that has no session yet.
GUEST_COOKIE = "__Host-vanvault-guest"
_GUEST_BYTES = 32
_MOST_FIELDS = 64


class StaleForm(AccessDenied):
    """The token of a form is not that of this browser's session: no permission lacks."""


def form_token(secret: str, action: str) -> str:
    """What a form that is sent to ``action`` carries; 32 hexadecimal digits."""
    return hmac.digest(secret.encode(), f"console form {action}".encode(), "sha256")[:16].hex()


def secret_of(request: Request) -> str:
    """The browser's secret: that of its session, else of the guest; "" where it has none."""
    return request.cookies.get(SESSION_COOKIE) or request.cookies.get(GUEST_COOKIE, "")


def new_guest(node: Node) -> str:
    """A secret for a browser without a session."""
    return node.archive.entropy.token(_GUEST_BYTES).hex()


def with_guest(answer: Response, secret: str) -> Response:
    """The answer that gives a browser its secret."""
    answer.set_cookie(GUEST_COOKIE, secret, path="/", secure=True, httponly=True, samesite="lax")
    return answer


async def form_of(request: Request, node: Node, secret: str) -> Mapping[str, str]:
    """The fields of a form, without empty ones. ``secret``: the one with which its page was made.

    Raises StaleForm: its token is not good; AccessDenied: another site sent it; InvalidInput, TooLarge,
    TooSlow.
    """
    check_same_site(request)
    body = await short_body(request, node, "application/x-www-form-urlencoded")
    try:
        given = parse_qsl(body.decode(), max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise InvalidInput("the form cannot be read", field="body") from error
    return _checked(request, secret, given)


async def form_with_files_of(
    request: Request, node: Node, secret: str, *, most: int
) -> tuple[Mapping[str, str], Mapping[str, bytes]]:
    """The same of a form with files, without empty ones: fields, and files of ``most`` bytes with all else.

    Raises as ``form_of``.
    """
    check_same_site(request)
    body = await short_body(request, node, "multipart/form-data", most=most)
    parts = form_parts(request.headers["content-type"], body)
    fields = _checked(request, secret, [(name, value) for name, value in parts.fields if value])
    return fields, {name: data for name, data in parts.files.items() if data}


def _checked(request: Request, secret: str, given: list[tuple[str, str]]) -> Mapping[str, str]:
    fields = dict(given)
    if len(fields) != len(given):
        raise InvalidInput("a field of the form is given twice", field="body")
    token = fields.pop(TOKEN_FIELD, "")
    if not secret or not hmac.compare_digest(token.encode(), form_token(secret, request.url.path).encode()):
        raise StaleForm(
            "the form does not belong to this browser's session",
            authenticated=True,
            hint="Open the page anew and send the form again. Cookies of this host must be allowed.",
        )
    return fields
