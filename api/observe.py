"""One id, one log line and one set of measurements for each request.

Nothing that a caller chose is logged or counted: no path (it may hold an id), no query, no header. The id
of a request is the caller's only if it cannot be a number of a person or an enterprise.
"""

from __future__ import annotations

import re
import secrets
import time
from collections import deque

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vanvault.api.metrics import ENTRIES, Metrics

_log = structlog.get_logger("vanvault.access")

#: 16 to 64 letters, digits, dashes and underscores with a letter among them: UUIDs, ULIDs, trace ids.
#: Insurance numbers, tax codes, e-mail addresses and names with spaces do not pass.
_WELL_FORMED = re.compile(rb"(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{16,64}")
_HEADER = b"x-request-id"
REQUEST_ID = "vanvault.request_id"
GATEWAY = "vanvault.gateway"
RESERVATION = "vanvault.reservation"
#: Requests of machines that come every few seconds: counted, not logged while all is well.
_QUIET = frozenset(("/metrics", "/v1/health/live", "/v1/health/ready"))


#: Random ids that were made at once: each call of the kernel lets other threads take their turn.
_IDS_AT_ONCE = 64
_ids: deque[str] = deque()


def new_request_id() -> str:
    """An id for a request that has none."""
    if not _ids:
        made = secrets.token_hex(16 * _IDS_AT_ONCE)
        _ids.extend(made[at : at + 32] for at in range(0, len(made), 32))
    return _ids.pop()


def request_id_of(scope: Scope) -> str:
    """The id of the request that this scope belongs to."""
    found: str = scope.get(REQUEST_ID, "")
    return found


class Observed:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp, fastapi: FastAPI, metrics: Metrics) -> None:
        """``fastapi``: the application within ``app`` that holds the state."""
        self._app = app
        self.fastapi = fastapi
        self.metrics = metrics
        self.log = True
        self.winding_down = False  # answers ask their callers to connect anew, elsewhere
        self.in_flight = 0
        metrics.in_flight.set_function(lambda: self.in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(self, scope, receive, send)
        self.in_flight += 1
        try:
            await exchange.run(self._app)
        finally:
            self.in_flight -= 1


class _Exchange:
    """One request and its answer."""

    __slots__ = ("_edge", "_id", "_receive", "_received", "_scope", "_send", "_sent", "_status")

    def __init__(self, edge: Observed, scope: Scope, receive: Receive, send: Send) -> None:
        self._edge = edge
        self._scope, self._receive, self._send = scope, receive, send
        self._status, self._received, self._sent = 0, 0, 0
        self._id = scope[REQUEST_ID] = _given_id(scope) or new_request_id()

    async def run(self, app: ASGIApp) -> None:
        started = time.perf_counter()
        metrics = self._edge.metrics
        structlog.contextvars.bind_contextvars(request_id=self._id)
        try:
            await app(self._scope, self._receive_counted, self._send_counted)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
            reservation = self._scope.get(RESERVATION)
            if reservation is not None:
                reservation.end()
            self._tell(metrics, time.perf_counter() - started)

    async def _receive_counted(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        return message

    async def _send_counted(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = [*message.get("headers", ()), (_HEADER, self._id.encode())]
            if self._edge.winding_down:
                headers.append((b"connection", b"close"))
            message["headers"] = headers
        else:
            self._sent += len(message.get("body", b""))
        await self._send(message)

    def _tell(self, metrics: Metrics, seconds: float) -> None:
        method, route = self._scope["method"], route_of(self._scope)
        # 499: the caller went away before there was an answer.
        status = self._status or 499
        metrics.answered(
            method=method,
            route=route,
            status=status,
            seconds=seconds,
            received=self._received,
            sent=self._sent,
        )
        if self._edge.log and not (route in _QUIET and status == 200):
            _log.info(
                "request",
                method=method if method.isalpha() and len(method) < 10 else "other",
                route=route,
                status=status,
                duration_ms=round(seconds * 1000, 3),
                received_bytes=self._received,
                sent_bytes=self._sent,
                request_id=self._id,
                gateway=self._scope.get(GATEWAY, ""),
            )


def route_of(scope: Scope) -> str:
    """The template of the route, such as ``/v1/messages/{entry_id}``; "other" where none fits."""
    if scope["path"] in ENTRIES:
        return str(scope["path"])
    template = getattr(scope.get("route"), "path", None)
    return str(template) if template else "other"


def _given_id(scope: Scope) -> str:
    given = [value for name, value in scope["headers"] if name == _HEADER]
    return given[0].decode() if len(given) == 1 and _WELL_FORMED.fullmatch(given[0]) else ""
