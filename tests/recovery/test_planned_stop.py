"""A node that is stopped on purpose: the downtime is on record before it begins, and counts as planned."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.archives import Home
from tests.support.command import vanvault
from tests.support.server import Server
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.errors import InvalidInput, SiteUnavailable
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.journal.availability import read_windows
from vanvault.recovery.availability import (
    PlannedStop,
    announce_from_now,
    announce_window,
    running_here,
    running_nodes,
    stop_nodes,
)

PLANNED = PlannedStop("new disks", timedelta(minutes=30), "operator")


def counted(home: Home) -> list[timedelta]:
    archive = home.archive()
    archive.catch_up()
    return [
        timedelta(microseconds=end - start)
        for start, end in (window.counts_us for window in read_windows(archive.search))
    ]


def test_a_window_from_now_on_is_on_record_before_it_begins_and_counts_whole(home: Home) -> None:
    detail = announce_from_now(home.archive(), PLANNED.lasts, reason="new disks", who="operator")
    assert parse_rfc3339(str(detail["from"])) > home.clock.now()
    assert counted(home) == [PLANNED.lasts]


def test_it_counts_whole_too_where_another_nodes_clock_is_a_little_ahead(home: Home) -> None:
    """What was archived last is later than now, by less than clocks may differ, and so is the next row."""
    home.clock.advance(timedelta(seconds=50))
    home.archive().record("test.ahead", {})
    home.clock.advance(timedelta(seconds=-50))
    announce_from_now(home.archive(), PLANNED.lasts, reason="new disks", who="operator")
    assert counted(home) == [PLANNED.lasts]


def test_a_window_whose_beginning_passed_while_it_waited_for_a_site_is_not_announced(home: Home) -> None:
    archive, now = home.archive(), home.clock.now()

    def site_is_slow(*_: object) -> None:
        home.clock.advance(timedelta(minutes=2))

    catch_up = archive.catch_up
    archive.catch_up = lambda **options: (site_is_slow(), catch_up(**options))[1]  # type: ignore[method-assign]
    with pytest.raises(InvalidInput, match="announced before it begins"):
        announce_window(
            archive,
            now + timedelta(minutes=1),
            now + timedelta(minutes=31),
            reason="late",
            who="operator",
        )
    assert counted(home) == []


def test_only_processes_that_hold_the_file_are_nodes(tmp_path: Path) -> None:
    assert running_nodes(tmp_path) == []
    with running_here(tmp_path):
        assert running_nodes(tmp_path) == [os.getpid()]
    assert running_nodes(tmp_path) == []
    left = tmp_path / "nodes" / str(os.getpid())  # of a process with the same id, killed before a restart
    left.touch()
    assert running_nodes(tmp_path) == []
    assert not left.exists()


def test_a_stop_of_no_node_announces_nothing(home: Home) -> None:
    done = stop_nodes(home.path, PLANNED, open_archive=lambda path: home.archive(), wait_s=1)
    assert (done.stopped, done.left, done.window, done.exit_code) == ((), (), None, 0)
    assert counted(home) == []


def test_a_node_is_not_stopped_while_its_downtime_cannot_go_on_record(home: Home) -> None:
    """The signal would end this very process."""
    stopped: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    try:
        with running_here(home.path):
            home.standby.fail_next("put", times=100)
            with pytest.raises(SiteUnavailable):
                stop_nodes(home.path, PLANNED, open_archive=lambda path: home.archive(), wait_s=0)
            assert stopped == []
            home.standby.fail_next("put", times=0)
            done = stop_nodes(
                home.path,
                PLANNED,
                open_archive=lambda path: home.archive(),
                wait_s=0,
                sleep=lambda seconds: home.clock.advance(timedelta(seconds=seconds)),
            )
            assert stopped == [signal.SIGTERM]
            assert done.window is not None
            assert to_us(parse_rfc3339(str(done.window["from"]))) <= to_us(home.clock.now())
            assert (done.left, done.exit_code) == ((os.getpid(),), 3)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_vanvault_stop_makes_the_downtime_of_a_real_node_planned(tmp_path: Path) -> None:
    home = tmp_path / "home"
    init_home(home)
    with Server(home) as server:
        server.wait_ready()
        done = vanvault(home, "stop", "--reason", "new disks", "--for", "30m")
        assert len(done["stopped"]) == 1
        assert done["still_running"] == []
        assert server.stop() == 0
    again = vanvault(home, "stop", "--reason", "new disks", "--for", "30m")
    assert (again["stopped"], again["window"]) == ([], None)
    time.sleep(1.1)  # some downtime, however short, to be counted
    total = vanvault(home, "availability", "report")["total"]
    assert total["planned_s"] >= 1
    assert total["unplanned_s"] == 0
