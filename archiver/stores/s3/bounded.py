"""Requests that end: each exchange with a server has a time, a least rate and a largest answer.

boto3 knows a time-out for silence only. A server that sends a byte a second, headers without end, or more
than was asked for, would hold its caller, or fill its memory, for as long as it likes. So the sockets of a
client's connections count: after ``total_s`` plus the time that the bytes moved so far may take at the least
rate, or at a byte too many, the exchange is over, the connection is closed, and the caller gets an error
that ``errors.failure_of`` knows. Nothing here reads more of an answer than it was told to expect.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.exceptions import ResponseStreamingError
from urllib3.exceptions import HTTPError

from vanvault.archiver.core.options import S3Options

#: Bytes of an answer's status line and headers, read ahead of the body included. Python's own limit is a
#: hundred times that, and it skips any number of "100 Continue" before them.
HEADERS = 64 * 2**10
#: Bytes of an answer that says why a request was refused.
REFUSAL = 64 * 2**10
_FIRST_FAILURE = 300
_DIGITS = 20  # of a number of bytes; Python refuses to read one of thousands
#: Bytes of one line of a listing: keys may have 1,024 bytes, three times as many when they are escaped.
LISTED = 4 * 2**10
FEW = 20  # such lines for what is small and no listing


class ExchangeOver(OSError):
    """The server was too slow, or sent more than was asked for; its own error chain leads to this."""

    def __init__(self, code: str, told: str) -> None:
        super().__init__(told)
        self.code = code  # as S3 codes are spelled: TooSlow, AnswerTooLarge


class Exchange:
    """One request and its answer. Used by the thread that makes the request."""

    def __init__(
        self,
        largest: int,
        *,
        total_s: float,
        least_bytes_per_s: float,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """``largest``: bytes of the answer. ``total_s``: besides what bytes need at the least rate."""
        self._largest = largest
        self._total_s = total_s
        self._rate = least_bytes_per_s
        self._timer = timer
        self._began = timer()
        self._moved = 0
        self._received = 0

    def left_s(self) -> float:
        """Seconds until it is over, unless bytes move. Raises ExchangeOver."""
        left = self._total_s + self._moved / self._rate - (self._timer() - self._began)
        if left <= 0:
            raise ExchangeOver(
                "TooSlow", f"{self._moved} bytes in {self._timer() - self._began:.1f} s are too few"
            )
        return left

    def expect(self, size: int) -> None:
        """From now on, so many bytes more may come."""
        self._largest = self._received + size

    def sent(self, size: int) -> None:
        """So many bytes of the request are on their way."""
        self._moved += size

    def received(self, size: int) -> None:
        """So many bytes of the answer came. Raises ExchangeOver."""
        self._moved += size
        self._received += size
        if self._received > self._largest:
            raise ExchangeOver("AnswerTooLarge", f"an answer of more than {self._largest} bytes")


class _Current(threading.local):
    exchange: Exchange | None = None


_CURRENT = _Current()


class _Counting:
    """A socket that counts; ``settimeout`` says how long a silence may be."""

    exchange: Exchange | None = None
    _silence_s: float | None = None
    _set_s: float | None = None

    def settimeout(self, value: float | None) -> None:
        self._silence_s = self._set_s = value
        super().settimeout(value)  # type: ignore[misc]

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        exchange = self._wait(self.exchange)
        try:
            size: int = super().recv_into(buffer, nbytes, flags)  # type: ignore[misc]
        except TimeoutError:
            if exchange is not None:
                exchange.left_s()
            raise
        if exchange is not None:
            exchange.received(size)
        return size

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        exchange = self._wait(self.exchange)
        try:
            data: bytes = super().recv(bufsize, flags)  # type: ignore[misc]
        except TimeoutError:
            if exchange is not None:
                exchange.left_s()
            raise
        if exchange is not None:
            exchange.received(len(data))
        return data

    def sendall(self, data: Any, flags: int = 0) -> None:
        # Python's own takes the silence that is allowed for the time of all bytes together.
        with memoryview(data) as view, view.cast("B") as left:
            at = 0
            while at < len(left):
                exchange = self._wait(self.exchange)
                try:
                    size: int = super().send(left[at:], flags)  # type: ignore[misc]
                except TimeoutError:
                    if exchange is not None:
                        exchange.left_s()
                    raise
                if exchange is not None:
                    exchange.sent(size)
                at += size

    def _wait(self, exchange: Exchange | None) -> Exchange | None:
        """Wait for the next bytes no longer than the exchange lasts."""
        if exchange is None:
            return None
        left_s = exchange.left_s()
        wait_s = left_s if self._silence_s is None else min(self._silence_s, left_s)
        if wait_s != self._set_s:
            self._set_s = wait_s
            super().settimeout(wait_s)  # type: ignore[misc]
        return exchange


class _CountingSocket(_Counting, socket.socket):
    """Without TLS."""


class _CountingTls(_Counting, ssl.SSLSocket):  # type: ignore[misc]
    """With TLS; counts what is inside."""


class _Bounded:
    """A connection whose sockets count for the exchange of the thread that uses it."""

    sock: Any
    ssl_context: ssl.SSLContext | None

    def _new_conn(self) -> socket.socket:
        plain: socket.socket = super()._new_conn()  # type: ignore[misc]
        wait_s = plain.gettimeout()
        counting = _CountingSocket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        counting.settimeout(wait_s)
        counting.exchange = _CURRENT.exchange
        return counting

    def connect(self) -> None:
        context = getattr(self, "ssl_context", None)
        if context is not None:
            context.sslsocket_class = _CountingTls
        super().connect()  # type: ignore[misc]
        self.sock.exchange = _CURRENT.exchange

    def request(self, *args: Any, **options: Any) -> Any:
        if self.sock is not None:
            self.sock.exchange = _CURRENT.exchange
        return super().request(*args, **options)  # type: ignore[misc]


class _Http(_Bounded, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _Https(_Bounded, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _HttpPool(AWSHTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(AWSHTTPSConnectionPool):
    ConnectionCls = _Https


class BoundedSession:
    """The HTTP session of a boto3 client, in place of its own. Safe to share between threads."""

    def __init__(self, session: Any, options: S3Options) -> None:
        """``session``: a botocore ``URLLib3Session`` that has not sent anything yet."""
        # No public name: botocore has no option for the class of its connections.
        session._pool_classes_by_scheme.update(http=_HttpPool, https=_HttpsPool)
        self._session = session
        self._options = options
        self._small = LISTED * (options.page + FEW)
        self._object = options.largest_object

    def send(self, request: Any) -> Any:
        """For boto3: the largest answer is a page of a listing, or an object where it is streamed.

        Raises errors of botocore; an answer that promises more is not read.
        """
        streamed, request.stream_output = request.stream_output, True  # headers first
        largest = self._object if streamed else self._small
        options = self._options
        exchange = Exchange(
            HEADERS, total_s=options.request_timeout_s, least_bytes_per_s=options.least_bytes_per_s
        )
        try:
            with using(exchange):
                answer = self._session.send(request)
        finally:
            request.stream_output = streamed
        if answer.status_code >= _FIRST_FAILURE:
            largest = REFUSAL
        exchange.expect(largest)
        try:
            if request.method != "HEAD":
                _check_promise(answer, largest)
            if not streamed or answer.status_code >= _FIRST_FAILURE:
                answer.content  # noqa: B018 - it is read here, and kept
        except (HTTPError, OSError) as error:
            answer.raw.close()
            raise ResponseStreamingError(error=error) from error
        return answer

    def pool(self, base: str) -> tuple[Any, str, Mapping[str, str]]:
        """The pool of connections to a server, what goes before a path, and headers to send besides.

        The last two are for a proxy that passes requests on. No public names, as above.
        """
        session = self._session
        proxy = session._proxy_config.proxy_url_for(base)
        pool = session._get_connection_manager(base, proxy).connection_from_url(base)
        session._setup_ssl_cert(pool, base, session._verify)
        forwards = proxy is not None and base.startswith("http:")
        return pool, base if forwards else "", pool.proxy_headers if forwards else {}

    def close(self) -> None:
        """Close all connections."""
        self._session.close()


def _check_promise(answer: Any, largest: int) -> None:
    promised = answer.headers.get("content-length", "")
    if promised.isdecimal() and (len(promised) > _DIGITS or int(promised) > largest):
        raise ExchangeOver(
            "AnswerTooLarge", f"an answer of {promised[:_DIGITS]} bytes, where {largest} are the most"
        )


@contextmanager
def using(exchange: Exchange) -> Iterator[None]:
    """Connections that this thread opens or asks meanwhile count for this exchange."""
    before, _CURRENT.exchange = _CURRENT.exchange, exchange
    try:
        yield
    finally:
        _CURRENT.exchange = before


def exchange_over(error: BaseException | None) -> ExchangeOver | None:
    """The end of an exchange that led to this error, if that was the cause."""
    seen = 0
    while error is not None and seen < _CHAIN:
        if isinstance(error, ExchangeOver):
            return error
        error, seen = error.__cause__ or error.__context__, seen + 1
    return None


#: Errors in a chain that are looked at.
_CHAIN = 20
