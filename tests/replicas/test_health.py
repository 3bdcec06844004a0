"""The health of a site: how much it takes to be out, and how much more to be trusted again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.support.clocks import ManualClock
from vanvault.archiver.core.errors import SiteFull, SiteUnavailable
from vanvault.archiver.core.options import HealthRules
from vanvault.archiver.core.ports import ClockStopwatch
from vanvault.archiver.replicas import HealthBoard, Lag
from vanvault.archiver.replicas.health import Seen, SiteHealth, Sort, barred, level, seen, unbarred

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RULES = HealthRules(failures=3, successes=3, back_s=10)
AWAY = SiteUnavailable("it does not answer", site="primary")


def after(what: str, start: SiteHealth | None = None, *, seconds: float = 1.0) -> SiteHealth:
    """The health after a story: p and P are a put that failed or succeeded, l and L a look, = is level."""
    health = start or SiteHealth()
    for number, letter in enumerate(what):
        if letter == "=":
            health = level(health, NOW)
            continue
        sort: Sort = "put" if letter in "pP" else "look"
        health = seen(health, Seen(sort, letter.isupper(), number * seconds, "why"), RULES, NOW)
    return health


@pytest.mark.parametrize(
    ("story", "state"),
    [
        ("", "healthy"),
        ("PLPL", "healthy"),
        ("p", "suspect"),
        ("l", "suspect"),
        ("pPP", "suspect"),
        ("pPPP", "healthy"),
        ("lLLL", "healthy"),
        ("pLLLLLL", "suspect"),  # a full disk tells the time well
        ("ppp", "out"),
        ("lll", "out"),
        ("pPpPp", "out"),  # one that comes and goes
        ("pPPPpp", "suspect"),  # counted anew after it was healthy
        ("pppLLL", "out"),  # enough successes, too soon
        ("pppP", "catching-up"),  # locked and read back: nobody waits for looks
        ("ppp" + "L" * 11, "catching-up"),
        ("ppp" + "L" * 10, "out"),
        ("pppLLLLLLLLlLLLLLLLL", "out"),  # a failure starts the wait anew
        ("pppP=", "healthy"),
        ("pppPp", "out"),
        ("pppP" + "PLPL", "catching-up"),
        ("p=", "suspect"),
        ("ppp=", "out"),
    ],
)
def test_each_story_of_answers_ends_in_its_state(story: str, state: str) -> None:
    assert after(story).state == state


def test_a_site_whose_answers_were_found_wrong_stays_out_whatever_it_answers() -> None:
    wrong = barred(SiteHealth(), "clock", "its clock is off", NOW)
    assert after("PLPLPL" * 5, wrong).state == "out"
    assert after("PLPLPL" * 5, wrong).reason == "its clock is off"
    assert after("p=P", barred(wrong, "listing", "it lists nonsense", NOW)).state == "out"
    assert after("P", unbarred(wrong, "listing")).state == "out"
    assert after("P", unbarred(wrong, "clock")).state == "catching-up"


def test_every_relapse_doubles_the_wait_up_to_a_limit() -> None:
    health = after("ppp")
    for doubling in (1, 2, 4, 8, 16, 32, 64, 64):
        wait = RULES.back_s * doubling
        early = after("LLL", health, seconds=wait / 2 - 0.01)
        assert early.state == "out"
        health = after("LLL", health, seconds=wait / 2)
        assert health.state == "catching-up"
        health = after("l", health)
        assert health.state == "out"
    assert after("ppp" + "P=").relapses == 0


class Judged(RuleBasedStateMachine):
    """Whatever is seen, in any order: what no history may ever break."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.board = HealthBoard(
            ("primary", "standby"), clock=self.clock, stopwatch=ClockStopwatch(self.clock), rules=RULES
        )
        self.failures_in_a_row = 0
        self.since_failure = 0.0
        self.path = ["healthy"]

    def _note(self) -> None:
        state = self.board.state("primary")
        if state != self.path[-1]:
            self.path.append(state)

    @rule(sort=st.sampled_from(["put", "look"]))
    def fails(self, sort: Sort) -> None:
        self.board.saw("primary", sort, AWAY)
        self.failures_in_a_row += 1
        self.since_failure = self.clock.now().timestamp()
        self._note()

    @rule(sort=st.sampled_from(["put", "look"]))
    def succeeds(self, sort: Sort) -> None:
        was = self.board.state("primary")
        self.board.saw("primary", sort)
        self.failures_in_a_row = 0
        self._note()
        if was == "out" and sort == "look" and self.board.state("primary") != "out":
            assert self.clock.now().timestamp() - self.since_failure >= RULES.back_s

    @rule(seconds=st.floats(0, 30))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    @rule()
    def is_level(self) -> None:
        was = self.board.state("primary")
        self.board.level("primary")
        assert self.board.state("primary") == ("healthy" if was == "catching-up" else was)
        self._note()

    @invariant()
    def enough_failures_are_out(self) -> None:
        if self.failures_in_a_row >= RULES.failures:
            assert self.board.state("primary") == "out"

    @invariant()
    def only_known_ways(self) -> None:
        ways = {
            ("healthy", "suspect"),
            ("suspect", "healthy"),
            ("suspect", "out"),
            ("out", "catching-up"),
            ("catching-up", "out"),
            ("catching-up", "healthy"),
        }
        assert set(zip(self.path, self.path[1:], strict=False)) <= ways

    @invariant()
    def the_other_site_is_judged_apart(self) -> None:
        assert self.board.state("standby") == "healthy"
        assert self.board.usable({"primary": 1, "standby": 2})["standby"] == 2

    def teardown(self) -> None:
        changes = []
        while (change := self.board.take_change()) is not None:
            changes.append(change)
        assert [change.after for change in changes] == self.path[1:]
        assert [change.before for change in changes] == self.path[:-1]


TestJudged = Judged.TestCase


def test_all_sites_are_asked_when_all_are_out() -> None:
    clock = ManualClock()
    board = HealthBoard(("primary", "standby"), clock=clock, stopwatch=ClockStopwatch(clock), rules=RULES)
    for _ in range(3):
        board.saw("primary", "look", AWAY)
    assert board.usable({"primary": 1, "standby": 2}) == {"standby": 2}
    for _ in range(3):
        board.saw("standby", "look", AWAY)
    assert board.usable({"primary": 1, "standby": 2}) == {"primary": 1, "standby": 2}


def test_a_site_is_full_until_a_put_ends_otherwise() -> None:
    clock = ManualClock()
    board = HealthBoard(("primary",), clock=clock, stopwatch=ClockStopwatch(clock), rules=RULES)
    full = SiteFull("no room", site="primary")
    for error, expected in ((full, True), (None, False), (full, True), (AWAY, False)):
        board.put_ended("primary", error)
        assert board.is_full("primary") == expected
    board.put_ended("primary", full)
    board.saw("primary", "look")
    assert board.is_full("primary"), "a site that answers may have no room all the same"


def test_a_snapshot_says_it_all() -> None:
    clock = ManualClock()
    board = HealthBoard(("primary",), clock=clock, stopwatch=ClockStopwatch(clock), rules=RULES)
    assert board.snapshot()[0].as_json() == {
        "site": "primary",
        "state": "healthy",
        "since": None,
        "reason": "",
        "barred": [],
        "lag": None,
    }
    board.saw("primary", "look", AWAY)
    board.lags("primary", Lag(2, 100, 1.25))
    found = board.snapshot()[0].as_json()
    assert (found["state"], found["reason"]) == ("suspect", "it does not answer")
    assert found["lag"] == {"objects": 2, "bytes": 100, "seconds": 1.25}
    assert found["since"].endswith("Z")
