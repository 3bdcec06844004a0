"""A restore that counts its 8 hours from the incident."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta

import pytest

from tests.support.clocks import ManualClock
from tests.support.command import run_cli
from tests.support.lab import Lab
from vanvault.recovery.restore.deadline import LIMIT, Deadline, Pace
from vanvault.recovery.work import Extent, silent


class Paced:
    """A restore of 100 objects of 1,000 bytes that takes ``each`` for one; what it was warned of."""

    def __init__(self, each: timedelta, incident_before: timedelta) -> None:
        clock = ManualClock()
        self.ends: list[datetime] = []
        self.deadline = Deadline(clock.now() - incident_before)
        self.done = 0
        pace = Pace(self.count, self.deadline, Extent(100, 100_000), clock, self.ends.append)
        self.began = clock.now()
        for _ in range(100):
            clock.advance(each)
            pace(1, 1000)

    def count(self, items: int = 1, size: int = 0) -> None:
        self.done += items


def test_in_time_there_is_no_alarm() -> None:
    found = Paced(timedelta(minutes=4), timedelta(hours=1))
    assert (found.ends, found.done) == ([], 100)


def test_a_late_end_is_an_alarm_from_the_first_look_on() -> None:
    found = Paced(timedelta(minutes=4), timedelta(hours=2))
    assert found.ends[0] == found.began + timedelta(minutes=400)
    assert all(not found.deadline.met_by(end) for end in found.ends)
    assert found.done == 100


def test_the_alarm_comes_once_a_minute_and_not_in_the_first_seconds() -> None:
    found = Paced(timedelta(seconds=1), LIMIT)
    assert len(found.ends) == 2  # of 100 seconds: after 5, and a minute later


def test_nothing_done_is_no_pace() -> None:
    clock = ManualClock()
    pace = Pace(silent, Deadline(clock.now()), Extent(1, 5), clock, print)
    assert pace.expected_end(clock.now()) is None


@pytest.mark.parametrize(("hours", "in_time"), [(1, True), (9, False)])
def test_the_verb_tells_the_deadline(lab: Lab, hours: int, in_time: bool) -> None:
    shutil.rmtree(lab.root("standby"))
    with lab.open() as archive:
        archive.sites["primary"].now()
    incident = (datetime.now().astimezone() - timedelta(hours=hours)).isoformat(timespec="seconds")
    arguments = ["restore", "--from", "primary", "--incident", incident, "--json"]
    plan = run_cli(lab.home, *arguments, "--dry-run")
    planned = json.loads(plan.stdout)
    assert planned["estimated_seconds"] is None
    assert planned["in_time"] is (None if in_time else False)
    result = run_cli(lab.home, *arguments, "--no-verify")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["whole"], found["in_time"]) == (0, True, in_time)
    assert ("LATE" in result.stderr) == (not in_time)
    # Now a rate is on record, and the same plan has a duration.
    again = json.loads(run_cli(lab.home, *arguments, "--dry-run").stdout)
    assert again["estimated_seconds"] == 0
    assert again["deadline"] == found["deadline"]


def test_without_an_incident_there_is_no_deadline(lab: Lab) -> None:
    found = json.loads(run_cli(lab.home, "restore", "--from", "primary", "--dry-run", "--json").stdout)
    assert (found["incident"], found["deadline"], found["in_time"]) == (None, None, None)


def test_an_incident_is_a_time(lab: Lab) -> None:
    assert run_cli(lab.home, "restore", "--from", "primary", "--incident", "noon", "--json").exit_code == 2
