"""The listener: sockets, connections, their limits and deadlines, and HTTP/1.1 on each."""

from __future__ import annotations

from vanvault.api.listener.connections import ConnectionLimits, Connections
from vanvault.api.listener.files import raise_file_limit, room_for_connections
from vanvault.api.listener.protocol import CONNECTION, CallerPace, HttpProtocol, Terms
from vanvault.api.listener.sockets import HttpListener, listen

__all__ = [
    "CONNECTION",
    "CallerPace",
    "ConnectionLimits",
    "Connections",
    "HttpListener",
    "HttpProtocol",
    "Terms",
    "listen",
    "raise_file_limit",
    "room_for_connections",
]
