"""One connection without a socket: what it does with what comes, and how it gives way to another one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from vanvault.api.listener import CallerPace, ConnectionLimits, Connections, HttpProtocol, Terms

REQUEST = b"GET / HTTP/1.1\r\nHost: vanvault\r\n\r\n"


class Wire:
    """A transport without a socket; ``unread`` is what the other end has not taken yet."""

    def __init__(self) -> None:
        self.unread = 0
        self.said = b""
        self.fate = ""

    def get_extra_info(self, name: str) -> None:
        return None

    def get_write_buffer_size(self) -> int:
        return self.unread

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def write(self, data: bytes) -> None:
        self.said += data

    def is_closing(self) -> bool:
        return bool(self.fate)

    def close(self) -> None:
        self.fate = self.fate or "closed"

    def abort(self) -> None:
        self.fate = "aborted"


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with asyncio.Runner() as runner:
        yield runner.get_loop()


@pytest.fixture
def connected(loop: asyncio.AbstractEventLoop) -> tuple[HttpProtocol, Wire]:
    terms = Terms(
        Connections(ConnectionLimits(16), loop.time), CallerPace(), lambda reason: None, lambda: "id"
    )
    protocol = HttpProtocol(terms, uvicorn.Config(answer, log_config=None), ServerState(), {}, loop)
    wire = Wire()
    protocol.connection_made(wire)  # type: ignore[arg-type]
    return protocol, wire


def served(loop: asyncio.AbstractEventLoop, protocol: HttpProtocol) -> None:
    protocol.data_received(REQUEST)
    loop.run_until_complete(asyncio.gather(*protocol.tasks))


def test_who_has_read_its_answer_is_closed(
    loop: asyncio.AbstractEventLoop, connected: tuple[HttpProtocol, Wire]
) -> None:
    protocol, wire = connected
    served(loop, protocol)
    assert wire.said.startswith(b"HTTP/1.1 200 ")
    protocol.give_way()
    assert wire.fate == "closed"


@pytest.mark.parametrize("begun", [b"", b"GET / HT"], ids=["idle", "next-head"])
def test_who_has_not_read_its_answer_is_cut_off(
    loop: asyncio.AbstractEventLoop, connected: tuple[HttpProtocol, Wire], begun: bytes
) -> None:
    """Closing would wait until the answer counts as unread, and a crowd of them would fill all room."""
    protocol, wire = connected
    served(loop, protocol)
    wire.unread = 100
    protocol.data_received(begun)
    protocol.give_way()
    assert wire.fate == "aborted"


def test_who_stays_after_its_last_word_is_cut_off(connected: tuple[HttpProtocol, Wire]) -> None:
    protocol, wire = connected
    protocol.data_received(b"GET / HT")
    protocol.give_way()
    assert wire.said.startswith(b"HTTP/1.1 503 ")
    assert wire.fate == "closed"
    protocol.give_way()
    assert wire.fate == "aborted"


@pytest.mark.parametrize("into", [0, 20], ids=["between", "in-the-second-head"])
def test_requests_that_come_in_one_piece_are_no_large_headers(
    loop: asyncio.AbstractEventLoop, connected: tuple[HttpProtocol, Wire], into: int
) -> None:
    """Wherever the first 64 KiB of what came end."""
    protocol, wire = connected
    protocol.identify("gateway-1")
    head = b"POST / HTTP/1.1\r\nContent-Length: 65000\r\n\r\n"
    size = 64 * 1024 - into - len(head)
    protocol.data_received(head.replace(b"65000", b"%d" % size) + bytes(size) + REQUEST)
    while protocol.tasks:
        loop.run_until_complete(asyncio.gather(*protocol.tasks))
    assert wire.said.count(b"HTTP/1.1 200 ") == 2
    assert b"connection: close" not in wire.said
