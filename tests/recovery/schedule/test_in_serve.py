"""The scheduler within a real serving node."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.recovery.schedule.conftest import Node, children, lives
from tests.support.server import Server, free_port
from tests.support.waiting import wait_for

FAST = {"SCHEDULE__CHECK_INTERVAL_S": "0.2"}


def log_of(home: Path, job: str) -> str:
    path = home / "cache" / "schedule" / f"{job}.log"
    return path.read_text() if path.exists() else ""


def test_a_node_runs_what_is_due_and_keeps_serving(home: Path) -> None:
    node = Node(home, '\n[schedule.jobs.quick]\nevery = "1s"\ncommands = [["keys", "list"]]\n')
    with Server(home, settings=FAST).wait_ready() as server:
        wait_for(lambda: "exit_code" in log_of(home, "quick"), "the job runs")
        assert server.wait_ready()
        assert server.stop() == 0
    summary = json.loads(log_of(home, "quick").splitlines()[-1])
    assert (summary["result"], summary["exit_code"]) == ("ok", 0)
    (ran,) = node.events("schedule.ran")
    assert ran["job"] == "quick"


def test_a_drain_ends_the_job_and_waits_for_nothing_else(home: Path, long_job: str) -> None:
    node = Node(home, long_job)
    with Server(home, settings=FAST).wait_ready() as server:
        wait_for(lambda: bool(node.events("schedule.started")), "the lease is on record")
        wait_for(lambda: any(map(children, children(server.process.pid))), "the job runs")
        (run,) = children(server.process.pid)
        (verb,) = children(run)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 20
    assert not lives(run)
    assert not lives(verb)
    assert [event["result"] for event in node.events("schedule.ran")] == ["stopped"]


def test_a_killed_node_leaves_a_job_that_ends_by_itself_and_starts_no_second(
    home: Path, long_job: str
) -> None:
    node = Node(home, long_job.replace("'120'", "'8'"))
    with Server(home, settings=FAST).wait_ready() as server:
        wait_for(lambda: any(map(children, children(server.process.pid))), "the job runs")
        (run,) = children(server.process.pid)
        server.kill()
    assert lives(run)
    with Server(home, settings=FAST).wait_ready() as server:
        wait_for(lambda: not lives(run), "the first run is over")
        failed = node.events("schedule.failed")
        assert [event["exit_code"] for event in failed] == [10], "the server that it waited for never came"
        assert server.stop() == 0
    assert len(node.events("schedule.started")) == len(node.events("schedule.failed")) + len(
        node.events("schedule.ran")
    )


@pytest.mark.parametrize("in_serve", ["false"])
def test_a_node_that_is_told_not_to_starts_nothing(home: Path, in_serve: str) -> None:
    node = Node(home, '\n[schedule.jobs.quick]\nevery = "1s"\ncommands = [["keys", "list"]]\n')
    with Server(home, settings=FAST | {"SCHEDULE__IN_SERVE": in_serve}).wait_ready() as server:
        time.sleep(1.5)
        server.process.send_signal(signal.SIGTERM)
        assert server.wait_end() == 0
    assert node.events("schedule.started") == []


def test_a_wrong_table_is_said_before_anything_is_served(home: Path) -> None:
    node = Node(home, '\n[schedule.jobs.verfiy]\nevery = "1d"\n')
    done = node.start("serve", "--port", str(free_port()))
    try:
        out, _ = done.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        done.kill()
        raise
    assert done.returncode == 6
    assert "schedule.jobs.verfiy" in json.loads(out.splitlines()[-1])["error"]["message"]
