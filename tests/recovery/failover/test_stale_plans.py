"""Plans that somebody looked at for too long: they are refused, and no hook moves an address."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.failover.test_old_writer import Pair
from tests.recovery.test_partitions import Link
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Conflict
from vanvault.archiver.journal import EventType, own_events
from vanvault.recovery.failover import FailoverResult, current_plan, promote
from vanvault.recovery.failover.failover import conclude_failback, level
from vanvault.recovery.verified import Subset


@pytest.fixture
def moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that a hook makes."""
    file = tmp_path / "moved"
    for action in ("PROMOTE", "FAILBACK"):
        monkeypatch.setenv(f"VANVAULT_FAILOVER__{action}_HOOK", json.dumps(["touch", str(file)]))
    return file


@pytest.fixture
def pair(tmp_path: Path, moved: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setenv("VANVAULT_HEALTH__BACK_S", "0")
    with closing(Pair(tmp_path)) as made:
        yield made


class Meddled(Link):
    """Calls what ``before_write`` was given, once, before the next write that goes through it."""

    def __init__(self, site: Any) -> None:
        super().__init__(site)
        self._meddle: Callable[[], object] | None = None

    def before_write(self, meddle: Callable[[], object]) -> None:
        self._meddle = meddle

    def __getattr__(self, name: str) -> Any:
        if name == "put" and self._meddle is not None:
            meddle, self._meddle = self._meddle, None
            meddle()
        return super().__getattr__(name)


def go_ahead(archive: Archive, *steps: str) -> FailoverResult:
    """What one person does in a row, each step with a plan of its moment."""
    for step in steps:
        archive.refresh()
        if step == "promote":
            done = promote(archive, current_plan(archive, action=step), reason="x", who="b")
        else:
            leveled = level(archive, Subset(), pause=lambda: None)
            plan = current_plan(archive, action=step)
            done = conclude_failback(archive, plan, leveled, reason="x", who="b", unlevel=False)
    return done


def epochs(archive: Archive, type: str) -> list[int]:
    archive.refresh()
    return [event.detail["epoch"] for event in own_events(archive.search, type, order="oldest")]


def test_a_stale_promotion(pair: Pair, moved: Path) -> None:
    slow, quick = pair.new.home.archive(), pair.old.home.archive()
    slow.refresh()
    plan = current_plan(slow, action="promote")
    assert go_ahead(quick, "promote", "failback").plan.epoch == 2
    moved.unlink()
    with pytest.raises(Conflict, match=r"out of date: .* primary leads since epoch 2") as refused:
        promote(slow, plan, reason="x", who="a")
    assert "again" in refused.value.hint
    assert epochs(slow, EventType.FAILOVER_PROMOTED) == [1]
    assert (slow.lead.leadership.epoch, moved.exists()) == (2, False)


def test_a_stale_failback(pair: Pair, moved: Path) -> None:
    slow, quick = pair.new.home.archive(), pair.old.home.archive()
    go_ahead(quick, "promote")
    slow.refresh()
    plan = current_plan(slow, action="failback")
    leveled = level(slow, Subset(), pause=lambda: None)
    assert go_ahead(quick, "failback", "promote").plan.epoch == 3
    moved.unlink()
    with pytest.raises(Conflict, match=r"out of date: .* standby leads since epoch 3"):
        conclude_failback(slow, plan, leveled, reason="x", who="a", unlevel=False)
    assert epochs(slow, EventType.FAILOVER_FAILED_BACK) == [2]
    assert (slow.lead.leadership.epoch, moved.exists()) == (3, False)


def test_a_step_that_is_overtaken_while_it_is_written(pair: Pair, moved: Path) -> None:
    """Its event is archived and holds for nobody; the address stays where the leader is."""
    standby = Meddled(pair.sites["standby"])
    sites: dict[str, Any] = {**pair.sites, "standby": standby}
    slow, quick = pair.new.home.archive(sites), pair.old.home.archive()
    slow.refresh()
    plan = current_plan(slow, action="promote")

    def meddle() -> None:
        go_ahead(quick, "promote", "failback")
        moved.unlink()

    standby.before_write(meddle)
    with pytest.raises(Conflict, match=r"does not hold: .* primary leads since epoch 2") as refused:
        promote(slow, plan, reason="x", who="a")
    assert "No hook was run" in refused.value.hint
    assert epochs(slow, EventType.FAILOVER_PROMOTED) == [1, 1]
    assert (slow.lead.leadership.epoch, slow.lead.leadership.alone, moved.exists()) == (2, False, False)


def test_a_plan_outlasts_time_and_entries(pair: Pair, moved: Path) -> None:
    slow, quick = pair.new.home.archive(), pair.old.home.archive()
    slow.refresh()
    plan = current_plan(slow, action="promote")
    pair.old.home.clock.advance(timedelta(hours=20))
    quick.record("test.noted", {})
    done = promote(slow, plan, reason="x", who="a")
    assert (done.plan.id, done.plan.epoch, moved.exists()) == (plan.id, 1, True)
