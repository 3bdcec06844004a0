"""The node's clock: right while the host's is wrong, and exact to the microsecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.clocks import ManualClock
from vanvault.archiver.core.ports import ClockStopwatch
from vanvault.archiver.replicas import SteadyClock


class Host:
    """A host's clock beside the right time."""

    def __init__(self, right: ManualClock) -> None:
        self.right, self.off = right, timedelta()

    def now(self) -> datetime:
        return self.right.now() + self.off


def test_a_jump_of_the_host_does_not_move_it_until_clocks_agreed() -> None:
    right = ManualClock()
    host = Host(right)
    clock = SteadyClock(host, ClockStopwatch(right))
    for off in (timedelta(days=4000), timedelta(days=-4000)):
        host.off = off
        right.advance(timedelta(seconds=7))
        assert clock.now() == right.now()
        assert clock.jump() == off
    clock.set_by(clock.reading())
    assert clock.now() == host.now()
    assert clock.jump() == timedelta()


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - a zone is put on below
    st.timedeltas(timedelta(), timedelta(days=4000)),
)
@example(datetime(2098, 6, 23, 7, 0, 0, 26), timedelta(days=2785, microseconds=1))  # noqa: DTZ001
def test_it_is_exact(start: datetime, passed: timedelta) -> None:
    right = ManualClock(start.replace(tzinfo=UTC))
    clock = SteadyClock(right, ClockStopwatch(right))
    right.advance(passed)
    assert clock.now() == right.now()
