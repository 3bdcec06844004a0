"""Who ends for whom when connections are at their limit."""

from __future__ import annotations

import resource
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from vanvault.api.listener import ConnectionLimits, Connections, raise_file_limit, room_for_connections
from vanvault.archiver.core.errors import Busy, MachineLimit

TOTAL = 16
LIMITS = ConnectionLimits(TOTAL, for_address=4, for_gateway=lambda gateway: 3 if gateway == "small" else 100)


@dataclass(eq=False)
class Caller:
    """A connection without a socket; ``ended`` once it was told to give way."""

    address: str = "a"
    at_rest: bool = True
    ended: bool = False
    since: float = 0.0
    is_unread: bool = False
    told: int = 0

    def give_way(self) -> None:
        assert self.at_rest or self.is_unread, "a request under way never ends for another connection"
        self.ended = True
        self.told += 1


@dataclass
class House:
    """A registry, and what it counted."""

    limits: ConnectionLimits = LIMITS
    counted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = 10.0
        self.connections = Connections(self.limits, lambda: self.now, refused=self.counted.append)

    def enter(self, caller: Caller) -> Caller | None:
        if not self.connections.make_room():
            return None
        self.connections.arriving += 1
        self.connections.add(caller)
        return caller


def test_a_new_connection_finds_room_and_the_oldest_stranger_ends() -> None:
    house = House()
    first = [house.enter(Caller(str(number))) for number in range(TOTAL)]
    assert house.enter(Caller("new")) is not None
    assert [caller.ended for caller in first if caller] == [True] + [False] * (TOTAL - 1)
    assert house.counted == ["strangers"]


def test_one_that_just_came_does_not_end_for_the_next() -> None:
    """Else a crowd that connects again and again would end everybody before a request is read."""
    house = House()
    first = [house.enter(Caller(str(number), since=9.8)) for number in range(TOTAL)]
    assert house.enter(Caller("new")) is None
    house.now = 10.1
    assert house.enter(Caller("new")) is not None
    assert [caller.ended for caller in first if caller] == [True] + [False] * (TOTAL - 1)
    assert house.counted == ["strangers"]


def test_a_request_under_way_does_not_end_for_a_new_connection() -> None:
    house = House()
    busy = [house.enter(Caller(str(number), at_rest=number == 7)) for number in range(TOTAL)]
    assert house.enter(Caller("new")) is not None
    assert [number for number, caller in enumerate(busy) if caller and caller.ended] == [7]


def test_a_stranger_that_does_not_read_its_answer_ends_and_a_caller_does_not() -> None:
    house = House()
    first = [house.enter(Caller(str(number), at_rest=False, is_unread=True)) for number in range(TOTAL)]
    assert first[0] is not None
    house.connections.identify(first[0], "gateway-1")
    assert house.enter(Caller("new")) is not None
    assert [caller.ended for caller in first[:3] if caller] == [False, True, False]


def test_where_all_are_busy_a_new_connection_waits_and_that_is_counted() -> None:
    house = House()
    for number in range(TOTAL):
        house.enter(Caller(str(number), at_rest=False))
    assert house.enter(Caller("new")) is None
    assert house.counted == ["connections"]


def test_an_address_ends_its_own_oldest_stranger() -> None:
    house = House()
    other = house.enter(Caller("b"))
    same = [house.enter(Caller("a")) for _ in range(5)]
    assert [caller.ended for caller in same if caller] == [True] + [False] * 4
    assert other is not None and not other.ended
    assert house.counted == ["address"]


def test_a_crowd_of_busy_strangers_is_not_looked_at_whole_for_each_new_connection() -> None:
    """The work of a crowd would grow with its square. Whoever rests among them is found after some turns."""
    looks = 0

    class Watched(Caller):
        def __getattribute__(self, name: str) -> Any:
            nonlocal looks
            looks += name == "at_rest"
            return super().__getattribute__(name)

    house = House(ConnectionLimits(1_000, for_address=500))
    crowd = [Watched(str(number % 2), at_rest=False) for number in range(1_000)]
    for caller in crowd:
        house.enter(caller)
    assert looks == 0
    crowd[700].at_rest = True
    turns = 1
    while house.enter(Caller("new")) is None:
        turns += 1
    assert crowd[700].ended and turns < 20
    for _ in range(500):  # over the limit of an address, each of whose connections is busy
        house.connections.remove(crowd.pop())
    looks = 0
    for _ in range(400):
        house.enter(Watched("0", at_rest=False))
    assert looks < 400 * 70


def test_those_that_stay_although_they_were_told_to_end_are_told_again_after_a_moment() -> None:
    """Else some that read no last word would keep everybody out until they are looked at."""
    house = House()
    told = [house.enter(Caller(str(number))) for number in range(TOTAL + 64)]
    assert house.enter(Caller("new")) is None
    assert [caller.told for caller in told if caller] == [1] * 64 + [0] * TOTAL
    house.now += 0.5
    assert house.enter(Caller("new")) is None
    assert [caller.told for caller in told if caller] == [2] * 64 + [0] * TOTAL
    assert told[0] is not None
    house.connections.remove(told[0])
    assert house.enter(Caller("new")) is not None


def test_behind_a_proxy_addresses_are_not_counted() -> None:
    house = House(ConnectionLimits(TOTAL, for_address=None))
    same = [house.enter(Caller("proxy")) for _ in range(TOTAL)]
    assert not any(caller.ended for caller in same if caller)


def test_callers_do_not_count_for_their_address() -> None:
    house = House()
    for _ in range(4):
        caller = house.enter(Caller("a"))
        assert caller is not None
        house.connections.identify(caller, "gateway-1")
    assert house.enter(Caller("a")) is not None
    assert house.counted == []


def test_a_gateway_over_its_limit_loses_its_idle_connection_or_is_refused() -> None:
    house = House()
    callers = [Caller(str(number)) for number in range(4)]
    for caller in callers[:3]:
        house.enter(caller)
        house.connections.identify(caller, "small")
    house.enter(callers[3])
    house.connections.identify(callers[3], "small")
    assert [caller.ended for caller in callers] == [True, False, False, False]
    for caller in callers[1:]:
        caller.at_rest = False
    late = house.enter(Caller("late"))
    assert late is not None
    with pytest.raises(Busy):
        house.connections.identify(late, "small")
    assert house.counted == ["gateway-connections"]


def test_callers_never_take_the_lane() -> None:
    """However many gateways there are and however many connections each opens."""
    house = House()
    refused = 0
    for number in range(3 * TOTAL):
        caller = house.enter(Caller(str(number)))
        if caller is None:
            continue
        try:
            house.connections.identify(caller, f"gateway-{number % 5}")
            caller.at_rest = False
        except Busy:
            refused += 1
            house.connections.remove(caller)
    assert house.connections.callers == LIMITS.callers == TOTAL - LIMITS.lane
    assert refused
    assert house.enter(Caller("health")) is not None


def test_one_gateway_never_has_more_than_half_of_what_callers_may_have() -> None:
    house = House()
    for number in range(LIMITS.callers // 2):
        caller = house.enter(Caller(str(number)))
        assert caller is not None
        house.connections.identify(caller, "greedy")
        caller.at_rest = False
    late = house.enter(Caller("late"))
    assert late is not None
    with pytest.raises(Busy):
        house.connections.identify(late, "greedy")
    house.connections.identify(late, "modest")


@pytest.mark.parametrize(
    ("files", "wanted", "room"),
    [(1_024, 4_096, 512), (20_000, 4_096, 4_096), (2_000, 4_096, 1_488), (64, 4_096, 32), (1, 5, 1)],
)
def test_files_are_left_for_everything_else(files: int, wanted: int, room: int) -> None:
    assert room_for_connections(files, wanted) == room


def test_a_node_says_that_it_may_have_too_few_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda of: (64, 64))
    with pytest.raises(MachineLimit, match="64 files open, and a node needs 256") as told:
        raise_file_limit()
    assert "LimitNOFILE=" in told.value.hint


class AnyOrder(RuleBasedStateMachine):
    """Connections come, prove whose they are, work, rest and go, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.open: list[Caller] = []

    @rule(address=st.sampled_from("abcdef"))
    def comes(self, address: str) -> None:
        caller = self.house.enter(Caller(address))
        if caller is not None:
            self.open.append(caller)

    @rule(which=st.integers(0, 99), gateway=st.sampled_from(["small", "large", "other"]))
    def proves_whose_it_is(self, which: int, gateway: str) -> None:
        if self.open:
            caller = self.open[which % len(self.open)]
            caller.at_rest = caller.ended
            try:
                self.house.connections.identify(caller, gateway)
            except Busy:
                caller.at_rest = True

    @rule(which=st.integers(0, 99))
    def rests(self, which: int) -> None:
        if self.open:
            self.open[which % len(self.open)].at_rest = True

    @rule(which=st.integers(0, 99))
    def goes(self, which: int) -> None:
        if self.open:
            self.house.connections.remove(self.open.pop(which % len(self.open)))

    @rule()
    def those_that_were_ended_go(self) -> None:
        for caller in [caller for caller in self.open if caller.ended]:
            self.open.remove(caller)
            self.house.connections.remove(caller)

    @invariant()
    def counts_are_right(self) -> None:
        connections = self.house.connections
        assert len(connections) == len(self.open)
        assert set(connections.all()) == set(self.open)
        assert connections.callers <= LIMITS.callers
        assert sum(not caller.ended for caller in self.open) <= TOTAL


AnyOrder.TestCase.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
test_any_order = AnyOrder.TestCase
