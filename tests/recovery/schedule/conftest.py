"""Homes with tiny tables of jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import json_of, run_cli
from tests.support.server import free_port
from tests.support.waiting import wait_for

#: Longest wait for what a loaded machine does slowly, in seconds.
PATIENCE_S = 60.0


class Node:
    """A home and its table of jobs."""

    def __init__(self, home: Path, jobs: str = "") -> None:
        self.home = home
        with (home / "vanvault.toml").open("a") as settings:
            settings.write(jobs)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "vanvault.cli", "--home", str(self.home), *arguments, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def events(self, kind: str) -> list[dict[str, object]]:
        """Details of the archive's own events of a type, newest first."""
        from vanvault.archiver.appliance import Archive
        from vanvault.archiver.journal import own_events

        with Archive.open(self.home) as archive:
            archive.catch_up()
            return [event.detail for event in own_events(archive.search, kind)]


def children(process: int) -> list[int]:
    """Processes that it started and that live."""
    return [
        int(child)
        for task in Path(f"/proc/{process}/task").glob("*/children")
        for child in task.read_text().split()
    ]


def verb_of(run: subprocess.Popen[str]) -> int:
    """The process of the verb that a run started, once there is one."""
    wait_for(lambda: children(run.pid), "the verb starts")
    return children(run.pid)[0]


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = json_of(run_cli(tmp_path / "home", "init", "--json"))
    (tmp_path / "token").write_text(made["token"])
    (tmp_path / "file").write_text("<x/>")
    return tmp_path / "home"


@pytest.fixture
def long_job(tmp_path: Path) -> str:
    """A job that waits for two minutes for a server that never comes."""
    url = f"http://127.0.0.1:{free_port()}"
    file, token = str(tmp_path / "file"), str(tmp_path / "token")
    words = ["push", file, "--url", url, "--token-file", token, "--wait", "120"]
    return f'\n[schedule.jobs.long]\nevery = "1s"\ndeadline = "2m"\ncommands = [{words!r}]\n'


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    """What a test starts; ended with it."""
    found: list[subprocess.Popen[str]] = []
    yield found
    for process in found:
        for child in children(process.pid) if process.poll() is None else []:
            os.kill(child, signal.SIGKILL)
        process.kill()
        process.communicate()
