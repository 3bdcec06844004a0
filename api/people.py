"""Which person sent a request: by a session, from a cookie or as a bearer token, or by an API token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from starlette.requests import Request

from vanvault.api.caller_address import caller_address
from vanvault.api.context import bearer_of
from vanvault.api.node import Node
from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.people.accounts import Account, Permission
from vanvault.archiver.people.sign_on import SESSION_PREFIX
from vanvault.archiver.people.tokens import is_person_secret
from vanvault.recovery.sign_on import CallerPlace, SignedOn

#: Only over TLS, only of this host, for all its paths (RFC 6265bis, 4.1.3.2).
SESSION_COOKIE = "__Host-vanvault"

_T = TypeVar("_T")
_SIGN_ON = "Sign on: POST /v1/session, or /v1/oidc/start. Tokens of gateways and programs are no sessions."
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))


class AnotherSite(AccessDenied):
    """A page of another site made the browser send it: no permission lacks."""


@dataclass(frozen=True, slots=True)
class PersonCaller:
    """A person who sent a request."""

    account: Account
    by: str  # id of the session or of the token
    authority: Callable[[Permission, datetime], tuple[str, ...]]  # roles that permit it now, or AccessDenied

    def may(self, permission: Permission, now: datetime) -> bool:
        """Does the person have this permission now, by this session or token?"""
        try:
            self.authority(permission, now)
        except AccessDenied:
            return False
        return True


def is_persons(request: Request) -> bool:
    """Does a request come with what a person signs on with, be it good or not? Else it is a gateway's."""
    secret = bearer_of(request)
    if secret:
        return secret.startswith(SESSION_PREFIX) or is_person_secret(secret)
    return SESSION_COOKIE in request.cookies


async def person_of(request: Request, node: Node) -> PersonCaller:
    """The person who sent this request, by a token of their own or as ``signed_on`` knows them.

    Raises AccessDenied, Busy; KeyUnavailable: the master of credentials is missing.
    """
    secret = bearer_of(request)
    if not is_person_secret(secret):
        person = await signed_on(request, node)
        return PersonCaller(person.account, person.session.id, person.authority)
    address = caller_address(request, node.proxies)
    bearer = await run_sign_on(node, lambda: node.person_tokens.bearer(secret, address))

    def authority(permission: Permission, now: datetime) -> tuple[str, ...]:
        return node.person_tokens.allow(bearer, permission, now).roles

    return PersonCaller(bearer.account, bearer.token.id, authority)


async def refused_of(request: Request, node: Node) -> tuple[Account, str] | None:
    """Who was refused, and with which session; None: nobody who is known. Raises Busy."""
    secret = _session_secret(request)
    return await run_sign_on(node, lambda: node.sign_ons.whose(secret)) if secret else None


async def signed_on(request: Request, node: Node) -> SignedOn:
    """The person who sent this request; it counts as a use of the session.

    Raises AccessDenied: no session, or not good any more, or another site made the browser send it; Busy.
    """
    secret = _session_secret(request)
    if not secret and bearer_of(request):
        raise AccessDenied("the bearer token is not the secret of a session (vvs_...)", hint=_SIGN_ON)
    if not secret:
        raise AccessDenied("nobody is signed on", hint=_SIGN_ON)
    if _is_by_cookie(request) and request.method not in _SAFE:
        check_same_site(request)
    return await run_sign_on(node, lambda: node.sign_ons.caller(secret))


def check_own_navigation(request: Request) -> None:
    """Raises AnotherSite: a page of another site led the browser here, with whatever purpose it chose."""
    if _is_by_cookie(request) and request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise AnotherSite(
            "another site sent this request", authenticated=True, hint="Ask from a page of this host."
        )


def _is_by_cookie(request: Request) -> bool:
    """Does a browser send the session by itself, whoever made it send the request?"""
    return not bearer_of(request).startswith(SESSION_PREFIX)


def _session_secret(request: Request) -> str:
    """From the header; from the cookie only where there is no bearer of any kind. "" where there is none."""
    secret = bearer_of(request)
    if secret:
        return secret if secret.startswith(SESSION_PREFIX) else ""
    return request.cookies.get(SESSION_COOKIE, "")


def check_same_site(request: Request) -> None:
    """Raises AnotherSite unless a page of this very host sent the request (Fetch Metadata, RFC 6454).

    A browser that says neither is none that is taken: it could be made to send anything. One that says the
    first is believed without the other, since a proxy may have changed the host.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    if site is not None:
        own = site == "same-origin"
    else:
        own = bool(origin) and origin.partition("://")[2] == request.headers.get("host")
    if not own:
        raise AnotherSite(
            "another site sent this request", authenticated=True, hint="Send it from a page of this host."
        )


def place_of(request: Request, node: Node) -> CallerPlace:
    """Where the request comes from; the port only where no proxy stands between."""
    address = caller_address(request, node.proxies)
    client = request.client
    direct = client is not None and address is not None and client.host == str(address)
    return CallerPlace(address, client.port if direct and client is not None else 0)


async def run_sign_on(node: Node, work: Callable[[], _T], *, password: bool = False) -> _T:
    """Run what may wait for the provider or the record; ``password``: one is checked, which takes long.

    Each kind has threads of its own: strangers who guess keep nobody waiting who is signed on.
    """
    threads = node.threads.passwords if password else node.threads.sign_on
    return await asyncio.get_running_loop().run_in_executor(threads, work)
