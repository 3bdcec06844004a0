"""A real server in a process of its own, on a free port of the loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import httpx

from tests.servers.processes import bound
from tests.support.nursery import Child, begin
from tests.support.waiting import PATIENCE_S, PAUSE_S, wait_for


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _begin(
    command: Sequence[str], environment: Mapping[str, str], log: BinaryIO
) -> Child | subprocess.Popen[bytes]:
    """A fork of a loaded process; where a library must be loaded first (a clock), a Python of its own."""
    if command[0] == "-m" and "LD_PRELOAD" not in environment:
        return begin(command[1], command[2:], environment=environment, out=log.fileno(), err=log.fileno())
    return subprocess.Popen(
        bound([sys.executable, *command]), stdout=log, stderr=subprocess.STDOUT, env=dict(environment)
    )


class Server:
    """``vanvault serve`` of a home; ends with the block, killed if it must be."""

    def __init__(
        self, home: Path, *, settings: Mapping[str, str] | None = None, program: Sequence[str] | None = None
    ) -> None:
        """``settings``: such as ``INTAKE__LINGER_MS``, with {port} for this server's.

        ``program`` replaces the command, for fault points.
        """
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home.parent / f"server-{self.port}.log"
        command = program or ("-m", "vanvault.cli", "--home", str(home), "serve", "--port", str(self.port))
        environment = {
            **os.environ,
            **{
                f"VANVAULT_{name}": value.replace("{port}", str(self.port))
                for name, value in (settings or {}).items()
            },
        }
        with self.log.open("wb") as log:
            self.process = _begin([part.format(port=self.port) for part in command], environment, log)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.kill()

    def wait_ready(self) -> Self:
        """Until it accepts. Fails when it ends or does not come up."""
        until = time.monotonic() + PATIENCE_S
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            while time.monotonic() < until:
                assert self.process.poll() is None, self.log.read_text(errors="replace")[-4000:]
                try:
                    if client.get("/v1/health/ready", timeout=5).status_code == 200:
                        return self
                except httpx.TransportError:
                    pass
                time.sleep(PAUSE_S)
        raise AssertionError(f"not ready: {self.log.read_text(errors='replace')[-4000:]}")

    def stop(self) -> int:
        """SIGTERM, and the exit code after the drain."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        """SIGKILL: no drain, no last words."""
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def wait_end(self) -> int:
        """The exit code, once it has ended by itself."""
        return self.process.wait(PATIENCE_S)

    @contextmanager
    def client(self, token: str) -> Iterator[httpx.Client]:
        """A client of one gateway, with connections of its own."""
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False) as client:
            yield client


def push(client: httpx.Client, message_id: str, body: bytes, **headers: str) -> httpx.Response:
    """One message, as any client would push it."""
    known = {name: value.encode() for name, value in headers.items()}
    return client.post(
        "/v1/messages", content=body, headers={"Vanvault-Message-Id": message_id.encode(), **known}
    )


def push_until_accepted(client: httpx.Client, message_id: str, body: bytes) -> httpx.Response:
    """As a patient gateway: the same again while the node answers 503; the first other answer."""
    answers: list[httpx.Response] = []

    def accepted() -> bool:
        answers[:] = [push(client, message_id, body)]
        return answers[0].status_code != 503

    wait_for(accepted, f"the node accepts {message_id}")
    return answers[0]
