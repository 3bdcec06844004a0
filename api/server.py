"""Runs one node until SIGTERM or SIGINT: readiness turns off, then sockets close, then the chain."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from types import FrameType

import uvicorn

from vanvault.api.app import create_app
from vanvault.api.shortcut import Shortcut
from vanvault.archiver.archive import Archive
from vanvault.recovery.schedule.run import has_verb
from vanvault.recovery.schedule.table import jobs_on

#: Connections at once; beyond it the server answers 503 by itself.
_MAX_CONNECTIONS = 4096
#: Longest wait for requests in flight when the node stops, in seconds.
_DRAIN_S = 60


def run(home: Path, *, host: str, port: int, grace_s: float = 0.0) -> None:
    """Serve a home until SIGTERM or SIGINT, then drain: every accepted message is written and answered.

    Args:
        grace_s: how long readiness answers 503 before the sockets close, for load balancers.

    Raises SettingsError, KeyUnavailable when the home or its table of jobs is not right; OSError when the
    port is taken.
    """
    with Archive(home) as archive:  # wrong settings and keys show here, not as a server's trace
        jobs_on(archive.settings, has_verb)
    app = create_app(lambda: Archive(home))
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_DRAIN_S,
        server_header=False,
        proxy_headers=False,
        date_header=True,
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_Server(config, app, grace_s).serve())


class _Server(uvicorn.Server):
    """Ends with exit code 0 after a drain: a stop that was asked for is no failure."""

    def __init__(self, config: uvicorn.Config, app: Shortcut, grace_s: float) -> None:
        super().__init__(config)
        self._app = app
        self._grace_s = grace_s
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by the signal: readiness first, the sockets ``grace_s`` later; at once the second time."""
        node = getattr(self._app.app.state, "node", None)
        if self._loop is None or node is None or node.draining.is_set():
            self.should_exit = True
            return
        node.draining.set()
        self._loop.call_soon_threadsafe(self._loop.call_later, self._grace_s, self._exit)

    def _exit(self) -> None:
        self.should_exit = True
