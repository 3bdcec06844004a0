"""Requests over the kept connections of a boto3 client, and answers read by llhttp.

urllib3 opens the connections, with TLS, proxies and time-outs, and keeps them in its pool. What it and
Python's ``http.client`` do for each request besides costs more CPU than the request: headers are read as
those of an e-mail, and objects are made and wrapped at four levels. So a request is written here in one
piece, and its answer is taken apart by llhttp, the parser of Node.js, through ``httptools``. Each exchange
is bounded as all others are (``bounded.py``): the sockets are the same.
"""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterator, Mapping
from io import BufferedReader, BytesIO, RawIOBase
from typing import Any

from botocore import exceptions
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from urllib3 import exceptions as http
from urllib3.util.proxy import connection_requires_http_tunnel

from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores.s3.bounded import HEADERS, BoundedSession, Exchange, ExchangeOver, using

_END = b"\r\n\r\n"
#: Bytes that are asked for while headers are read; what comes of the body with them counts for their bound.
_AHEAD = 32 * 2**10
_PIECE = 256 * 2**10  # bytes of a body that are asked for at once
#: A body up to this size goes out in one piece with its headers: copying it costs less than another call.
_JOINED = 64 * 2**10
_OK = 200  # answers with less are not the last one
_NO_CONTENT = 204
_NOT_MODIFIED = 304
#: The bytes of a request's body, one piece after the other; each is sent before the next one is asked for.
Pieces = Iterator[memoryview]

#: So ends a connection to a server that refuses a request before it has read all of it. Its answer is there.
_REFUSED_EARLY = frozenset({errno.EPIPE, errno.ECONNRESET})


class BodyBroke(Exception):
    """What a request was to carry broke off, and the request with it: the server has not got all of it."""


class _Parsed:
    """What llhttp calls while it reads an answer."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []  # of a body in chunks
        self.size = 0  # of them
        self.begun = self.ended = 0  # answers

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        known, found = name.decode("latin-1").lower(), value.decode("latin-1")
        before = self.headers.get(known)
        self.headers[known] = found if before is None else f"{before}, {found}"

    def on_body(self, body: bytes) -> None:
        if self.begun == 1:
            self.pieces.append(body)
            self.size += len(body)

    def on_message_complete(self) -> None:
        self.ended += 1


class Answer:
    """Status and headers; the body is read when it is asked for. Used by one thread."""

    def __init__(self, connection: _Connection, *, has_body: bool) -> None:
        """Reads the headers. Raises OSError, HttpParserError, HttpParserUpgrade."""
        self._connection = connection
        self._rest = b""  # what came of the body with the headers
        self._taken = 0  # bytes of the body that ``read_into`` gave
        self._read_headers()
        promised = self.headers.get("content-length")
        self._chunked = "transfer-encoding" in self.headers
        has_body = has_body and self.status not in (_NO_CONTENT, _NOT_MODIFIED)
        #: Bytes of the body by the answer's own word; None: it does not tell.
        self.size = 0 if not has_body else int(promised) if promised and not self._chunked else None

    def read(self, largest: int) -> bytes:
        """The whole body; then the connection is free. Raises BotoCoreError, also for a larger one."""
        try:
            return self._read(largest)
        except (OSError, HttpParserError, HttpParserUpgrade) as error:
            self.drop()
            raise exceptions.ResponseStreamingError(error=error) from error
        except BaseException:
            self.drop()
            raise

    def read_into(self, buffer: memoryview) -> int:
        """The next bytes of a body whose ``size`` is known, up to the whole buffer; 0 at its end.

        With the last byte the connection is free. Raises BotoCoreError.
        """
        try:
            return self._read_into(buffer)
        except OSError as error:
            self.drop()
            raise exceptions.ResponseStreamingError(error=error) from error
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        """The body is not wanted: the connection cannot be used again."""
        self._connection.release(keep=False)

    def _read_into(self, buffer: memoryview) -> int:
        left = (self.size or 0) - self._taken
        buffer, at = buffer[:left], 0
        if not self._taken:
            self._connection.expect(left)
        if self._rest:
            at = min(len(self._rest), len(buffer))
            buffer[:at] = self._rest[:at]
            self._rest = self._rest[at:]
        while at < len(buffer):
            size = self._connection.receive_into(buffer[at:])
            if not size:
                raise exceptions.IncompleteReadError(
                    actual_bytes=self._taken + at, expected_bytes=self.size or 0
                )
            at += size
        self._taken += at
        if self._taken == self.size:
            # What comes after an answer would be taken for the next one.
            self._connection.release(keep=self._keep and not self._rest)
        return at

    def _read_headers(self) -> None:
        data, status = b"", 0
        while status < _OK:  # "100 Continue" and its like come first
            while (end := data.find(_END)) < 0:
                piece = self._connection.receive(_AHEAD)
                if not piece:
                    raise ConnectionResetError(errno.ECONNRESET, "the server closed instead of answering")
                data += piece
            head, data = data[: end + len(_END)], data[end + len(_END) :]
            self._parsed = _Parsed()
            self._parser = HttpResponseParser(self._parsed)
            self._parser.feed_data(head)
            status = self._parser.get_status_code()
        self._rest = data
        self.status = status
        self.headers: Mapping[str, str] = self._parsed.headers  # names in lower case
        self._keep = (
            self._parser.get_http_version() == "1.1"
            and "close" not in self.headers.get("connection", "").lower()
        )

    def _read(self, largest: int) -> bytes:
        if self.size is None:
            self._connection.expect(largest)
            return self._read_chunks(largest) if self._chunked else self._read_to_the_end(largest)
        if self.size > largest:
            raise _too_large(largest)
        self._connection.expect(self.size)
        body, extra = self._rest[: self.size], len(self._rest) > self.size
        if len(body) < self.size:
            # Reads straight into the bytes that it gives: a large body is in memory once.
            body = BufferedReader(_Rest(self._connection, body), 1).read(self.size)
            if len(body) < self.size:
                raise exceptions.IncompleteReadError(actual_bytes=len(body), expected_bytes=self.size)
        # What comes after an answer would be taken for the next one.
        self._connection.release(keep=self._keep and not extra)
        return body

    def _read_chunks(self, largest: int) -> bytes:
        piece = self._rest
        while True:
            self._parser.feed_data(piece)
            if self._parsed.size > largest:
                raise _too_large(largest)
            if self._parsed.ended:
                break
            piece = self._connection.receive(_PIECE)
            if not piece:
                raise ConnectionResetError(errno.ECONNRESET, "the server closed within its answer")
        self._connection.release(keep=self._keep and self._parsed.begun == 1)
        return b"".join(self._parsed.pieces)

    def _read_to_the_end(self, largest: int) -> bytes:
        body = BytesIO()
        body.write(self._rest)
        while piece := self._connection.receive(_PIECE):
            body.write(piece)
        if body.tell() > largest:
            raise _too_large(largest)
        self._connection.release(keep=False)
        return body.getvalue()


class _Rest(RawIOBase):
    """What has come of a body, and what follows."""

    def __init__(self, connection: _Connection, first: bytes) -> None:
        self._connection = connection
        self._first = first

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = len(self._first)
        if not size:
            return self._connection.receive_into(buffer)
        buffer[:size], self._first = self._first, b""  # a body is longer than its beginning
        return size


def _too_large(largest: int) -> ExchangeOver:
    return ExchangeOver("AnswerTooLarge", f"an answer of more than {largest} bytes")


class _Connection:
    """A connection out of a pool, during one exchange."""

    def __init__(self, pool: Any, exchange: Exchange) -> None:
        self._pool = pool
        self._exchange = exchange
        self.inner: Any = pool._get_conn()  # no public name; looks whether the server has closed it meanwhile
        self._sock: Any = None

    def open(self, options: S3Options) -> None:
        """Raises what urllib3 raises."""
        pool, inner = self._pool, self.inner
        if inner.sock is None:
            inner.timeout = options.connect_timeout_s
            with using(self._exchange):
                if connection_requires_http_tunnel(pool.proxy, pool.proxy_config, pool.scheme):
                    pool._prepare_proxy(inner)
                else:
                    inner.connect()
            self._sock = inner.sock
            self._sock.settimeout(options.read_timeout_s)
        self._sock = inner.sock
        self._sock.exchange = self._exchange

    def send(self, head: bytes, body: bytes | Pieces) -> None:
        """Raises OSError, BodyBroke."""
        pieces = iter((memoryview(body),)) if isinstance(body, bytes) else body
        try:
            first = _next(pieces)
            if len(first) <= _JOINED:
                self._sock.sendall(head + first)
            else:
                self._sock.sendall(head)
                self._sock.sendall(first)
            while piece := _next(pieces):
                self._sock.sendall(piece)
        except ExchangeOver:
            raise
        except OSError as error:
            if error.errno not in _REFUSED_EARLY:
                raise

    def receive(self, most: int) -> bytes:
        found: bytes = self._sock.recv(most)
        return found

    def receive_into(self, buffer: Any) -> int:
        size: int = self._sock.recv_into(buffer)
        return size

    def expect(self, size: int) -> None:
        self._exchange.expect(size)

    def release(self, *, keep: bool) -> None:
        """Give it back, once."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        if not keep:
            self.inner.close()
        elif self._sock is not None:
            self._sock.exchange = None
        pool._put_conn(self.inner)


def _next(pieces: Pieces) -> memoryview:
    """The next piece; none is left: an empty one. Raises BodyBroke, whatever the pieces raise."""
    try:
        return next(pieces, _NOTHING)
    except Exception as error:
        raise BodyBroke(str(error)) from error


_NOTHING = memoryview(b"")


class KeptConnections:
    """Those of one client to its server. Safe to share between threads."""

    def __init__(self, session: BoundedSession, base: str, options: S3Options) -> None:
        """``base``: scheme and host that requests go to."""
        self._session = session
        self._base = base
        self._options = options
        self._found: tuple[Any, str, Mapping[str, str]] | None = None  # as ``BoundedSession.pool`` gives it

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes | Pieces) -> Answer:
        """Send a request; its answer, of which the headers have been read.

        Args:
            target: path and query, as they were signed.
            headers: all of them, Host and Content-Length too.

        Raises BotoCoreError, the same as a boto3 client would; BodyBroke, and the connection is closed.
        """
        connection: _Connection | None = None
        exchange = Exchange(
            HEADERS,
            total_s=self._options.request_timeout_s,
            least_bytes_per_s=self._options.least_bytes_per_s,
        )
        try:
            if self._found is None or self._found[0].pool is None:  # not looked up yet, or closed
                self._found = self._session.pool(self._base)
            pool, prefix, more = self._found
            connection = _Connection(pool, exchange)
            connection.open(self._options)
            lines = "".join([f"{name}: {value}\r\n" for name, value in {**headers, **more}.items()])
            first = f"{method} {prefix}{target} HTTP/1.1\r\n"
            connection.send(f"{first}{lines}\r\n".encode("latin-1"), body)
            return Answer(connection, has_body=method != "HEAD")
        except BodyBroke:
            if connection is not None:
                connection.release(keep=False)
            raise
        except Exception as error:
            if connection is not None:
                connection.release(keep=False)
            raise self._told(error, connection) from error
        except BaseException:
            if connection is not None:
                connection.release(keep=False)
            raise

    def _told(self, error: Exception, connection: _Connection | None) -> Exception:
        """The error of botocore that its own session would raise."""
        place = {"endpoint_url": self._base}
        inner = connection.inner if connection is not None else None
        if inner is not None and inner.proxy and not inner.has_connected_to_proxy:
            return exceptions.ProxyConnectionError(
                proxy_url=f"{inner.proxy.host}:{inner.proxy.port}", error=error
            )
        if isinstance(error, (http.SSLError, ssl.SSLError)):
            return exceptions.SSLError(**place, error=error)
        if isinstance(error, http.NewConnectionError):
            return exceptions.EndpointConnectionError(**place, error=error)
        if isinstance(error, http.ConnectTimeoutError):
            return exceptions.ConnectTimeoutError(**place, error=error)
        if isinstance(error, TimeoutError):
            return exceptions.ReadTimeoutError(**place, error=error)
        if isinstance(error, (OSError, http.ProtocolError)):
            return exceptions.ConnectionClosedError(**place, error=error)
        return exceptions.HTTPClientError(error=error)
