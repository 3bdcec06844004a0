"""A load generator light enough to share a small machine with the server it loads.

Requests are whole prebuilt byte strings; a client is an asyncio protocol over uvloop that writes one,
reads the answer up to its Content-Length and writes the next, on one keep-alive connection. There is no
client library: httpx takes about as much CPU to build and parse a 10 kB exchange as the server takes to
archive the message, and on two cores the clients would then be what is measured.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import uvloop


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete answer; ``seconds`` from the first byte written to the last byte read."""

    index: int  # of the request
    status: int
    body: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a run. Requests that were not begun before the deadline have no answer."""

    answers: list[Answer]
    seconds: float
    client_cpu_s: float


def post(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """The bytes of one POST request."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        f"POST {path} HTTP/1.1\r\nHost: vanvault\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    )


def send(requests: Sequence[bytes], *, port: int, clients: int, deadline_s: float) -> Load:
    """Send all requests from ``clients`` connections, each with one request at a time.

    No request is begun after ``deadline_s``. Raises ConnectionError when the server closes a connection.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_send(requests, port, clients, deadline_s))


async def _send(requests: Sequence[bytes], port: int, clients: int, deadline_s: float) -> Load:
    loop = asyncio.get_running_loop()
    answers: list[Answer] = []
    queue = iter(enumerate(requests))
    made = [
        await loop.create_connection(lambda: _Client(queue, answers, loop), "127.0.0.1", port)
        for _ in range(min(clients, len(requests)))
    ]
    cpu, begun = time.process_time(), time.perf_counter()
    for transport, client in made:
        client.begin(transport, begun + deadline_s)
    try:
        await asyncio.gather(*(client.finished for _, client in made))
        return Load(answers, time.perf_counter() - begun, time.process_time() - cpu)
    finally:
        for transport, _ in made:
            transport.abort()


class _Client(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last is complete."""

    def __init__(
        self, queue: Iterator[tuple[int, bytes]], answers: list[Answer], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.finished: asyncio.Future[None] = loop.create_future()
        self._queue = queue
        self._answers = answers
        self._deadline = 0.0
        self._index = 0
        self._sent = 0.0
        self._received = bytearray()
        self._body_at = 0
        self._end = 0  # of the answer within what was received; 0 until its head is complete

    def begin(self, transport: asyncio.Transport, deadline: float) -> None:
        """Send the first request; ``deadline`` on the clock of ``time.perf_counter``."""
        self._transport = transport
        self._deadline = deadline
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._end:
            head_end = self._received.find(b"\r\n\r\n")
            if head_end < 0:
                return
            head = bytes(self._received[:head_end]).lower()
            length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
            self._body_at = head_end + 4
            self._end = self._body_at + int(length)
        if len(self._received) < self._end:
            return
        seconds = time.perf_counter() - self._sent
        status, body = int(self._received[9:12]), bytes(self._received[self._body_at : self._end])
        self._answers.append(Answer(self._index, status, body, seconds))
        self._received.clear()
        self._end = 0
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(exc or ConnectionError("the server closed a connection"))

    def _next(self) -> None:
        self._sent = time.perf_counter()
        pair = next(self._queue, None) if self._sent < self._deadline else None
        if pair is None:
            self.finished.set_result(None)
            return
        self._index, request = pair
        self._transport.write(request)
