"""``since`` of a condition stands still, from one look to the next and from one process to the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.lab import Lab
from vanvault.recovery.conditions import CONDITIONS, ConditionWatch, FirstSeen
from vanvault.recovery.conditions.judge import Condition
from vanvault.recovery.status import status

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)


def condition(name: str, since: datetime = NOW) -> Condition:
    return Condition(CONDITIONS[name], since, "it is so")


def test_another_process_knows_it_until_it_is_over(tmp_path: Path) -> None:
    path = tmp_path / "conditions.json"
    FirstSeen(path).remember([condition("job-wrong"), condition("sites-together")], NOW)
    assert FirstSeen(path).known(LATER) == {"job-wrong": NOW, "sites-together": NOW}
    FirstSeen(path).remember([condition("sites-together")], LATER)
    assert FirstSeen(path).known(LATER) == {"sites-together": NOW}


def test_the_earliest_time_that_anybody_saw_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "conditions.json"
    early = FirstSeen(path)
    early.remember([condition("job-wrong")], NOW)
    path.unlink()
    FirstSeen(path).remember([condition("job-wrong", LATER)], LATER)
    assert early.known(LATER) == {"job-wrong": NOW}


def test_what_a_look_cannot_see_is_not_over(tmp_path: Path) -> None:
    path = tmp_path / "conditions.json"
    FirstSeen(path).remember([condition("set-aside")], NOW)
    FirstSeen(path).remember([], LATER, ["set-aside"])
    assert FirstSeen(path).known(LATER) == {"set-aside": NOW}


def test_a_time_to_come_is_none(tmp_path: Path) -> None:
    path = tmp_path / "conditions.json"
    FirstSeen(path).remember([condition("job-wrong", LATER)], LATER)
    assert FirstSeen(path).known(NOW) == {}


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b'{"job-wrong": 7}', b'{"job-wrong": "yesterday"}', b'{"nobody": "x"}', b" " * 70_000],
)
def test_a_damaged_file_is_done_without_and_made_anew(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "conditions.json"
    path.write_bytes(data)
    memory = FirstSeen(path)
    assert memory.known(NOW) == {}
    memory.remember([condition("job-wrong")], NOW)
    assert FirstSeen(path).known(LATER) == {"job-wrong": NOW}


def test_where_nothing_can_be_written_a_process_remembers_by_itself(tmp_path: Path) -> None:
    memory = FirstSeen(tmp_path / "absent" / "conditions.json")
    memory.remember([condition("job-wrong")], NOW)
    assert memory.known(LATER) == {"job-wrong": NOW}


def test_status_and_the_watch_of_a_node_tell_the_same_time_whenever_they_look(lab: Lab) -> None:
    def by_status() -> dict[str, datetime]:
        lab.clock.moment += timedelta(hours=1)
        with lab.open() as archive:
            return {one.id: one.since for one in status(archive).conditions}

    first = by_status()
    assert "sites-together" in first
    assert by_status() == first
    with lab.open() as archive:
        archive.catch_up()
        watch = ConditionWatch(archive, opened=lambda: True, lock_alarms=lambda: 0)
        watch.look()
        found = {one.id: one.since for one in watch.last or ()}
    assert found["sites-together"] == first["sites-together"]
    assert by_status() == first
