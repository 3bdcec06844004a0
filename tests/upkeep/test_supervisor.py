"""The supervisor: when tasks run, what a crash costs, how they stop, and what is known of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from structlog.testing import capture_logs
from tests.support.archives import PATIENCE_S
from tests.support.stepped import SteppedTime

from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.core.tasks import LONGEST_REST_S, Signal, Task, TaskStatus, rest_s
from vanvault.archiver.upkeep.periodic import Supervisor

HOUR = 3600.0


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """Traces on a console cost more than everything else here."""
    with capture_logs():
        yield


class World:
    """A supervisor in stepped time."""

    def __init__(self, *tasks: Task) -> None:
        self.time = SteppedTime()
        self.supervisor = Supervisor(clock=self.time, stopwatch=self.time, signal=self.time.signal)
        self.supervisor.add(*tasks)

    def alive(self) -> int:
        return sum(one.phase not in ("new", "ended", "crashed") for one in self.supervisor.status())

    def start(self) -> None:
        self.supervisor.start()
        self.time.settle(lambda: len(self.supervisor.status()))

    def advance(self, seconds: float) -> None:
        self.time.advance(seconds, self.alive)

    def status(self, name: str) -> TaskStatus:
        return next(one for one in self.supervisor.status() if one.name == name)


@contextmanager
def running(*tasks: Task) -> Iterator[World]:
    world = World(*tasks)
    world.start()
    try:
        yield world
    finally:
        assert world.supervisor.stop() == ()


class Rounds:
    """Counts rounds, and raises what a test says."""

    def __init__(self, name: str = "task", every_s: float = 10.0, *, at_once: bool = False) -> None:
        self.task = Task(name, self.round, every_s=every_s, at_once=at_once)
        self.at: list[float] = []
        self.error: Exception | None = None
        self.world: World | None = None

    def round(self, stop: Signal) -> None:
        self.at.append(self.world.time.seconds() if self.world else 0.0)
        if self.error is not None:
            raise self.error.with_traceback(None)


def test_a_round_comes_after_each_interval_for_hours() -> None:
    rounds = Rounds(every_s=60)
    with running(rounds.task) as world:
        assert rounds.at == []
        world.advance(8 * HOUR)
        assert len(rounds.at) == 8 * 60
        assert world.status("task").last_success == world.time.now()


def test_a_task_may_begin_at_once() -> None:
    rounds = Rounds(every_s=60, at_once=True)
    with running(rounds.task) as world:
        assert len(rounds.at) == 1
        world.advance(59)
        assert len(rounds.at) == 1
        world.advance(1)
        assert len(rounds.at) == 2


def test_a_crash_is_counted_named_and_followed_by_longer_and_longer_rests() -> None:
    rounds = Rounds(every_s=1)
    with running(rounds.task) as world:
        rounds.world, rounds.error = world, ZeroDivisionError()
        world.advance(HOUR)
        gaps = [later - earlier for earlier, later in zip(rounds.at, rounds.at[1:], strict=False)]
        assert gaps[:7] == [1, 2, 4, 8, 16, 32, 60]
        assert set(gaps[6:]) == {LONGEST_REST_S}
        found = world.status("task")
        assert (found.phase, found.error, found.has_crashed) == ("resting", "ZeroDivisionError", True)
        assert found.failures == found.crashes == len(rounds.at)
        assert found.last_success is None
        rounds.error = None
        world.advance(LONGEST_REST_S)
        found = world.status("task")
        assert (found.error, found.crashes, found.has_crashed) == ("", 0, False)
        before = len(rounds.at)
        world.advance(10)
        assert len(rounds.at) == before + 10  # the usual interval again


def test_a_site_that_is_away_is_a_failure_and_keeps_the_interval() -> None:
    rounds = Rounds(every_s=1)
    with running(rounds.task) as world:
        rounds.error = SiteUnavailable("away", site="primary", may_be_stored=False)
        world.advance(100)
        found = world.status("task")
        assert found.failures == 100
        assert not found.has_crashed


def test_one_task_that_crashes_or_hangs_keeps_no_other_from_its_rounds() -> None:
    held = threading.Event()
    bad, good = Rounds("bad", every_s=1), Rounds("good", every_s=1)
    bad.error = KeyError()
    hanging = Task("hanging", lambda stop: held.wait(PATIENCE_S), every_s=1, stop_s=0)
    world = World(bad.task, hanging, good.task)
    world.start()
    alive = world.alive
    world.time.advance(0.5, alive)
    world.time.advance(10, lambda: alive() - (world.status("hanging").phase == "running"))
    assert len(good.at) == 10
    held.set()
    assert world.supervisor.stop() == ()


def test_tasks_start_in_order_and_stop_in_the_reverse_order_with_steps_between() -> None:
    told: list[str] = []

    def life(name: str) -> Task:
        def run(stop: Signal) -> None:
            stop.wait()
            told.append(name)

        return Task(name, run)

    world = World(life("first"))
    world.supervisor.at_stop("step", lambda: told.append("step"))
    world.supervisor.add(life("second"), life("third"))
    assert [one.name for one in world.supervisor.status()] == ["first", "second", "third"]
    world.start()
    assert world.supervisor.stop() == ()
    assert told == ["third", "second", "step", "first"]
    assert {one.phase for one in world.supervisor.status()} == {"ended"}


def test_a_step_that_fails_keeps_nothing_from_stopping() -> None:
    with running(Rounds().task) as world:
        world.supervisor.at_stop("broken", lambda: 1 // 0)
    assert world.status("task").phase == "ended"


def test_a_stop_waits_no_longer_than_it_may_and_names_what_is_left() -> None:
    held, began = threading.Event(), threading.Event()

    def hang(stop: Signal) -> None:
        began.set()
        held.wait(PATIENCE_S)

    last: list[float] = []
    world = World(Task("early", lambda stop: stop.wait()), Task("hanging", hang, stop_s=5))
    world.supervisor.start()
    assert began.wait(PATIENCE_S)
    late: list[tuple[str, ...]] = []

    def stop() -> None:
        late.append(world.supervisor.stop(last_s=20))
        last.append(world.time.seconds())

    stopping = threading.Thread(target=stop)
    stopping.start()
    # Who stops waits 5 s for "hanging", then asks "early", which ends; 20 s are left for what did not end.
    world.time.pass_until(5)
    world.time.pass_until(25)
    assert world.status("early").phase == "ended"
    stopping.join(PATIENCE_S)
    assert late == [("hanging",)]
    assert last == [25.0]
    held.set()


def test_a_lasting_task_begins_again_after_a_crash_unless_it_must_not() -> None:
    lives: list[str] = []

    def fragile(stop: Signal) -> None:
        lives.append("fragile")
        if len(lives) < 3:
            raise ZeroDivisionError
        stop.wait()

    def final(stop: Signal) -> None:
        raise ZeroDivisionError

    world = World(Task("fragile", fragile), Task("final", final, restart=False))
    world.supervisor.start()
    world.advance(1)
    world.advance(2)
    assert len(lives) == 3
    assert world.status("final").phase == "crashed"
    assert world.status("final").has_crashed
    assert world.supervisor.stop() == ()
    assert world.status("fragile").phase == "ended"


def test_what_wakes_a_task_that_waits_elsewhere_is_called() -> None:
    elsewhere = threading.Event()
    task = Task("waits", lambda stop: elsewhere.wait(PATIENCE_S), ask=elsewhere.set)
    world = World(task)
    world.supervisor.start()
    assert world.supervisor.stop() == ()


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="task"):
        World(Rounds().task, Rounds().task)


def test_a_supervisor_that_never_started_stops() -> None:
    assert World(Rounds().task).supervisor.stop() == ()


class Supervised(RuleBasedStateMachine):
    """Two periodic tasks that fail, crash and work as told, while time passes; a model counts along."""

    @initialize(every_s=st.tuples(st.sampled_from([1.0, 7.0, 90.0]), st.sampled_from([2.0, 60.0])))
    def begin(self, every_s: tuple[float, float]) -> None:
        self.rounds = [Rounds(f"task-{n}", every_s=seconds) for n, seconds in enumerate(every_s)]
        self.world = World(*(one.task for one in self.rounds))
        self.next_at = list(every_s)
        self.crashes, self.failures, self.counts = [0, 0], [0, 0], [0, 0]
        self.world.start()
        self.stopped = False

    @precondition(lambda self: not self.stopped)
    @rule(n=st.sampled_from([0, 1]), error=st.sampled_from(["", "away", "bug"]))
    def meets(self, n: int, error: str) -> None:
        errors = {
            "": None,
            "away": SiteUnavailable("away", site="primary", may_be_stored=False),
            "bug": ZeroDivisionError(),
        }
        self.rounds[n].error = errors[error]

    @rule(seconds=st.sampled_from([0.5, 1.0, 13.0, 61.0, 600.0]))
    def passes(self, seconds: float) -> None:
        end = -1.0 if self.stopped else self.world.time.seconds() + seconds
        for n, one in enumerate(self.rounds):
            while self.next_at[n] <= end:
                self.counts[n] += 1
                bug = isinstance(one.error, ZeroDivisionError)
                self.crashes[n] = self.crashes[n] + 1 if bug else 0
                self.failures[n] += one.error is not None
                status = TaskStatus(one.task.name, crashes=self.crashes[n])
                self.next_at[n] += rest_s(one.task, status)
        self.world.advance(seconds)

    @precondition(lambda self: not self.stopped)
    @rule()
    def stops(self) -> None:
        assert self.world.supervisor.stop() == ()
        self.stopped = True

    @invariant()
    def rounds_and_status_are_as_the_model_says(self) -> None:
        if not hasattr(self, "world"):
            return
        for n, one in enumerate(self.rounds):
            found = self.world.status(one.task.name)
            assert (len(one.at), found.failures) == (self.counts[n], self.failures[n])
            assert found.crashes == self.crashes[n]
            if self.stopped:
                assert found.phase == "ended"
            else:
                assert found.has_crashed == (self.crashes[n] > 0)

    def teardown(self) -> None:
        if hasattr(self, "world") and not self.stopped:
            assert self.world.supervisor.stop() == ()


TestSupervised = Supervised.TestCase
