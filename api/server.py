"""Runs one node until SIGTERM or SIGINT.

::

    SIGTERM ── grace ──► refusing ── none in flight ──► sockets close ──► chain closes
    readiness says no    new work gets 503,
    work is taken        what is in flight is finished
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, cast

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from vanvault.api.app import create_app
from vanvault.api.listener import (
    CallerPace,
    ConnectionLimits,
    Connections,
    HttpListener,
    HttpProtocol,
    Terms,
    listen,
    raise_file_limit,
    room_for_connections,
)
from vanvault.api.logs import LogFormat, configure
from vanvault.api.loopback import is_loopback
from vanvault.api.node import Node
from vanvault.api.observe import Observed, new_request_id
from vanvault.api.own_address import OwnAddress
from vanvault.archiver.appliance import Archive, check_no_disposer
from vanvault.archiver.core.settings import Settings
from vanvault.archiver.home_files import load_settings
from vanvault.recovery.availability import running_here
from vanvault.recovery.schedule import check_table

#: Connections at the node's own address: scrapers and health checks.
_OWN_CONNECTIONS = 32
#: Longest wait for requests in flight when the node stops, in seconds.
_DRAIN_S = 60
#: Least time of refusing, in seconds: who is about to send on an open connection gets an answer.
_REFUSE_S = 0.3
#: Time to accept and answer, with 503, those who wait in the kernel's queue.
_QUEUE_S = 0.3
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
_BPF_RETURN = 0x06  # linux/bpf_common.h: BPF_RET | BPF_K


def _nothing() -> None:
    """The default of ``before_serving``."""


def run(
    home: Path,
    *,
    host: str,
    port: int,
    grace_s: float = 0.0,
    log_format: LogFormat | None = None,
    before_serving: Callable[[], None] = _nothing,
) -> None:
    """Serve a home until SIGTERM or SIGINT, then drain: every accepted message is written and answered.

    Args:
        grace_s: how long work is still taken while readiness answers 503, for load balancers.
        log_format: in place of the settings' ``log.format``.
        before_serving: called once the home, its keys and its table of jobs were found right.

    Raises SettingsError, KeyUnavailable when the home or its table of jobs is not right, or its environment
    holds what may remove objects; MachineLimit when
    the process may have too few files open; OSError when the port is taken.
    """
    check_no_disposer()
    settings = load_settings(home)
    configure(log_format or settings.log.format)
    check_table(settings)
    files = raise_file_limit()
    with Archive.open(home) as archive:  # wrong sites, keys and gateways show here, not as a server's trace
        archive.gateways.all()
    before_serving()
    structlog.get_logger("vanvault.server").info("serving", host=host, port=port)
    app = create_app(lambda: Archive.open(home))
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=HttpProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=_DRAIN_S,
        server_header=False,
        proxy_headers=False,
        date_header=True,
    )
    with running_here(home), asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_Server(config, app, grace_s, _Bounds(settings, files)).serve())


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What bounds the listener."""

    settings: Settings
    files: int  # that this process may have open

    def connections(self) -> ConnectionLimits:
        http, limits = self.settings.http, self.settings.limits
        own = limits.of_gateways()
        return ConnectionLimits(
            room_for_connections(self.files, http.connections),
            None if http.proxies else http.address_connections,
            lambda gateway: own.get(gateway, limits).connections,
        )

    def pace(self) -> CallerPace:
        http = self.settings.http
        return CallerPace(
            head_s=http.header_timeout_s,
            idle_s=http.idle_timeout_s,
            silence_s=self.settings.intake.body_timeout_s,
            bytes_per_s=max(1.0, http.body_bytes_per_s),
        )


class _Server(uvicorn.Server):
    """Ends with exit code 0 after a drain: a stop that was asked for is no failure."""

    def __init__(self, config: uvicorn.Config, app: Observed, grace_s: float, bounds: _Bounds) -> None:
        super().__init__(config)
        self._app = app
        self._grace_s = grace_s
        self._bounds = bounds
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, but with a listener that accepts no more than there is room for."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        loop = asyncio.get_running_loop()
        own = self._bounds.settings.metrics.own_address()
        public = Connections(self._bounds.connections(), loop.time, refused=self._refused)
        self._app.fastapi.state.connections = public
        self._app.fastapi.state.on_loopback = is_loopback(self.config.host)
        try:
            listeners = [self._listener(self.config.host, self.config.port, public, None)]
            if own is not None:
                private = Connections(ConnectionLimits(_OWN_CONNECTIONS), loop.time, refused=self._refused)
                listeners.append(self._listener(*own, private, OwnAddress(self._app)))
        except OSError as error:
            structlog.get_logger("vanvault.server").error("cannot listen", reason=error.strerror)
            await self.lifespan.shutdown()
            sys.exit(STARTUP_FAILURE)
        self.servers = cast("list[asyncio.base_events.Server]", listeners)
        self.started = True

    def _listener(self, host: str, port: int, connections: Connections, app: ASGIApp | None) -> HttpListener:
        terms = Terms(connections, self._bounds.pace(), self._refused, new_request_id, cast("Any", app))

        def protocol() -> HttpProtocol:
            return HttpProtocol(terms, self.config, self.server_state, self.lifespan.state, self._loop)

        return HttpListener(
            listen(host, port), connections, protocol, refused=self._refused, request_id=new_request_id
        )

    def _refused(self, limit: str) -> None:
        self._app.metrics.limited(limit)
        self._app.fastapi.state.saturation.reached(limit)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by the signal: readiness first, the rest ``grace_s`` later; at once the second time."""
        node = getattr(self._app.fastapi.state, "node", None)
        if self._loop is None or node is None or node.draining.is_set():
            self.should_exit = True
            return
        node.draining.set()
        self._app.winding_down = True
        self._loop.call_soon_threadsafe(
            self._loop.call_later, self._grace_s, self._refuse_work, node, self._loop
        )

    def _refuse_work(self, node: Node, loop: asyncio.AbstractEventLoop) -> None:
        node.refusing.set()
        loop.call_later(_REFUSE_S, self._exit, loop, loop.time() + _DRAIN_S)

    def _exit(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        if self._app.in_flight and loop.time() < until:
            loop.call_later(0.05, self._exit, loop, until)
            return
        for server in getattr(self, "servers", ()):  # none yet when the signal came at the start
            for listening in server.sockets:
                _take_no_more(listening.fileno())
        loop.call_later(_QUEUE_S, self._end)

    def _end(self) -> None:
        self.should_exit = True


def _take_no_more(listening: int) -> None:
    """Let the kernel drop what asks for a new connection (Linux); those in its queue are still accepted.

    Closing a listening socket resets whoever waits in its queue, and a client cannot know that nothing was
    done. One whose first packet is dropped asks again a second later, and is refused.
    """
    drop = ctypes.create_string_buffer(struct.pack("HBBI", _BPF_RETURN, 0, 0, 0))
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(listening)) as found:
        found.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(drop)))
