"""Where a request comes from: the peer of the connection, or what a declared proxy says. Pure.

A header can be written by anybody, so it counts only when the peer is one of ``http.proxies``. Each proxy
appends the address of its own peer to ``X-Forwarded-For``; read from the right, the first address that is no
declared proxy is the caller's. Whatever stands left of it was written by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address

from starlette.requests import HTTPConnection

from vanvault.archiver.people import Address, Network

_HEADER = "x-forwarded-for"


def caller_address(connection: HTTPConnection, proxies: Sequence[Network]) -> Address | None:
    """The caller's address; None where nobody who is believed tells it."""
    peer = _address(connection.client.host) if connection.client else None
    if peer is None or not _among(peer, proxies):
        return peer
    steps = ",".join(connection.headers.getlist(_HEADER)).split(",")
    for step in reversed(steps):
        found = _address(step)
        if found is None or not _among(found, proxies):
            return found
    return None  # the proxy itself asks, or it adds no header


def _among(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _address(text: str) -> Address | None:
    """An address, maybe with a port: ``192.0.2.1:443``, ``[2001:db8::1]:443``. IPv4 within IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
