"""Does a request come from this host, to a node that nobody else can reach? For demonstrations."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from starlette.requests import Request

#: What a proxy adds: whoever sent the request may be elsewhere then.
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def is_loopback(host: str) -> bool:
    """Can an address, or a name that stands for some, be reached from this host only?"""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
        return bool(found) and all(ip_address(one).is_loopback for one in found)
    except (OSError, ValueError):
        return False


def is_on_loopback(request: Request) -> bool:
    """Does this node listen on the loopback, and did a program of this host send the request to it itself?

    The name in the address counts, too: one that is another site's could lead a browser here.
    """
    listens: bool = getattr(request.app.state, "on_loopback", False)
    client = request.client
    if not listens or client is None or any(name in request.headers for name in _FORWARDED):
        return False
    named = (request.url.hostname or "").strip("[]")
    return is_loopback(client.host) and named in ("localhost", "127.0.0.1", "::1")
