"""A home with a real server in front of it, and a runner that calls the command as a shell would."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result

from tests.servers.processes import bound
from tests.support.command import COMMAND, json_of, lines_of, run_cli
from tests.support.server import free_port
from tests.support.waiting import PATIENCE_S, wait_for


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


def start_node(home: Path, port: int) -> subprocess.Popen[bytes]:
    """A node that is ready."""
    process = subprocess.Popen(
        bound([*COMMAND, "--home", str(home), "serve", "--port", str(port), "--json"]), stderr=subprocess.PIPE
    )

    def ready() -> bool:
        assert process.poll() is None, process.stderr and process.stderr.read().decode()
        try:
            return httpx.get(f"http://127.0.0.1:{port}/v1/health/ready", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_for(ready, "the node gets ready")
    except AssertionError:
        process.kill()
        raise
    return process


def stop_node(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """SIGTERM; the exit code and the log."""
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=PATIENCE_S)
    return process.returncode, log.decode()


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """A new home in this folder, and a node of it that runs."""
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
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(scope="session")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A home of its own, whose node took some transactions, of which some have succeeded."""
    with serving(tmp_path_factory.mktemp("sampled")) as found:
        sizes = ("--count", 12, "--size", 10_000, "--seed", 17)
        pushed = found.run("sample", "--push", found.url, *sizes, "--json")
        assert pushed.exit_code == 0, pushed.stderr
        yield found


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
