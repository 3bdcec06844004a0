"""Signing in and out, and staying signed in: the sessions are those of the API."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vanvault.api.console.answers import page_answer
from vanvault.api.console.forms import GUEST_COOKIE, form_of, form_token, new_guest, with_guest
from vanvault.api.console.messages import N_
from vanvault.api.console.pages import PREFIX, SIGN_IN
from vanvault.api.console.routing import ConsoleRoute, own_address
from vanvault.api.console.views.sign_in import SignInView
from vanvault.api.console.visits import visit_of
from vanvault.api.context import node_of
from vanvault.api.loopback import is_on_loopback
from vanvault.api.node import Node
from vanvault.api.people import SESSION_COOKIE, place_of, run_sign_on
from vanvault.api.problems import problem_of, retry_after_of
from vanvault.api.session_routes import with_session
from vanvault.archiver.core.errors import AccessDenied, Busy, InvalidInput, VanVaultError
from vanvault.archiver.people.sign_on import LocalAttempt
from vanvault.recovery.sign_on import SessionOpened

router = APIRouter(route_class=ConsoleRoute)

_FIELDS = frozenset(("account", "password", "code", "next"))
_WRONG = N_("The account, the password or the code is wrong, or the account may not sign in.")
_BUSY = N_("There were too many attempts, or the archive is busy. Wait a moment, and try again.")
_NO_COOKIE = N_(
    "Your browser did not send back the cookie of this console. Open it over HTTPS; over plain HTTP it works"
    " only on the host itself (127.0.0.1), and only in browsers that trust it."
)
_STALE = N_("The form was too old, or another site sent it. Sign in again.")
_ENDED = N_("Your session has ended. Sign in again, and you are back where you were.")
_WRONG_LINK = N_(
    "This link is not good: it was used, it is older than 15 minutes, or this is no demonstration on this"
    " host. Ask for another one."
)
_OUT = N_("You are signed out.")


@router.get(SIGN_IN.path)
async def sign_in(request: Request) -> Response:
    """The form. ``next``: where to go afterwards."""
    node = node_of(request)
    told = _ENDED if "ended" in request.query_params else _OUT if "out" in request.query_params else ""
    return _form(request, node, SignInView(told=told, next=own_address(request.query_params.get("next", ""))))


@router.post(SIGN_IN.path)
async def signed_in(request: Request) -> Response:
    """Sign in with password and code; the answer leads on, under a new session."""
    node = node_of(request)
    guest = request.cookies.get(GUEST_COOKIE, "")
    if not guest:
        return _form(request, node, SignInView(wrong=_NO_COOKIE), status=400)
    try:
        given = await form_of(request, node, guest)
    except AccessDenied:
        return _form(request, node, SignInView(wrong=_STALE), status=403)
    if set(given) - _FIELDS:
        raise InvalidInput("the form has other fields than account, password and code", field="body")
    name, back = given.get("account", "").strip(), own_address(given.get("next", ""))
    attempt = LocalAttempt(given.get("password", ""), given.get("code", "").strip())
    place = place_of(request, node)
    try:
        opened = await run_sign_on(node, lambda: node.sign_ons.local(name, attempt, place), password=True)
    except (AccessDenied, Busy) as error:
        return _refused(request, node, SignInView(account=name, next=back), error)
    return _led_on(opened, back)


@router.get(f"{PREFIX}/demo")
async def demo(request: Request) -> Response:
    """Sign in with a link that is good once: at a demonstration, on the host itself."""
    node = node_of(request)
    secret, place, here = (
        request.query_params.get("link", ""),
        place_of(request, node),
        is_on_loopback(request),
    )
    try:
        opened = await run_sign_on(
            node, lambda: node.sign_ons.with_demo_link.sign_on(secret, place, on_loopback=here)
        )
    except (AccessDenied, Busy) as error:
        return _refused(request, node, SignInView(wrong=_WRONG_LINK), error)
    return _led_on(opened, PREFIX)


@router.get(f"{PREFIX}/signed-in")
async def arrived(request: Request) -> Response:
    """Lead on once the browser has shown that it keeps the session; else say why it does not."""
    node = node_of(request)
    if SESSION_COOKIE not in request.cookies:
        return _form(request, node, SignInView(wrong=_NO_COOKIE), status=400)
    return RedirectResponse(own_address(request.query_params.get("next", "")), status_code=303)


@router.post(f"{PREFIX}/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session at every node."""
    node = node_of(request)
    visit = await visit_of(request, node)
    await form_of(request, node, request.cookies.get(SESSION_COOKIE, ""))
    await run_sign_on(node, lambda: node.sign_ons.end(visit.person))
    answer = RedirectResponse(f"{SIGN_IN.path}?out=1", status_code=303)
    answer.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


@router.get(f"{PREFIX}/session")
async def stay(request: Request) -> Response:
    """A use of the session and nothing else: who reads for long stays signed in."""
    await visit_of(request, node_of(request))
    return Response(status_code=204)


def _led_on(opened: SessionOpened, back: str) -> Response:
    """To where the browser shows that it keeps the session, and from there back."""
    done = RedirectResponse(f"{PREFIX}/signed-in?next={quote(back, safe='')}", status_code=303)
    done.delete_cookie(GUEST_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return with_session(done, opened)


def _refused(request: Request, node: Node, view: SignInView, error: VanVaultError) -> Response:
    wrong = _BUSY if isinstance(error, Busy) else view.wrong or _WRONG
    told = SignInView(wrong=wrong, account=view.account, next=view.next)
    answer = _form(request, node, told, status=problem_of(error)["status"])
    seconds = retry_after_of(error)
    if seconds is not None:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def _form(request: Request, node: Node, view: SignInView, *, status: int = 200) -> Response:
    guest = request.cookies.get(GUEST_COOKIE) or new_guest(node)
    settings = node.archive.settings.sign_on
    answer = page_answer(
        request,
        SIGN_IN,
        status=status,
        view=view,
        local=settings.local,
        with_authenticator=node.sign_ons.with_authenticator.offered,
        provider=bool(settings.provider.issuer),
        form=form_token(guest, SIGN_IN.path),
    )
    return with_guest(answer, guest)
