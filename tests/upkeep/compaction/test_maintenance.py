"""Upkeep within a node: it works, it stops soon, and nothing that fails in it ends the node."""

from __future__ import annotations

import fcntl
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.archives import Home
from tests.support.server import Server
from tests.upkeep.compaction.homes import drafts, fill, push

from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.upkeep.periodic import Maintenance, Supervisor


def alarms(archive: Archive) -> list[dict[str, object]]:
    return archive.search.page(Query({"type": "vanvault.keeper.alarm"})).items


def test_a_look_compacts_and_keeps(home: Home) -> None:
    archive = home.archive()
    fill(home, archive)
    upkeep = Maintenance(archive)
    assert upkeep.snapshot.last_run is None
    upkeep.look()
    found = upkeep.snapshot
    assert (found.segments, found.last_error, found.last_run) == (2, "", home.clock.now())
    assert found.keeper is not None
    assert found.keeper.alarms == ()
    upkeep.look()
    assert upkeep.snapshot.segments == 2


def test_the_keeper_comes_every_few_hours(home: Home) -> None:
    upkeep = Maintenance(home.archive())
    upkeep.look()
    calls = len(home.primary.calls)
    upkeep.look()
    assert len(home.primary.calls) - calls < calls
    first = upkeep.snapshot.keeper
    home.clock.advance(timedelta(hours=7))
    upkeep.look()
    assert upkeep.snapshot.keeper is not first


def test_an_alarm_is_on_record_once_a_day(home: Home) -> None:
    archive = home.archive()
    keys = push(archive, drafts(0))
    bad = next(key for key in keys if key.endswith("messages.parquet"))
    home.clock.advance(timedelta(days=2))
    for site in home.sites.values():
        site.damage.flip(bad, 999)
    upkeep = Maintenance(archive)
    for _ in range(3):
        upkeep.look()
    assert len(alarms(archive)) == 1
    assert bad in str(alarms(archive)[0]["detail"])
    home.clock.advance(timedelta(days=1))
    upkeep.look()
    assert len(alarms(archive)) == 2
    assert upkeep.snapshot.damaged == (bad,)


def test_locks_about_to_end_are_on_record(home: Home) -> None:
    archive = home.archive()
    keys = push(archive, drafts(0))
    home.clock.advance(timedelta(days=40))
    for site in home.sites.values():
        site.damage.flip(keys[0], 999)
    upkeep = Maintenance(archive)
    upkeep.look()
    causes = {str(item["detail"]) for item in alarms(archive)}
    assert any('"cause":"lock"' in cause and keys[0] in cause for cause in causes)
    assert upkeep.snapshot.keeper is not None
    assert upkeep.snapshot.keeper.alarms


def test_a_site_that_is_away_is_an_error_and_no_end(home: Home) -> None:
    archive = home.archive()
    fill(home, archive)
    home.standby.fail_next("list", times=1_000)
    upkeep = Maintenance(archive)
    upkeep.look()
    assert "standby" in upkeep.snapshot.last_error
    home.standby.fail_next("list", times=0)
    upkeep.look()
    assert upkeep.snapshot.last_error == ""
    assert upkeep.snapshot.segments == 2


def test_a_second_process_of_the_home_is_left_in_peace(home: Home) -> None:
    archive = home.archive()
    fill(home, archive)
    with (home.path / "cache" / "compaction.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        upkeep = Maintenance(archive)
        upkeep.look()
        assert (upkeep.snapshot.segments, upkeep.snapshot.last_error) == (0, "")
    upkeep.look()
    assert upkeep.snapshot.segments == 2


@pytest.mark.timeout(60)
def test_it_stops_in_the_midst(home: Home) -> None:
    """At the next step of a compaction; what was not made is made at the next start."""
    archive = home.archive()
    fill(home, archive)
    upkeep, stop = Maintenance(archive), threading.Event()
    stop.set()
    upkeep.look(stop)
    assert (upkeep.snapshot.segments, upkeep.snapshot.last_error) == (0, "")
    supervisor = Supervisor(clock=archive.clock, stopwatch=archive.stopwatch)
    supervisor.add(Maintenance(archive).task)
    supervisor.start()
    assert supervisor.stop() == ()


def test_a_serving_node_keeps_by_itself(tmp_path: Path) -> None:
    home = tmp_path / "home"
    init_home(home)
    with Server(home, settings={"COMPACTION__CHECK_INTERVAL_S": "0.2"}) as server:
        server.wait_ready()
        assert server.stop() == 0
        assert (home / "cache" / "compaction.lock").exists()
