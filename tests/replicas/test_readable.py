"""A site that hangs is found away, without each question costing seconds and a thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.clocks import ManualClock
from tests.support.gated import GatedSite
from tests.support.memory_site import MemorySite
from tests.support.waiting import PATIENCE_S
from vanvault.archiver.core.ports import ClockStopwatch
from vanvault.archiver.replicas import HealthBoard, Readable

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
