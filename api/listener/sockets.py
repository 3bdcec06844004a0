"""Accepting connections: only as many as there is room for, so that files are left for everything else.

The event loop's own server accepts without asking, and where the process has no file left it closes whatever
waits. This one asks the registry first, and leaves the rest in the kernel's queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable, Sequence

import structlog

from vanvault.api.listener.connections import Connection, Connections
from vanvault.api.listener.protocol import HttpProtocol
from vanvault.api.listener.refusals import NO_FILES

_log = structlog.get_logger("vanvault.listener")

#: Most connections accepted at one turn of the event loop: many, as a turn is long where many are busy.
_AT_ONCE = 1024
#: Seconds between two looks at all connections.
_LOOK_S = 1.0
#: Out of files, memory or buffers: the machine's limits, which pass.
_EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class HttpListener:
    """Listening sockets, and what they accept. Looks like an ``asyncio.Server`` to uvicorn."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        connections: Connections,
        protocol: Callable[[], HttpProtocol],
        *,
        refused: Callable[[str], None],
        request_id: Callable[[], str],
    ) -> None:
        """``refused``: counts "files" when the machine has none left."""
        self.sockets = tuple(sockets)
        self._connections = connections
        self._protocol = protocol
        self._refused = refused
        self._request_id = request_id
        self._spare = _spare_file()
        self._loop = asyncio.get_running_loop()
        self._arriving: set[asyncio.Task[None]] = set()
        self._exhausted = False
        self._closed = False
        for listening in self.sockets:
            self._loop.add_reader(listening, self._accept, listening)
        self._looking = self._loop.call_later(_LOOK_S, self._look)

    def close(self) -> None:
        """Accept no more. What is open stays so, and is still looked at."""
        if self._closed:
            return
        self._closed = True
        for listening in self.sockets:
            self._loop.remove_reader(listening)
            listening.close()

    async def wait_closed(self) -> None:
        """Nothing is left to wait for: uvicorn waits for the connections itself."""
        self._looking.cancel()
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            if not self._connections.make_room():
                self._pause(listening)
                return
            try:
                accepted, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._tell_exhausted(error)
                self._refuse_one(listening)
                self._pause(listening)
                return
            self._exhausted = False
            self._connections.arriving += 1
            task = self._loop.create_task(self._begin(accepted))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _begin(self, accepted: socket.socket) -> None:
        protocol = self._protocol()
        try:
            accepted.setblocking(False)
            await self._loop.connect_accepted_socket(lambda: protocol, accepted)
        except OSError:  # it is gone already
            accepted.close()
            if not protocol.has_begun:
                self._connections.arriving -= 1

    def _pause(self, listening: socket.socket) -> None:
        """Leave the rest in the kernel's queue for a moment: connections end, or files come free."""
        self._loop.remove_reader(listening)
        self._loop.call_later(0.02 if not self._exhausted else 0.5, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        if not self._closed:
            self._loop.add_reader(listening, self._accept, listening)

    def _refuse_one(self, listening: socket.socket) -> None:
        """Answer one caller with 503, by the file that is kept for this: silence would say nothing."""
        if self._spare is None:
            self._spare = _spare_file()
            return
        os.close(self._spare)
        self._spare = None
        try:
            accepted, _ = listening.accept()
        except OSError:
            pass  # another thread took the file
        else:
            with accepted, contextlib.suppress(OSError):
                accepted.setblocking(False)
                accepted.send(NO_FILES.encoded(self._request_id(), ()))
                accepted.shutdown(socket.SHUT_WR)
                accepted.recv(65536)  # what is not read would take the answer away
        self._spare = _spare_file()

    def _tell_exhausted(self, error: OSError) -> None:
        self._refused(NO_FILES.reason)
        if not self._exhausted:  # once, until it accepts again
            _log.error("no connection can be accepted: the machine's limit is reached", reason=error.strerror)
        self._exhausted = True

    def _look(self) -> None:
        now = self._loop.time()
        for connection in self._connections.all():
            _look_at(connection, now)
        self._looking = self._loop.call_later(_LOOK_S, self._look)


def _spare_file() -> int | None:
    """An open file that can be given up for a connection; None where the machine has none."""
    try:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _look_at(connection: Connection, now: float) -> None:
    assert isinstance(connection, HttpProtocol)  # noqa: S101 - the only kind that is added here
    connection.look(now)


def listen(host: str, port: int, backlog: int = 4096) -> list[socket.socket]:
    """Sockets that listen at every address of the host's name. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    made: list[socket.socket] = []
    failure: OSError | None = None
    for family, kind, protocol, _, address in dict.fromkeys(found):
        try:
            listening = socket.socket(family, kind, protocol)
        except OSError as error:  # the host knows the name's IPv6 address, and has no IPv6
            failure = error
            continue
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind(address)
            listening.listen(backlog)
            listening.setblocking(False)
        except OSError as error:
            listening.close()
            failure = error
            if error.errno != errno.EADDRNOTAVAIL:
                break
        else:
            made.append(listening)
    if failure is not None and (not made or failure.errno == errno.EADDRINUSE):
        for listening in made:
            listening.close()
        raise failure
    return made
