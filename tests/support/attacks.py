"""What a hostile caller does to a node over real sockets. Each attack lasts as long as its block."""

from __future__ import annotations

import contextlib
import itertools
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_HOST = "127.0.0.1"
#: The beginning of a request whose headers never end.
HALF_HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: vanvault\r\nVanvault-State: "


def connect(port: int, *, timeout_s: float = 30.0) -> socket.socket:
    """A connection to this host."""
    return socket.create_connection((_HOST, port), timeout=timeout_s)


def head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    """The head of a request, up to its body."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: vanvault",
        *(f"{n}: {v}" for n, v in headers.items()),
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def push_head(token: str, message_id: str, **headers: str) -> bytes:
    """The head of a push; ``headers`` with underscores for dashes."""
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    known = {"Authorization": f"Bearer {token}", "Vanvault-Message-Id": message_id}
    return head("POST", "/v1/messages", {**known, **extra})


def read_all(connection: socket.socket) -> bytes:
    """What the other end says until it closes."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            received += piece
    return received


class Crowd:
    """Many connections that say ``greeting`` and no more; one that is closed is opened again at once."""

    def __init__(self, port: int, count: int, greeting: bytes) -> None:
        self._port, self._count, self._greeting = port, count, greeting
        self._selector = selectors.DefaultSelector()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.opened = 0  # since the beginning
        self.answers: list[bytes] = []  # what those that were closed had been told

    def __enter__(self) -> Crowd:
        for _ in range(self._count):
            self._open()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def _open(self) -> None:
        connection = socket.socket()
        connection.settimeout(5)
        try:
            connection.connect((_HOST, self._port))
            if self._greeting:
                connection.sendall(self._greeting)
        except OSError:
            connection.close()
            return
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, bytearray())
        self.opened += 1

    def _run(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(timeout=0.05):
                connection, said = key.fileobj, key.data
                assert isinstance(connection, socket.socket)
                try:
                    piece = connection.recv(65536)
                except BlockingIOError:
                    continue
                except OSError:
                    piece = b""
                if piece:
                    said += piece
                    continue
                self._selector.unregister(connection)
                connection.close()
                if said:
                    self.answers.append(bytes(said))
                if not self._over.is_set():
                    self._open()


@contextmanager
def half_open(port: int, count: int = 4_100) -> Iterator[Crowd]:
    """Requests whose headers never end."""
    with Crowd(port, count, HALF_HEAD) as crowd:
        yield crowd


@contextmanager
def silent(port: int, count: int = 1_100) -> Iterator[Crowd]:
    """Connections on which nothing is said."""
    with Crowd(port, count, b"") as crowd:
        yield crowd


@contextmanager
def unread(port: int, count: int = 600, *, again: bool = False) -> Iterator[deque[socket.socket]]:
    """Callers that ask for much and read nothing: the kernel's buffers fill, and then the node waits.

    They ask for different amounts, so that some wait for the rest of an answer and some for the next request.
    ``again``: the oldest one after the other is given up for a new one, without a pause.
    """
    over = threading.Event()
    connections: deque[socket.socket] = deque()

    def open_one(number: int) -> None:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(5)
        connections.append(connection)
        with contextlib.suppress(OSError):
            connection.connect((_HOST, port))
            connection.sendall(head("GET", "/v1/openapi.json", {}) * (15 if number % 2 else number % 5 + 1))

    def run() -> None:
        for number in itertools.count():
            if over.is_set():
                return
            connections.popleft().close()
            open_one(number)

    thread = threading.Thread(target=run, daemon=True)
    try:
        for number in range(count):
            open_one(number)
        if again:
            thread.start()
        yield connections
    finally:
        over.set()
        if again:
            thread.join()
        for connection in connections:
            connection.close()


def huge_header(port: int, size: int = 100 * 2**20) -> bytes:
    """Send one header of ``size`` bytes as fast as it is taken; the answer."""
    with connect(port) as connection:
        connection.sendall(HALF_HEAD)
        piece, sent = b"x" * 2**20, 0
        with contextlib.suppress(ConnectionError):
            while sent < size:
                connection.sendall(piece)
                sent += len(piece)
        return read_all(connection)


@contextmanager
def huge_headers(port: int) -> Iterator[None]:
    """One header of 100 MiB after the other."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                huge_header(port)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def trickled(
    port: int, token: str, *, count: int = 16, size: int = 60 * 2**20, first: int = 0
) -> Iterator[list[socket.socket]]:
    """Bodies of ``size`` bytes of which ``first`` come at once, and then five bytes a second."""
    over = threading.Event()
    connections = [connect(port) for _ in range(count)]

    def run(number: int, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(push_head(token, f"trickled-{number}", Content_Length=str(size)))
            piece = bytes(2**20)
            for _ in range(first // len(piece)):
                connection.sendall(piece)
            while not over.wait(0.2):
                connection.sendall(b"x")

    threads = [
        threading.Thread(target=run, args=(number, connection), daemon=True)
        for number, connection in enumerate(connections)
    ]
    for thread in threads:
        thread.start()
    try:
        yield connections
    finally:
        over.set()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        for connection in connections:
            connection.close()


def push_once(port: int, token: str, message_id: str, body: bytes, *, timeout_s: float) -> int:
    """Push one message on a new connection; the status, 0 when there was no answer in time."""
    try:
        with connect(port, timeout_s=timeout_s) as connection:
            connection.sendall(push_head(token, message_id, Content_Length=str(len(body))) + body)
            answer = connection.recv(65536)
    except OSError:
        return 0
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


def push_until_taken(port: int, token: str, message_id: str, body: bytes, *, patience_s: float = 60) -> int:
    """Push on new connections until it is accepted; the number of attempts, 0 when none was."""
    until = time.monotonic() + patience_s
    attempts = 0
    while time.monotonic() < until:
        attempts += 1
        if push_once(port, token, message_id, body, timeout_s=15) in (200, 201):
            return attempts
        time.sleep(0.1)
    return 0
