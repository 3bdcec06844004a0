"""An HTTP proxy on loopback between VanVault and a store, which breaks what it is told to break.

Both kinds of failed write can be made: "failed, not stored" (the request never reaches the store) and
"failed, but stored" (the store has answered, the client never learns it)::

    with fault_proxy(minio.url) as proxy:
        proxy.script(Fault.RESET_AFTER, method="PUT", path="/bucket/batch/", times=1)
        client = Endpoint(proxy.url, ...).client()

The Host header is passed on as the client signed it, so signatures stay valid.
"""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


class Fault(Enum):
    """What may go wrong with one request."""

    RESET_BEFORE = "connection reset, the store never saw the request"
    RESET_AFTER = "connection reset, the store has done what it was asked"
    ERROR_500 = "500 InternalError, the store never saw the request"
    ERROR_500_AFTER = "500 InternalError, the store has done what it was asked"
    SLOW_DOWN = "503 SlowDown, the store never saw the request"
    EXPIRED = "403 ExpiredToken, the store never saw the request"
    HANG_BEFORE = "silence, the store never saw the request"
    HANG_AFTER = "silence, the store has done what it was asked"
    TRUNCATE = "half of the answer's body, then the end of the connection"
    WRONG_BYTES = "one bit of the answer's body is flipped"
    SLOW = "the answer comes late"
    WRONG_REQUEST = "one bit of the request's body is flipped on its way to the store"
    WRONG_ETAG = "another ETag than that of the bytes"
    WRONG_DATE = "the answer says that it is years later"
    LONG = "the answer says that more bytes follow than do"
    ENDLESS = "the answer's body never ends"
    NEXT_PAGE = "each page of a listing says that another follows, which is the same"


_LIES = {Fault.WRONG_ETAG, Fault.WRONG_DATE, Fault.LONG, Fault.ENDLESS, Fault.NEXT_PAGE}
_AFTER = {
    Fault.RESET_AFTER,
    Fault.ERROR_500_AFTER,
    Fault.HANG_AFTER,
    Fault.TRUNCATE,
    Fault.WRONG_BYTES,
} | _LIES
_ERRORS = {
    Fault.ERROR_500: (500, "InternalError"),
    Fault.ERROR_500_AFTER: (500, "InternalError"),
    Fault.SLOW_DOWN: (503, "SlowDown"),
    Fault.EXPIRED: (403, "ExpiredToken"),
}
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}
_HANG = 120  # seconds; longer than any client's patience
_LATE = 0.7  # seconds; within any client's patience


@dataclass
class Rule:
    """One scripted fault: the requests it meets, how many of them to let pass, how many to break."""

    fault: Fault
    method: str
    path: str
    skip: int
    times: int

    def meets(self, method: str, path: str) -> bool:
        return self.method in ("", method) and self.path in path and self.times > 0


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that came by."""

    method: str
    path: str  # decoded, with the query
    fault: Fault | None
    status: int | None  # the store's own answer; None when it never saw the request


class FaultProxy:
    """The running proxy: its URL, its script, and what it has seen."""

    def __init__(self, upstream: str) -> None:
        url = urlsplit(upstream)
        self.host, self.port = url.hostname or "", url.port or 80
        self.url = ""
        self.seen: list[Seen] = []
        self.released = threading.Event()
        self._rules: list[Rule] = []
        self._mutex = threading.Lock()

    def script(
        self, fault: Fault, *, method: str = "", path: str = "", skip: int = 0, times: int = 1
    ) -> None:
        """Break ``times`` requests of ``method`` with ``path`` in their path, after ``skip`` such ones."""
        with self._mutex:
            self._rules.append(Rule(fault, method, path, skip, times))

    def clear(self) -> None:
        """Forget the script, let go what hangs, and forget what was seen."""
        with self._mutex:
            self._rules.clear()
            self.seen.clear()
            self.released.set()
            self.released = threading.Event()

    def choose(self, method: str, path: str) -> Fault | None:
        """The fault for this request, counting it against the first rule that it meets."""
        with self._mutex:
            for rule in self._rules:
                if rule.meets(method, path):
                    if rule.skip:
                        rule.skip -= 1
                        return None
                    rule.times -= 1
                    return rule.fault
        return None

    def saw(self, seen: Seen) -> None:
        with self._mutex:
            self.seen.append(seen)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: FaultProxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news here."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Tests stay quiet."""

    def handle_expect_100(self) -> bool:
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def handle_any(self) -> None:
        proxy, path = self.server.proxy, unquote(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = proxy.choose(self.command, path)
        if fault is Fault.WRONG_REQUEST:
            body = _flip(body)
        reaches = fault in (None, Fault.SLOW, Fault.WRONG_REQUEST) or fault in _AFTER
        answer = self._ask_store(body) if reaches else None
        proxy.saw(Seen(self.command, path, fault, answer.status if answer else None))
        self._reply(fault, answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

    def _ask_store(self, body: bytes) -> _Answer:
        store = http.client.HTTPConnection(self.server.proxy.host, self.server.proxy.port, timeout=_HANG)
        try:
            store.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP:
                    store.putheader(name, value)
            if body or self.command in ("PUT", "POST"):
                store.putheader("Content-Length", str(len(body)))
            store.endheaders(body or None)
            answer = store.getresponse()
            return _Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            store.close()

    def _reply(self, fault: Fault | None, answer: _Answer | None) -> None:
        if fault is Fault.SLOW:
            self.server.proxy.released.wait(_LATE)
        if fault in (Fault.HANG_BEFORE, Fault.HANG_AFTER):
            self.server.proxy.released.wait(_HANG)
            return self._reset()
        if fault in (Fault.RESET_BEFORE, Fault.RESET_AFTER):
            return self._reset()
        if fault in _ERRORS or answer is None:
            status, code = _ERRORS[fault] if fault else (502, "BadGateway")
            text = f"<Error><Code>{code}</Code><Message>injected</Message></Error>".encode()
            return self._send(_Answer(status, [("Content-Type", "application/xml")], text), text)
        if fault is Fault.TRUNCATE:
            self._send(answer, answer.body[: len(answer.body) // 2])
            self.close_connection = True
            return None
        if fault in _LIES:
            return self._lie(fault, answer)
        return self._send(answer, _flip(answer.body) if fault is Fault.WRONG_BYTES else answer.body)

    def _lie(self, fault: Fault, answer: _Answer) -> None:
        if fault is Fault.WRONG_ETAG:
            return self._send(_with(answer, "ETag", f'"{"0" * 32}"'), answer.body)
        if fault is Fault.WRONG_DATE:
            return self._send(_with(answer, "Date", "Tue, 01 Jan 2036 00:00:00 GMT"), answer.body)
        if fault is Fault.NEXT_PAGE:
            more = b"<IsTruncated>true</IsTruncated><NextKeyMarker>batch/</NextKeyMarker>"
            body = answer.body.replace(b"<IsTruncated>false</IsTruncated>", more)
            return self._send(_Answer(answer.status, answer.headers, body), body)
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            if name.lower() not in _HOP:
                self.send_header(name, value)
        if fault is Fault.LONG:
            self.send_header("Content-Length", str(len(answer.body) + 2**40))
        self.end_headers()
        self.close_connection = True
        self.wfile.write(answer.body)
        zeros = bytes(2**16)
        while fault is Fault.ENDLESS and self.command != "HEAD" and not self.server.proxy.released.is_set():
            self.wfile.write(zeros)
            self.wfile.flush()

    def _send(self, answer: _Answer, body: bytes) -> None:
        self.send_response_only(answer.status)
        length = str(len(answer.body))
        for name, value in answer.headers:
            if name.lower() == "content-length":
                length = value  # of a HEAD: what a GET would have
            elif name.lower() not in _HOP:
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _reset(self) -> None:
        """Close with RST instead of FIN, as a crashed or cut-off server does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


def _with(answer: _Answer, name: str, value: str) -> _Answer:
    """The answer with another header of this name, where it has one."""
    headers = [(found, value if found.lower() == name.lower() else old) for found, old in answer.headers]
    return _Answer(answer.status, headers, answer.body)


def _flip(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :] if body else body


@contextmanager
def fault_proxy(upstream: str, address: str = "127.0.0.1") -> Iterator[FaultProxy]:
    """Run a proxy for the store at ``upstream`` (``http://host:port``) on a free port of loopback.

    ``address`` is another one to listen at, of this host or of the network namespace that the thread is in.
    """
    proxy = FaultProxy(upstream)
    with _Server((address, 0), _Handler) as server:
        server.proxy = proxy
        proxy.url = f"http://{address}:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.clear()
            server.shutdown()
            thread.join()
