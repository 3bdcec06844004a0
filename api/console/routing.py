"""Routes of the console: what goes wrong becomes a page, and who is not signed on is led to sign on."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

import structlog
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vanvault.api.console.answers import SAFE_HEADERS, page_answer
from vanvault.api.console.forms import StaleForm, secret_of
from vanvault.api.console.pages import PREFIX, PROBLEM, SIGN_IN, page_at
from vanvault.api.console.views.problem import Denied, problem_view
from vanvault.api.console.visits import visit_of
from vanvault.api.context import node_of
from vanvault.api.observe import request_id_of, route_of
from vanvault.api.people import SESSION_COOKIE, AnotherSite
from vanvault.api.problems import problem_of, retry_after_of
from vanvault.archiver.core.errors import AccessDenied, VanVaultError
from vanvault.recovery.approvals import SignOnTooWeak

_log = structlog.get_logger("vanvault.console")
_MOST_ADDRESS = 2000


class ConsoleRoute(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                answer = await handle(request)
            except VanVaultError as error:
                answer = await problem_answer(request, error)
            for name, value in SAFE_HEADERS.items():
                answer.headers.setdefault(name, value)
            answer.headers.setdefault("Cache-Control", "no-store")
            return answer

        return answered


async def problem_answer(request: Request, error: VanVaultError) -> Response:
    """The page of an error; of who is not signed on, the way to sign on and back."""
    if isinstance(error, AccessDenied) and not error.authenticated:
        return to_sign_on(request)
    problem, seconds = problem_of(error), retry_after_of(error)
    if problem["status"] >= 500:
        _log.warning(
            "a page cannot be shown",
            route=route_of(request.scope),
            status=problem["status"],
            kind=type(error).__name__,
        )
    with suppress(VanVaultError):  # the page says what is wrong all the same
        if request.cookies.get(SESSION_COOKIE):
            await visit_of(request, node_of(request))
    view = problem_view(
        problem,
        page_at(route_of(request.scope)),
        denied=_lacking(error),
        request=request_id_of(request.scope),
        retry_after=seconds,
    )
    answer = page_answer(request, PROBLEM, status=view.status, view=view)
    if seconds is not None:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def _lacking(error: VanVaultError) -> Denied:
    if isinstance(error, StaleForm):
        return "stale-form"
    if isinstance(error, AnotherSite):
        return "another-site"
    return "sign-in-too-old" if isinstance(error, SignOnTooWeak) else "permission"


def to_sign_on(request: Request) -> Response:
    """To the page where one signs on, and from there back to what was asked for."""
    back = PREFIX
    if request.method in ("GET", "HEAD"):
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    ended = "&ended=1" if request.cookies.get(SESSION_COOKIE) and secret_of(request) else ""
    address = f"{SIGN_IN.path}?next={quote(own_address(back), safe='')}{ended}"
    if request.headers.get("hx-request"):  # a part of a page cannot show it: the whole page goes there
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def own_address(text: str) -> str:
    """An address of the console to go to, from what came with a request; else that of its first page."""
    parts = urlsplit(text)
    plain = text.isascii() and text.isprintable() and "\\" not in text and len(text) <= _MOST_ADDRESS
    own = parts.path == PREFIX or parts.path.startswith(f"{PREFIX}/")
    # A browser takes %2e%2e for .., and no page of the console has a % in its path.
    leaves = any(part in parts.path for part in ("//", "/..", "%"))
    if not plain or parts.scheme or parts.netloc or not own or leaves:
        return PREFIX
    return text
