"""HTTP/1.1 on one connection: uvicorn's protocol, bounded in time and size.

::

    HEAD ──► BUSY ──► IDLE ──► HEAD ...      one request after another
      │        │        │
      └────────┴────────┴──► ENDING          answered or refused: what still comes is thrown away

What uvicorn leaves open and this adds: a deadline for the headers and their size, the end of idle
connections and of callers that do not read, no second answer whatever follows a request, an offered upgrade
that is ignored and its body read. Bodies have their deadlines where they are read: ``receive_body.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from vanvault.api.listener.connections import Connections
from vanvault.api.listener.refusals import HEADERS_LATE, HEADERS_TOO_LARGE, NO_HTTP, NO_ROOM, Refusal

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application, ASGISendEvent

#: Key of a scope under which its connection is found.
CONNECTION = "vanvault.connection"
#: Most bytes of the headers of one request, its first line among them.
MAX_HEAD_BYTES = 64 * 1024
#: Most headers and trailers of one request.
MAX_FIELDS = 256
#: Most requests that wait on one connection for the answer to an earlier one.
_MAX_PIPELINE = 4
#: How long a connection stays open after its last answer, so that who still sends can read it, in seconds.
_LINGER_S = 2.0


class ConnectionPhase(IntEnum):
    """What a connection does."""

    HEAD = 1  # headers are awaited or received
    BUSY = 2  # a request is being answered
    IDLE = 3  # between two requests
    ENDING = 4  # nothing is read any more


@dataclass(frozen=True, slots=True)
class CallerPace:
    """How long a caller may take."""

    head_s: float = 10.0  # for the headers, from the connection or their first byte
    idle_s: float = 75.0  # between two requests
    silence_s: float = 30.0  # without reading anything of an answer
    bytes_per_s: float = 1024.0  # least rate of reading an answer


@dataclass(frozen=True, slots=True)
class Terms:
    """What all connections of one listener share."""

    connections: Connections
    pace: CallerPace
    refused: Callable[[str], None]  # counts a reason
    request_id: Callable[[], str]
    app: ASGI3Application | None = None  # in place of the server's own


class HttpProtocol(HttpToolsProtocol):
    """One connection. Made by ``functools.partial(HttpProtocol, terms)``, which uvicorn calls."""

    def __init__(
        self,
        terms: Terms,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.address = ""
        self.since = 0.0
        self.closes = False  # after the answer that is under way
        self._terms = terms
        if terms.app is not None:
            self.app = terms.app
        self._phase = ConnectionPhase.HEAD
        self._deadline = 0.0
        self._head_bytes = 0  # of the headers that are being received, as they came
        self._fields = self._fields_bytes = 0  # headers and trailers that the parser gave
        self._body_bytes = self._raw_bytes = 0  # of the body that is being received: its own, and as it came
        self._in_head = True  # headers are awaited or received
        self._head_begun = False  # the first byte of them came
        self._in_body = False
        self._any = False  # something came on this connection
        self._offered = False  # an upgrade, by the request that is being received
        self._replaying = False
        self._is_known = False  # a valid token came
        self._ignored = False  # a request that came behind the last one that is answered
        self._unread: tuple[float, int] | None = None  # since when, and how much, nobody reads

    @property
    def has_begun(self) -> bool:
        """Was the connection handed over to this protocol?"""
        return self._deadline > 0

    # -- the registry's view

    @property
    def at_rest(self) -> bool:
        return self._phase != ConnectionPhase.BUSY

    @property
    def is_unread(self) -> bool:
        return self.flow.write_paused

    def give_way(self) -> None:
        """End for another connection: told with 503 where something of a request came.

        Who has not read an answer yet would keep the room for as long as it does not read: it is cut off.
        """
        ended = self._phase in (ConnectionPhase.ENDING, ConnectionPhase.BUSY)
        if ended or self.transport.get_write_buffer_size():
            self.transport.abort()
        elif self._phase == ConnectionPhase.HEAD and self._any:
            self._refuse(NO_ROOM)
            self.transport.close()
        else:
            self._end_at_once()

    def identify(self, gateway: str) -> None:
        """A valid token came with the request. Raises Busy, and the connection ends after that answer."""
        try:
            self._terms.connections.identify(self, gateway)
        except Exception:
            self.closes = True
            raise
        self._is_known = True

    # -- time

    def look(self, now: float) -> None:
        """Called every second: end what is late. ``now`` is the event loop's time."""
        size = self.transport.get_write_buffer_size()
        if size and self._reads_too_little(now, size):
            self._terms.refused("answer-unread")
            self.transport.abort()
        elif not size:
            self._unread = None
        if now < self._deadline or self._phase == ConnectionPhase.BUSY:
            return
        if self._phase == ConnectionPhase.ENDING:
            self.transport.abort()
        elif self._phase == ConnectionPhase.HEAD and self._any:
            self._refuse(HEADERS_LATE)
        else:
            self._end_at_once()

    def _reads_too_little(self, now: float, size: int) -> bool:
        if self._unread is None or size > self._unread[1]:
            self._unread = now, size
        began, most = self._unread
        late = now - began - self._terms.pace.silence_s
        return late > 0 and most - size < late * self._terms.pace.bytes_per_s

    # -- asyncio's protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = address_of(self.client)
        self.since = self.loop.time()
        self._deadline = self.since + self._terms.pace.head_s
        self._terms.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._terms.connections.remove(self)
        self._phase = ConnectionPhase.ENDING
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._phase == ConnectionPhase.ENDING or (self.closes and not self._in_body):
            return
        self._any = True
        if self._phase == ConnectionPhase.IDLE:
            self._phase = ConnectionPhase.HEAD
            self._deadline = self.loop.time() + self._terms.pace.head_s
        while data:
            piece = data
            if self._in_head:
                piece = data[: MAX_HEAD_BYTES - self._head_bytes]
                if not piece:
                    self._refuse(HEADERS_TOO_LARGE)
                    return
                self._head_bytes += len(piece)
            self._feed(piece)
            if self._phase == ConnectionPhase.ENDING or (self.closes and not self._in_body):
                return
            data = data[len(piece) :]

    def _feed(self, data: bytes) -> None:
        while data and self._phase != ConnectionPhase.ENDING:
            if self._in_body:
                self._raw_bytes += len(data)
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if self._ignored:
                    break
                data = data[upgrade.args[0] :]
                self._without_upgrade()
                continue
            except httptools.HttpParserError:
                self._refuse(NO_HTTP)
            break
        if self._ignored:
            return
        if (
            self._fields > MAX_FIELDS
            or self._fields_bytes > MAX_HEAD_BYTES
            or (self._in_body and self._raw_bytes > 2 * MAX_HEAD_BYTES + 8 * self._body_bytes)
        ):
            self._refuse(HEADERS_TOO_LARGE)

    # -- the parser's events

    def on_message_begin(self) -> None:
        if self._replaying:
            return
        self._ignored = self.closes
        if self._ignored:
            return
        super().on_message_begin()
        self.scope[CONNECTION] = self  # type: ignore[literal-required]
        self._head_begun, self._offered = True, False
        self._fields_bytes = self._fields = 0

    def on_url(self, url: bytes) -> None:
        if not self._replaying and not self._ignored:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._replaying:
            return
        self._fields_bytes += len(name) + len(value)
        self._fields += 1
        # One more costs many times its bytes, and the request is refused. Trailers are thrown away.
        if self._in_head and not self._ignored and self._fields <= MAX_FIELDS:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._ignored:
            return
        if self._fields > MAX_FIELDS:  # not all of them were kept
            self._ignored = True
            self._refuse(HEADERS_TOO_LARGE)
            return
        if self.parser.should_upgrade() and not self._replaying:
            self._offered = True  # the parser ends the request here: ``_without_upgrade`` goes on
            return
        url = httptools.parse_url(self.url)  # raises; then the request has not begun
        self._in_head, self._head_begun, self._in_body = False, False, True
        self._head_bytes = self._body_bytes = self._raw_bytes = 0
        self._begin(url.path or b"/", url.query or b"")

    def on_body(self, body: bytes) -> None:
        if not self._ignored:
            self._body_bytes += len(body)
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._offered or self._ignored:
            return
        self._in_head, self._in_body = True, False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self._phase == ConnectionPhase.ENDING or self.transport.is_closing():
            return
        if self.is_last:
            self.finish()
            return
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            return
        self.flow.resume_reading()
        begun = self._head_begun
        self._phase = ConnectionPhase.HEAD if begun else ConnectionPhase.IDLE
        pace = self._terms.pace
        self._deadline = self.loop.time() + (pace.head_s if begun else pace.idle_s)

    # -- requests

    def _begin(self, path: bytes, query: bytes) -> None:
        """Hand a request whose headers are complete to the application."""
        scope, version = self.scope, self.parser.get_http_version()
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(path.decode("latin-1"))
        scope["raw_path"] = path
        scope["query_string"] = query
        earlier = self.cycle
        self.cycle = cycle = _Exchange(
            connection=self,
            scope=scope,
            transport=_Output(self),
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        self._phase = ConnectionPhase.BUSY
        if earlier is None or earlier.response_complete:
            self._start_asgi_task(cycle, self.app)
            return
        self.flow.pause_reading()
        self.pipeline.appendleft((cycle, self.app))
        if len(self.pipeline) >= _MAX_PIPELINE:
            self.closes = True  # who sends so much ahead asks again on another connection

    def _without_upgrade(self) -> None:
        """Go on reading a request that offers an upgrade as if it did not (RFC 9110, 7.8).

        httptools takes what follows its headers for another protocol. So a new parser gets the fields that
        frame the body, and then the body.
        """
        if self.parser.get_method() == b"CONNECT":
            self._refuse(NO_HTTP)
            return
        framing = [(n, v) for n, v in self.headers if n in (b"content-length", b"transfer-encoding")]
        closes = any(n == b"connection" and b"close" in v.lower() for n, v in self.headers)
        if closes or self.parser.get_http_version() == "1.0":
            framing.append((b"connection", b"close"))
        lines = [self.parser.get_method() + b" / HTTP/1.1", *(n + b": " + v for n, v in framing)]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._replaying, self._offered = True, False
        try:
            self.parser.feed_data(b"\r\n".join((*lines, b"", b"")))
        except httptools.HttpParserError:
            self._refuse(NO_HTTP)
        finally:
            self._replaying = False

    # -- the end

    @property
    def is_last(self) -> bool:
        """Does the connection end with the answer that is under way?"""
        return self.closes and not self.pipeline

    def begin_answer(self, *, whole: bool) -> bool:
        """Does the connection go on after the answer that begins? ``whole``: its request was received.

        What a stranger sent ahead is not answered: a crowd would cost several answers each. It may ask again.
        """
        if self.pipeline and not self._is_known:
            self.pipeline.clear()
            self.closes = True
        return whole and not self.is_last

    def finish(self) -> None:
        """After the last answer: close, or first let a caller that still sends read what it was told."""
        if self._phase == ConnectionPhase.ENDING or self.transport.is_closing():
            return
        if self._in_body or self.closes:
            self._linger()
        else:
            self._end_at_once()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer what is no request, or no whole one, and end. Requests before it still get their answers."""
        if self._phase == ConnectionPhase.ENDING:
            return
        if refusal.reason:
            self._terms.refused(refusal.reason)
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete
        if self._in_body and self.pipeline:
            self.pipeline.popleft()  # not whole, and not begun
        elif self._in_body and answering:
            if cycle.response_started:
                self._linger()
                return
            answering = False
        if answering:
            self.closes = True
            self._in_body = False
            return
        self.transport.write(refusal.encoded(self._terms.request_id(), self.server_state.default_headers))
        self._linger()

    def _linger(self) -> None:
        """Say no more, and throw away what comes for a moment: closing at once would lose the answer."""
        self._phase = ConnectionPhase.ENDING
        self._deadline = self.loop.time() + _LINGER_S
        self.pipeline.clear()
        if self.cycle is not None:  # what its application still says goes nowhere
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _end_at_once(self) -> None:
        self._phase = ConnectionPhase.ENDING
        self._deadline = float("inf")  # until all is sent, or nobody reads it
        self.transport.close()


class _Output:
    """What an exchange writes to: the transport, but that the protocol decides how it is closed."""

    __slots__ = ("_connection", "is_closing", "write")

    def __init__(self, connection: HttpProtocol) -> None:
        self._connection = connection
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing

    def close(self) -> None:
        self._connection.finish()


class _Exchange(RequestResponseCycle):
    """One request and its answer. An answer that comes before the end of the request is the last one."""

    def __init__(self, *, connection: HttpProtocol, **fields: Any) -> None:
        super().__init__(**fields)
        self._connection = connection

    async def send(self, message: ASGISendEvent) -> None:
        if not self.response_started and not self._connection.begin_answer(whole=not self.more_body):
            self.keep_alive = False
        await super().send(message)


def address_of(client: tuple[str, int] | None) -> str:
    """What counts as one address: an IPv4 address, or the first 64 bits of an IPv6 address."""
    if client is None:
        return ""
    host = client[0]
    if ":" not in host:
        return host
    from ipaddress import IPv6Address

    address = IPv6Address(host.partition("%")[0])
    return str(address.ipv4_mapped or address.exploded[:19])
