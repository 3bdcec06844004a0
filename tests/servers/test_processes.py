"""Servers never outlive the run that started them, and a missing one is loud."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers import fixtures
from tests.servers.processes import Processes, ServerUnavailable, free_ports, wait_until


def is_running(pid: int) -> bool:
    """Alive, and not just waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_run_takes_its_servers_along(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from tests.servers.processes import Processes;"
        "p = Processes(Path(sys.argv[1])); p.start(['sleep', '60']); print(p.running[0].pid, flush=True);"
        "time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as run:
        assert run.stdout is not None
        child = int(run.stdout.readline())
        wait_until(
            lambda: Path(f"/proc/{child}/comm").read_text() == "sleep\n", "exec", Processes(tmp_path), 10
        )
        run.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


def test_stop_ends_every_process(tmp_path: Path) -> None:
    processes = Processes(tmp_path / "log")
    for _ in range(2):
        processes.start(["sleep", "60"])
    pids = [process.pid for process in processes.running]
    processes.stop()
    assert not any(is_running(pid) for pid in pids)


def test_a_process_that_ends_by_itself_is_reported_with_its_log(tmp_path: Path) -> None:
    processes = Processes(tmp_path / "log")
    processes.start(["sh", "-c", "echo no such disk; exit 3"])
    with pytest.raises(ServerUnavailable, match=r"ended with 3:\n(.|\n)*no such disk"):
        wait_until(lambda: False, "nothing", processes, 20)


def test_waiting_has_an_end(tmp_path: Path) -> None:
    with pytest.raises(ServerUnavailable, match="the moon"):
        wait_until(lambda: False, "the moon", Processes(tmp_path / "log"), 0.2)


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20


class Lines:
    def __init__(self) -> None:
        self.text: list[str] = []

    def section(self, title: str, sep: str = "=", **markup: bool) -> None:
        self.text.append(title)

    def line(self, msg: str, **markup: bool) -> None:
        self.text.append(msg)


def test_a_missing_server_is_said_at_the_end_and_can_be_made_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(folder: Path) -> None:
        raise ServerUnavailable("no compiler here\nand more")

    monkeypatch.setattr(fixtures, "missing", {})
    monkeypatch.delenv(fixtures.REQUIRE, raising=False)
    with pytest.raises(pytest.skip.Exception):
        next(fixtures.running("MinIO", start, tmp_path))
    lines = Lines()
    fixtures.summarise(lines)
    assert lines.text == ["SERVERS THAT COULD NOT BE HAD", "NOT TESTED on MinIO: no compiler here"]
    monkeypatch.setenv(fixtures.REQUIRE, "1")
    with pytest.raises(pytest.fail.Exception):
        next(fixtures.running("MinIO", start, tmp_path))


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_missing_server_is_said_by_a_run_of_several_processes_too(tmp_path: Path, processes: str) -> None:
    test = tmp_path / "test_one.py"
    test.write_text(
        "from tests.servers import fixtures\ndef test() -> None:\n    fixtures.unavailable('Moon', 'far')\n"
    )
    command = [sys.executable, "-m", "pytest", "-n", processes, "-p", "tests.servers.fixtures"]
    command += ["-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(test)]
    environment = {name: value for name, value in os.environ.items() if name != fixtures.REQUIRE}
    done = subprocess.run(
        command,
        env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "NOT TESTED on Moon: far" in done.stdout.splitlines()


def test_nothing_is_said_when_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixtures, "missing", {})
    lines = Lines()
    fixtures.summarise(lines)
    assert lines.text == []
