"""A site that hangs or refuses comes last until it answers again, whatever one of its objects does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.clocks import ManualClock
from tests.support.gated import GatedSite
from tests.support.memory_site import MemorySite
from tests.support.names import batch_key
from tests.support.waiting import PATIENCE_S, wait_for
from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.ports import ClockStopwatch
from vanvault.archiver.replicas import HealthBoard, Readable, read_anywhere
from vanvault.archiver.replicas.late_sites import AGAIN_S, LONGEST_S, MOST_REFUSED
from vanvault.archiver.stores import Site

WAITS_S = 1.0


@dataclass
class Two:
    readable: Readable
    primary: GatedSite
    seconds: float = 0.0  # of the timer


@pytest.fixture
def two() -> Iterator[Two]:
    clock = ManualClock()
    primary, standby = GatedSite(MemorySite("primary", clock=clock)), MemorySite("standby", clock=clock)
    sites = {"primary": primary, "standby": standby}
    health = HealthBoard(sites, clock=clock, stopwatch=ClockStopwatch(clock))
    readable = Readable(sites, health, WAITS_S, lambda: found.seconds)  # type: ignore[arg-type]
    found = Two(readable, primary)
    yield found
    primary.open()
    readable.close()


def test_a_site_that_hangs_is_asked_once_in_a_while(two: Two) -> None:
    two.primary.shut()
    for _ in range(5):
        assert list(two.readable.away()) == ["primary"]
    assert two.primary.asked == 1
    two.seconds += WAITS_S
    for _ in range(5):
        assert list(two.readable.away()) == ["primary"]
    assert two.primary.asked == 2
    assert list(two.readable) == ["standby", "primary"]


def test_a_site_that_answers_is_asked_each_time(two: Two) -> None:
    for _ in range(3):
        assert two.readable.away() == {}
    assert two.primary.asked == 3


def test_a_late_answer_brings_the_site_back(two: Two) -> None:
    two.primary.shut()
    assert list(two.readable.away()) == ["primary"]
    two.primary.open()
    for _ in range(round(PATIENCE_S / WAITS_S)):
        if not two.readable.away():
            break
    assert two.readable.away() == {}
    assert list(two.readable) == ["primary", "standby"]


Mood = Literal["well", "away", "gives nothing", "cannot be asked"]
OBJECTS = 100


def content(number: int) -> bytes:
    return b"object %d" % number


def key_of(number: int) -> str:
    return batch_key("1m80yt0rdsqw5e1d", number, "messages", hashlib.sha256(content(number)).digest())


@dataclass
class Moody:
    """A site that holds every object, counts what it is asked, and is as a test wants it."""

    site: str
    mood: Mood = "well"
    rotten: set[str] = field(default_factory=set)
    asked: int = 0

    def get(self, key: str, version: str | None = None, **_: Any) -> bytes:
        self.check(key)
        name = parse_key(key)
        assert name is not None
        return content(name.sequence)

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        return self.get(key)[offset : offset + length]

    def get_locked(self, key: str, version: str, **_: Any) -> tuple[bytes, None]:
        return self.get(key), None

    def versions(self, key: str) -> list[Any]:
        self.check(None)
        return []

    def list(self, prefix: str = "", after: str = "") -> Iterator[Any]:
        self.check(None)
        return iter(())

    def now(self) -> datetime:
        self.check(None)
        return ManualClock().now()

    def check(self, key: str | None) -> None:
        self.asked += 1
        if self.mood == "cannot be asked":
            raise SettingsError("no credentials")
        if self.mood == "away" or (key and (self.mood == "gives nothing" or key in self.rotten)):
            raise SiteUnavailable("no", site=self.site, may_be_stored=False)


@dataclass
class Pair:
    primary: Moody = field(default_factory=lambda: Moody("primary"))
    standby: Moody = field(default_factory=lambda: Moody("standby"))
    seconds: float = 0.0  # of the timer
    health: HealthBoard = field(init=False)
    readable: Readable = field(init=False)

    def __post_init__(self) -> None:
        sites: dict[str, Any] = {"primary": self.primary, "standby": self.standby}
        clock = ManualClock()
        self.health = HealthBoard(sites, clock=clock, stopwatch=ClockStopwatch(clock))
        self.readable = Readable(sites, self.health, PATIENCE_S, lambda: self.seconds)

    def read(self, number: int, sites: Mapping[str, Site] | None = None) -> None:
        assert read_anywhere(sites or self.readable, key_of(number)) == content(number)

    def asked(self, work: Callable[[], object]) -> int:
        """How often that asks the primary."""
        before = self.primary.asked
        work()
        return self.primary.asked - before


@pytest.fixture
def pair() -> Iterator[Pair]:
    found = Pair()
    yield found
    found.readable.close()


def read_all(pair: Pair, sites: Mapping[str, Site] | None = None) -> None:
    for number in range(OBJECTS):
        pair.read(number, sites)


@pytest.mark.parametrize("mood", ["away", "cannot be asked"])
def test_a_site_that_refuses_everything_is_asked_once_and_for_the_time(pair: Pair, mood: Mood) -> None:
    pair.primary.mood = mood
    assert pair.asked(lambda: read_all(pair)) <= 2
    assert list(pair.readable) == ["standby", "primary"]


def test_a_site_that_was_found_away_is_not_asked_for_objects(pair: Pair) -> None:
    pair.primary.mood = "away"
    assert list(pair.readable.away()) == ["primary"]
    assert pair.asked(lambda: read_all(pair)) == 0


def test_sites_in_an_order_of_ones_own_are_asked_late_ones_last_too(pair: Pair) -> None:
    pair.primary.mood = "away"
    chosen = {name: pair.readable[name] for name in ("primary", "standby")}
    assert pair.asked(lambda: read_all(pair, chosen)) <= 2


def test_a_site_that_tells_the_time_and_gives_no_object_comes_last_for_a_while(pair: Pair) -> None:
    pair.primary.mood = "gives nothing"
    assert pair.asked(lambda: read_all(pair)) == 2 * MOST_REFUSED  # each time it is asked for the time
    pair.seconds += AGAIN_S
    assert pair.asked(lambda: read_all(pair)) == 2
    pair.primary.mood = "well"
    pair.seconds += 2 * AGAIN_S
    assert pair.asked(lambda: read_all(pair)) == OBJECTS


def test_objects_that_are_refused_with_their_locks_count_too(pair: Pair) -> None:
    pair.primary.mood = "gives nothing"
    for number in range(MOST_REFUSED):
        with pytest.raises(SiteUnavailable):
            pair.readable["primary"].get_locked(key_of(number), "v1")
    assert list(pair.readable) == ["standby", "primary"]
    pair.primary.mood = "well"
    pair.readable["primary"].get_locked(key_of(0), "v1")
    assert list(pair.readable) == ["primary", "standby"]


def test_one_rotten_object_leaves_its_site_the_first(pair: Pair) -> None:
    pair.primary.rotten.add(key_of(7))
    for _ in range(10):
        pair.read(7)
    assert list(pair.readable) == ["primary", "standby"]
    assert pair.asked(lambda: read_all(pair)) >= OBJECTS


def test_rotten_objects_between_whole_ones_leave_their_site_the_first(pair: Pair) -> None:
    pair.primary.rotten |= {key_of(number) for number in range(0, OBJECTS, 2)}
    read_all(pair)
    assert list(pair.readable) == ["primary", "standby"]


def test_a_site_that_comes_back_is_used_again(pair: Pair) -> None:
    pair.primary.mood = "away"
    read_all(pair)
    pair.primary.mood = "well"
    assert pair.asked(lambda: read_all(pair)) == 0  # its pause is not over
    pair.seconds += AGAIN_S
    pair.read(0)  # somebody who reads: the site is asked for the time meanwhile
    wait_for(lambda: list(pair.readable) == ["primary", "standby"])
    assert pair.asked(lambda: read_all(pair)) == OBJECTS


def test_who_follows_the_sites_finds_one_that_is_back_before_its_pause_is_over(pair: Pair) -> None:
    pair.primary.mood = "away"
    pair.read(0)
    assert pair.readable.reaching(list) == (["standby"], frozenset({"standby"}))
    pair.primary.mood = "well"
    assert pair.readable.reaching(list)[1] == {"primary", "standby"}


def test_who_follows_the_sites_does_not_ask_a_silent_one_that_is_out(pair: Pair) -> None:
    pair.primary.mood = "away"
    pair.read(0)
    pair.health.take_out("primary", "a test")
    assert pair.asked(lambda: pair.readable.reaching(list)) == 0


def test_a_site_that_stays_away_is_asked_more_and_more_seldom(pair: Pair) -> None:
    pair.primary.mood = "away"
    read_all(pair)
    for _ in range(3600):
        pair.seconds += 1
        pair.read(0)
    assert pair.primary.asked <= 3600 / LONGEST_S + 10


def test_a_site_that_is_away_gives_what_the_other_has_not_once_it_is_back(pair: Pair) -> None:
    pair.primary.mood = "away"
    pair.read(0)
    pair.primary.mood = "well"
    pair.standby.rotten.add(key_of(1))
    pair.read(1)
    assert list(pair.readable) == ["primary", "standby"]


MOODS: list[Mood] = ["well", "away", "gives nothing", "cannot be asked"]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("mood"), st.sampled_from(MOODS)),
        st.tuples(st.just("rot"), st.integers(0, 9)),
        st.tuples(st.just("read"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.integers(1, 90)),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_whatever_one_site_does_every_object_is_read_from_the_other(steps: list[Any]) -> None:
    pair = Pair()
    for what, value in steps:
        if what == "mood":
            pair.primary.mood = value
        elif what == "rot":
            pair.primary.rotten.add(key_of(value))
        elif what == "wait":
            pair.seconds += value
        else:
            asked = pair.asked(lambda value=value: pair.read(value))  # type: ignore[misc]
            assert asked <= 3
    if pair.primary.mood in ("away", "cannot be asked"):
        pair.read(0)
        assert pair.asked(lambda: read_all(pair)) <= 1  # a question for the time that was due
    pair.readable.close()
