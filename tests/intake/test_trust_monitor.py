"""What a running node is held for, for how long, and what never ends its threads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar, cast

import pytest

from tests.support.archives import Home, Node, message
from tests.support.clocks import ManualClock
from tests.support.memory_site import Call, MemorySite
from tests.support.waiting import PATIENCE_S, wait_for
from vanvault.archiver.appliance.places import hot_tail_of
from vanvault.archiver.core.errors import Busy, SiteUnavailable, VanVaultError
from vanvault.archiver.core.ports import ClockStopwatch
from vanvault.archiver.intake.committer import Committer
from vanvault.archiver.intake.trust_monitor import TrustChecks, TrustMonitor

Result = TypeVar("Result")
DOUBT = SiteUnavailable("the clocks do not agree", site="host", may_be_stored=False)


def times(site: MemorySite, operation: str) -> int:
    return sum(call.operation == operation for call in site.calls)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANVAULT_CLOCK__CHECK_INTERVAL_S", "0.05")


class FreezingSite(MemorySite):
    """While ``frozen``, calls hang until the client gives up; ``asked`` counts them."""

    def __init__(self, home: Home, name: str, gives_up_s: float) -> None:
        super().__init__(name, clock=home.clock)
        self.frozen = False
        self.asked = threading.Semaphore(0)
        self._gives_up_s = gives_up_s

    def call(self, call: Call, effect: Callable[[], Result]) -> Result:
        if self.frozen:
            self.asked.release()
            threading.Event().wait(self._gives_up_s)
            raise SiteUnavailable(f"{self.site} gives no answer", site=self.site, may_be_stored=True)
        return super().call(call, effect)


@pytest.mark.usefixtures("quick")
def test_a_site_that_cannot_be_listed_holds_nothing(home: Home) -> None:
    with Node(home.archive()) as node:
        node.wait_ready()
        home.primary.fail_next("list", times=1_000_000)
        before = times(home.primary, "now")
        wait_for(lambda: times(home.primary, "now") > before + 8)  # checks go on
        assert node.intake.committer.held is None
        node.push(message("m-1", b"<taken/>"))
        home.primary.fail_next("list", times=0)


@pytest.mark.usefixtures("quick")
def test_a_check_that_began_before_a_site_was_given_up_holds_nothing_afterwards(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANVAULT_SITES__FALL_BACK", "true")
    site = home.sites["primary"] = FreezingSite(home, "primary", gives_up_s=0.6)
    archive = home.archive()
    archive.readable.patience_s = 0.05
    with Node(archive) as node:
        node.wait_ready()
        site.frozen = True
        for _ in range(2):
            assert site.asked.acquire(timeout=PATIENCE_S)
        archive.health.take_out("primary", "it hangs")
        node.push(message("m-1", b"<given up/>"))
        late = threading.Event()
        while not late.wait(0.05) and times(home.standby, "now") < 16:
            assert node.intake.committer.held is None
        site.frozen = False


@pytest.mark.usefixtures("quick")
def test_a_catch_up_that_needs_every_site_waits_for_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies at one site only may be this node's own, on its way: nothing of it is acknowledged yet."""
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        assert archive.refresh(whole=True).away == ()
        home.primary.fail_next("now", times=1)
        with pytest.raises(SiteUnavailable):
            archive.refresh(whole=True)
        assert not archive.policy.may_degrade()
    monkeypatch.setenv("VANVAULT_SITES__POLICY", "any")
    home.primary.fail_next("now", times=1)
    assert home.archive().refresh(whole=True).away == ("primary",)


@pytest.mark.usefixtures("quick")
def test_a_clock_that_is_off_holds_intake_until_it_is_right(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANVAULT_HEALTH__BACK_S", "0")

    class Skewed:
        ahead = timedelta(hours=1)

        def now(self):  # type: ignore[no-untyped-def]
            return home.clock.now() + self.ahead

    with Node(home.archive()) as node:
        node.wait_ready()
        right = home.standby.clock
        home.standby.clock = Skewed()
        wait_for(lambda: node.intake.committer.held is not None)
        with pytest.raises(SiteUnavailable, match="do not agree"):
            node.push(message("m-1", b"<late/>"))
        home.standby.clock = right
        wait_for(lambda: node.intake.committer.held is None)
        for _ in range(2):
            node.archive.health.saw("standby", "look")
        node.push(message("m-1", b"<late/>"))


def test_a_hold_ends_soon_after_its_reason(home: Home) -> None:
    """Checks are half a minute apart; what is held is looked at every second."""
    with Node(home.archive()) as node:
        node.wait_ready()
        node.intake.committer.hold(DOUBT)
        wait_for(lambda: node.intake.committer.held is None)


def test_a_hold_ends_while_a_failed_commit_is_settled(home: Home) -> None:
    with Node(home.archive()) as node:
        node.wait_ready()
        home.standby.fail_next("put", times=1_000_000)
        with pytest.raises(SiteUnavailable):
            node.push(message("m-1", b"<in doubt/>"))
        node.intake.committer.hold(DOUBT)
        wait_for(lambda: node.intake.committer.held is None)
        assert node.intake.committer.state == "settling"
        home.standby.fail_next("put", times=0)


@pytest.mark.usefixtures("quick")
def test_an_error_of_the_hot_tail_holds_intake_and_ends_no_check(home: Home) -> None:
    archive = home.archive()
    full, check = threading.Event(), archive.trust.check

    def checked() -> None:
        if full.is_set():
            raise sqlite3.OperationalError("database or disk is full")
        check()

    archive.trust.check = checked  # type: ignore[method-assign]
    with Node(archive) as node:
        node.wait_ready()
        full.set()
        wait_for(lambda: node.intake.committer.held is not None)
        with pytest.raises(Busy, match="could not be checked: OperationalError") as caught:
            node.push(message("m-1", b"<later/>"))
        assert "disk" in caught.value.hint
        full.clear()
        wait_for(lambda: node.intake.committer.held is None)
        node.push(message("m-1", b"<later/>"))


@pytest.mark.parametrize(
    "error",
    [sqlite3.OperationalError("database or disk is full"), OSError(28, "No space left on device", "/home/x")],
)
def test_a_start_on_a_full_disk_is_tried_again(home: Home, error: Exception) -> None:
    archive = home.archive()
    full, refused = threading.Event(), threading.Event()
    full.set()
    open_writer = archive.open_writer

    def opened():  # type: ignore[no-untyped-def]
        if full.is_set():
            refused.set()
            raise error
        return open_writer()

    archive.open_writer = opened  # type: ignore[method-assign]
    with Node(archive) as node:
        assert refused.wait(PATIENCE_S)
        wait_for(lambda: "home" in str(node.intake.committer.refusal))
        assert node.intake.committer.state == "recovering"
        assert "/home/x" not in str(node.intake.committer.refusal)
        full.clear()
        node.wait_ready()
        node.push(message("m-1", b"<after/>"))


def test_a_hot_tail_that_a_full_disk_left_without_tables_is_completed(home: Home) -> None:
    archive = home.archive()
    with sqlite3.connect(hot_tail_of(home.path, "index/1")) as connection:
        connection.execute("DROP TABLE degraded")
    with Node(archive) as node:
        node.wait_ready()
        node.push(message("m-1", b"<taken/>"))


def test_a_bug_ends_writing_for_good_and_says_so(home: Home) -> None:
    broken = threading.Event()

    def fault(step: str) -> None:
        if broken.is_set():
            raise ZeroDivisionError(step)

    home.fault = fault
    with Node(home.archive()) as node:
        node.wait_ready()
        broken.set()
        with pytest.raises(Busy, match="restart the node"):
            node.push(message("m-1", b"<lost/>"))
        wait_for(lambda: node.intake.committer.state == "failed")
        assert "restart the node" in str(node.intake.committer.refusal)
    assert node.intake.committer.state == "failed"


class Ready:
    """A committer that is open and stays so."""

    state = "ready"
    held: VanVaultError | None = None

    def hold(self, reason: VanVaultError | None) -> None:
        assert reason is None, reason


def rounds(
    clock: ManualClock, catch_up: Callable[[], None], check: Callable[[], None], *, seconds: float
) -> None:
    """So many seconds of rounds, each of which takes the time that ``catch_up`` lets pass."""
    checks, stop = TrustChecks(catch_up, check, every_s=0.01), threading.Event()
    monitor = TrustMonitor(cast(Committer, Ready()), checks, stopwatch=ClockStopwatch(clock))
    until = clock.now() + timedelta(seconds=seconds)
    while clock.now() < until:
        clock.advance(timedelta(seconds=monitor.task.every_s or 0))
        monitor.round(stop)


def test_a_long_catch_up_rests_for_ten_times_its_length_and_checks_go_on() -> None:
    clock = ManualClock()
    began: list[datetime] = []
    checks: list[int] = [0]  # after each catch-up

    def catch_up() -> None:
        began.append(clock.now())
        checks.append(0)
        clock.advance(timedelta(seconds=0.05))

    def check() -> None:
        checks[-1] += 1

    rounds(clock, catch_up, check, seconds=10)
    assert len(began) > 10
    assert all(later - earlier >= timedelta(seconds=11 * 0.05) for earlier, later in pairwise(began))
    assert min(checks[1:-1]) > 1


def test_a_catch_up_that_failed_is_tried_again_at_once() -> None:
    clock = ManualClock()
    tried: list[datetime] = []

    def catch_up() -> None:
        tried.append(clock.now())
        clock.advance(timedelta(seconds=0.2))
        raise SiteUnavailable("it gives no answer", site="primary", may_be_stored=False)

    rounds(clock, catch_up, lambda: None, seconds=10)
    assert len(tried) > 4
    assert max(later - earlier for earlier, later in pairwise(tried)) < timedelta(seconds=0.3)
