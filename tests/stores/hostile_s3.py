"""A server on loopback that answers every request as badly as it is told to, over real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

#: Gets the connection after a whole request was read; whatever it does, the connection is closed after it.
Answer = Callable[["Caller"], None]

HEAD = b"HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 01:02:03 GMT\r\n"


class Caller:
    """The other end of one request."""

    def __init__(self, connection: socket.socket, gone: threading.Event) -> None:
        self._connection = connection
        self._gone = gone  # the server stops, or the caller hung up

    def send(self, data: bytes) -> None:
        """Raises OSError once the caller has hung up."""
        self._connection.sendall(data)

    def drip(self, data: bytes, every_s: float = 0.02) -> None:
        """A byte at a time, ``data`` again and again, until the caller hangs up or the server stops."""
        while not self._gone.is_set():
            for at in range(len(data)):
                self._connection.sendall(data[at : at + 1])
                if self._gone.wait(every_s):
                    return

    def pour(self, data: bytes) -> None:
        """``data`` again and again, as fast as it is taken."""
        while not self._gone.is_set():
            self._connection.sendall(data)

    def wait(self) -> None:
        """Say nothing until the server stops."""
        self._gone.wait()

    def hang_up(self) -> None:
        """No more comes from here, and nothing more is taken."""
        self._connection.shutdown(socket.SHUT_RDWR)

    def tunnel(self, port: int) -> None:
        """Hand every byte on, to a port of this host and back, until one of the two hangs up."""
        with socket.create_connection(("127.0.0.1", port)) as target:
            back = threading.Thread(target=_pump, args=(target, self._connection), daemon=True)
            back.start()
            _pump(self._connection, target)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class HostileS3:
    """The running server; ``answer`` may be exchanged at any time."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._stopped = threading.Event()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.answer: Answer = lambda caller: None
        self.reads_body = True
        self.requests: list[str] = []  # their first lines
        self.fields: list[dict[str, str]] = []  # their headers; names and values in lower case
        self.connections = 0
        self.hung_up = threading.Event()  # a caller closed before the answer ended
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 2**10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while self._take_request(connection):
                    self.answer(Caller(connection, self._stopped))
            except OSError:
                self.hung_up.set()

    def _take_request(self, connection: socket.socket) -> bool:
        found = b""
        while b"\r\n\r\n" not in found:
            piece = connection.recv(4096)
            if not piece:
                return False
            found += piece
        head, _, body = found.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.requests.append(lines[0])
        fields = dict(line.lower().split(": ", 1) for line in lines[1:])
        self.fields.append(fields)
        left = int(fields.get("content-length", "0")) - len(body)
        while self.reads_body and left > 0:
            left -= len(connection.recv(min(left, 2**20)))
        return True


def answering(body: bytes, *headers: str, status: str = "200 OK") -> Answer:
    """An answer that is whole."""
    lines = [f"HTTP/1.1 {status}", "Date: Sun, 22 Nov 2026 01:02:03 GMT", f"Content-Length: {len(body)}"]
    head = "\r\n".join((*lines, *headers)) + "\r\n\r\n"
    return lambda caller: caller.send(head.encode() + body)


@contextmanager
def hostile_s3() -> Iterator[HostileS3]:
    """Run it on a free port of loopback."""
    server = HostileS3(socket.create_server(("127.0.0.1", 0)))
    try:
        yield server
    finally:
        server.stop()
