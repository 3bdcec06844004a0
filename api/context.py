"""What a route needs of its request: the node that serves it, and the gateway that sent it."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from vanvault.api.caller_address import caller_address
from vanvault.api.node import Node
from vanvault.api.observe import GATEWAY
from vanvault.archiver.core.errors import AccessDenied, Busy
from vanvault.archiver.people import Scope


def node_of(connection: HTTPConnection) -> Node:
    """The node that serves this request. Raises Busy."""
    node: Node | None = getattr(connection.app.state, "node", None)
    if node is None:
        raise Busy("the node is starting", retry_after=1)
    if node.refusing.is_set():
        raise Busy("the node is shutting down", retry_after=1, hint="Send it again; another node takes it.")
    return node


def gateway_of(connection: HTTPConnection, node: Node, scope: Scope) -> str:
    """The gateway that sent this request, with a token that is good for ``scope``. Raises AccessDenied."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise AccessDenied("there is no bearer token", hint="Send: Authorization: Bearer TOKEN.")
    caller = node.gateways.authenticate(token.strip(), node.archive.clock)
    connection.scope[GATEWAY] = caller.gateway  # for the log, also of what is refused below
    if caller.terms.networks:
        caller.terms.check_address(caller_address(connection, node.proxies))
    caller.terms.check_scope(scope)
    return caller.gateway
