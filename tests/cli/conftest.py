"""A home with a real server in front of it, and a runner that calls the command as a shell would."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from vanvault.cli.main import main

Run = Callable[..., Result]

COMMAND = (sys.executable, "-m", "vanvault.cli")


def run_cli(home: Path, *arguments: object, env: dict[str, str] | None = None, input: bytes = b"") -> Result:
    """``vanvault --home HOME ARGUMENTS`` in this process; only ``env`` of our variables is seen."""
    clean = {name: None for name in os.environ if name.startswith("VANVAULT_")}
    result = CliRunner().invoke(
        main, ["--home", str(home), *map(str, arguments)], env=clean | (env or {}), input=input
    )
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def json_of(result: Result) -> Any:
    """The one JSON value on stdout of a verb that succeeded."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def lines_of(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A fresh home; ``token`` lies beside it."""
    made = json_of(run_cli(tmp_path / "home", "init", "--json"))
    (tmp_path / "token").write_text(made["token"])
    return tmp_path / "home"


@dataclass(frozen=True)
class Served:
    """A home with a running node, and the sample that was pushed to it."""

    home: Path
    url: str
    token_file: Path
    process: subprocess.Popen[bytes]

    def run(self, *arguments: object) -> Result:
        env = {"VANVAULT_URL": self.url, "VANVAULT_TOKEN_FILE": str(self.token_file)}
        return run_cli(self.home, *arguments, env=env)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_node(home: Path, port: int) -> subprocess.Popen[bytes]:
    """A node that is ready."""
    process = subprocess.Popen(
        [*COMMAND, "--home", str(home), "serve", "--port", str(port), "--json"], stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stderr and process.stderr.read().decode()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/v1/health/ready", trust_env=False).status_code == 200:
                return process
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    process.kill()
    raise AssertionError("the node did not get ready")


def stop_node(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """SIGTERM; the exit code and the log."""
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    return process.returncode, log.decode()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    made = json_of(run_cli(folder / "home", "init", "--json"))
    (folder / "token").write_text(made["token"])
    port = free_port()
    process = start_node(folder / "home", port)
    try:
        yield Served(folder / "home", f"http://127.0.0.1:{port}", folder / "token", process)
    finally:
        if process.poll() is None:
            stop_node(process)


@pytest.fixture(scope="session")
def receipts(served: Served, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Receipts of three pushed files: ``a.xml``, ``b.bin``, ``chữ ký.txt``; the files' paths under "path"."""
    folder = tmp_path_factory.mktemp("originals")
    contents = {"a.xml": b"<x>1</x>", "b.bin": bytes(range(256)) * 64, "chữ ký.txt": "đã ký".encode()}
    paths = []
    for name, content in contents.items():
        paths.append(folder / name)
        paths[-1].write_bytes(content)
    result = served.run(
        "push", *paths, "--json", "--employer-code", "TA0001A", "--insurance-number", "7900000001",
        "--insurance-number", "7900000002", "--agency", "BHXH tỉnh Khánh Hòa, 100 %",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    return [{**receipt, "path": path} for receipt, path in zip(lines_of(result), paths, strict=True)]
