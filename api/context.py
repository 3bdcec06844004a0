"""What a route needs of its request: the node that serves it, and the gateway that sent it."""

from __future__ import annotations

import codecs
import hmac
from contextlib import suppress
from pathlib import Path

from starlette.requests import HTTPConnection

from vanvault.api.caller_address import caller_address
from vanvault.api.listener import CONNECTION
from vanvault.api.node import Node
from vanvault.api.observe import GATEWAY, RESERVATION
from vanvault.api.quotas import Reservation
from vanvault.archiver.core.errors import AccessDenied, Busy, SettingsError, VanVaultError
from vanvault.archiver.core.settings import MetricsSettings
from vanvault.archiver.people import Caller, Scope

#: Set in the scope of a request that came to ``metrics.address``.
OWN_ADDRESS = "vanvault.own_address"
#: The id of the token that a request came with, once it is known.
TOKEN = "vanvault.token"  # noqa: S105 - a name in the scope of a request


def node_of(connection: HTTPConnection) -> Node:
    """The node that serves this request. Raises Busy."""
    node: Node | None = getattr(connection.app.state, "node", None)
    if node is None:
        raise Busy("the node is starting", retry_after=1)
    if node.refusing.is_set():
        raise Busy("the node is shutting down", retry_after=1, hint="Send it again; another node takes it.")
    return node


def gateway_of(connection: HTTPConnection, node: Node, scope: Scope) -> str:
    """The gateway that sent this request, with a token that is good for ``scope``; it counts in its quota.

    Raises AccessDenied, Busy.
    """
    token = bearer_of(connection)
    if not token:
        raise AccessDenied("there is no bearer token", hint="Send: Authorization: Bearer TOKEN.")
    caller = _caller(connection, node, token)
    own = connection.scope.get(CONNECTION)
    if own is not None:  # another server than ``server.py`` has none
        own.identify(caller.gateway)
    caller.terms.check_scope(scope)
    if RESERVATION not in connection.scope:
        connection.scope[RESERVATION] = node.quotas.begin(caller.gateway)
    return caller.gateway


def is_known(connection: HTTPConnection, node: Node | None) -> bool:
    """May this caller see reasons: by a gateway's token, the scraper's, or the node's own address?"""
    if is_own_address(connection):
        return True
    token = bearer_of(connection)
    if node is None or not token:
        return False
    with suppress(VanVaultError):
        _caller(connection, node, token)
        return True
    with suppress(VanVaultError):  # the file cannot be read: health is answered all the same
        return has_scraper_token(connection, node.archive.settings.metrics, node.archive.home)
    return False


def is_own_address(connection: HTTPConnection) -> bool:
    """Did the request come to ``metrics.address``?"""
    return bool(connection.scope.get(OWN_ADDRESS))


def has_scraper_token(connection: HTTPConnection, settings: MetricsSettings, home: Path) -> bool:
    """Does the caller send the token of ``metrics.token_file``? Raises SettingsError."""
    if settings.token_file is None:
        return False
    try:
        token = (home / settings.token_file).read_bytes().removeprefix(codecs.BOM_UTF8).strip()
    except OSError as error:
        raise SettingsError(f"metrics.token_file cannot be read: {error.strerror}") from error
    return bool(token) and hmac.compare_digest(bearer_of(connection).encode(), token)


def bearer_of(connection: HTTPConnection) -> str:
    """The bearer token that was sent, or nothing."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def reservation_of(connection: HTTPConnection) -> Reservation:
    """What the request has of its gateway's quota; ``gateway_of`` came before."""
    reservation: Reservation = connection.scope[RESERVATION]
    return reservation


def _caller(connection: HTTPConnection, node: Node, token: str) -> Caller:
    """Whose token this is, where it comes from an address that it is good from. Raises AccessDenied."""
    caller = node.callers.authenticate(token, node.archive.clock)
    connection.scope[GATEWAY] = caller.gateway  # for the log, also of what is refused
    connection.scope[TOKEN] = caller.token
    if caller.terms.networks:
        caller.terms.check_address(caller_address(connection, node.proxies))
    return caller
