"""A real server that is killed: the ledger says how long it was down, whatever was lost with it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.command import vanvault
from tests.support.server import Server

from vanvault.archiver.appliance import init_home

SETTINGS = {"AVAILABILITY__HEARTBEAT_INTERVAL_S": "4"}


def total(home: Path) -> dict[str, float]:
    found: dict[str, Any] = vanvault(home, "availability", "report")
    down = sum(month["planned_s"] + month["unplanned_s"] for month in found["months"])
    assert down == pytest.approx(found["used_s"])
    sums: dict[str, float] = found["total"]
    return sums


@pytest.mark.parametrize("disk_lost", [False, True])
def test_killed_and_started_again(tmp_path: Path, disk_lost: bool) -> None:
    home = tmp_path / "home"
    init_home(home)
    with Server(home, settings=SETTINGS) as server:
        server.wait_ready()
        time.sleep(6)
        server.kill()
    killed = time.monotonic()
    if disk_lost:
        shutil.rmtree(home / "cache")
    time.sleep(6)
    with Server(home, settings=SETTINGS) as server:
        server.wait_ready()
        down = time.monotonic() - killed
        time.sleep(4)
        found = total(home)
        assert vanvault(home, "availability", "report")["provisional"]["seconds"] >= 0
        assert server.stop() == 0
    assert vanvault(home, "availability", "report")["provisional"] is None, "the node said that it ended"
    # To the second with the node's disk; without it, to the last entry in the archive.
    # (A loaded machine may be some seconds late with either.)
    assert down - 3 <= found["unplanned_s"] <= down + (9 if disk_lost else 5)
    assert found["up_s"] >= 3
    assert (found["planned_s"], found["degraded_s"]) == (0, 0)


def test_a_stop_within_an_announced_window_is_planned(tmp_path: Path) -> None:
    home = tmp_path / "home"
    init_home(home)
    with Server(home, settings=SETTINGS) as server:
        server.wait_ready()
        time.sleep(2)
        asked = time.time()
        assert vanvault(home, "availability", "window", "list")["windows"] == []
        took = time.time() - asked
        begin = time.time() + 3 + 4 * took  # whatever a command takes on this machine, the window is later
        times = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin + more)) for more in (0, 3600)]
        window = vanvault(
            home, "availability", "window", "add", "--from", times[0], "--to", times[1], "--reason", "upgrade"
        )
        listed = vanvault(home, "availability", "window", "list")["windows"]
        assert [(found["window"], found["reason"]) for found in listed] == [(window["window"], "upgrade")]
        time.sleep(max(0.0, begin + 1 - time.time()))
        assert server.stop() == 0
    time.sleep(3)
    found = total(home)
    assert found["planned_s"] >= 2.5
    assert found["unplanned_s"] <= 2
    vanvault(home, "availability", "window", "cancel", window["window"], "--reason", "done early")
    assert vanvault(home, "availability", "window", "list")["windows"] == []
    time.sleep(2)
    later = total(home)
    assert later["unplanned_s"] >= found["unplanned_s"] + 1  # what comes after the cancellation


def test_a_note_from_outside_counts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    init_home(home)
    with Server(home, settings=SETTINGS) as server:
        server.wait_ready()
        time.sleep(3)
        vanvault(home, "availability", "note", "down", "--source", "probe-hanoi", "--valid", "1")
        time.sleep(2)
        found = total(home)
        assert server.stop() == 0
    assert 0.9 <= found["unplanned_s"] <= 1.1
