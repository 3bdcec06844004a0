"""What one gateway has in flight never takes the quota of another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.api.quotas import QuotaLimits, Quotas, Reservation
from vanvault.archiver.core.errors import Busy
from vanvault.archiver.core.settings import GatewayLimits

TOTAL = 1_024
PLAIN = GatewayLimits(requests=3)


def quotas_of(gateways: int, *, own: GatewayLimits = PLAIN) -> tuple[Quotas, list[str]]:
    counted: list[str] = []
    limits = QuotaLimits(
        total_bytes=TOTAL,
        largest_bytes=100,
        waiting_entries=50,
        gateways=lambda: gateways,
        of_gateway=lambda gateway: own if gateway == "own" else PLAIN,
    )
    return Quotas(limits, refused=counted.append), counted


def fill(quotas: Quotas, gateway: str) -> tuple[Reservation, int]:
    """Take all that the gateway can get, byte by byte."""
    reservation, taken = quotas.begin(gateway), 0
    while True:
        try:
            reservation.reserve(1)
        except Busy:
            return reservation, taken
        taken += 1


def test_the_only_gateway_may_have_everything() -> None:
    quotas, _ = quotas_of(1)
    assert fill(quotas, "a")[1] == TOTAL


def test_one_of_several_may_have_half() -> None:
    quotas, counted = quotas_of(4)
    assert fill(quotas, "a")[1] == TOTAL // 2
    assert counted == ["gateway-bytes"]


def test_every_gateway_has_its_own_part_whatever_the_others_have() -> None:
    quotas, counted = quotas_of(4)
    taken = {name: fill(quotas, name)[1] for name in "abcd"}
    assert min(taken.values()) >= TOTAL // 4 // 4
    assert sum(taken.values()) == TOTAL == quotas.used
    assert "bytes" in counted


def test_a_gateway_that_is_new_has_its_own_part_though_another_has_everything() -> None:
    """It was the only one when it took all."""
    there = ["a"]
    limits = QuotaLimits(
        total_bytes=TOTAL,
        largest_bytes=100,
        waiting_entries=50,
        gateways=lambda: len(there),
        of_gateway=lambda gateway: PLAIN,
    )
    quotas = Quotas(limits)
    assert fill(quotas, "a")[1] == TOTAL
    there.append("b")
    assert fill(quotas, "b")[1] == TOTAL // 4 // 2


def test_what_a_request_had_is_free_when_it_ends() -> None:
    quotas, _ = quotas_of(4)
    reservation, _ = fill(quotas, "a")
    reservation.release(10)
    reservation.reserve(5)
    reservation.end()
    reservation.end()
    assert quotas.used == 0
    assert fill(quotas, "a")[1] == TOTAL // 2


def test_a_check_takes_nothing() -> None:
    quotas, _ = quotas_of(4)
    reservation = quotas.begin("a")
    reservation.check(TOTAL // 2)
    with pytest.raises(Busy) as caught:
        reservation.check(TOTAL // 2 + 1)
    assert caught.value.retry_after == 1
    assert quotas.used == 0


def test_requests_of_one_gateway_are_limited_and_those_of_another_are_not() -> None:
    quotas, counted = quotas_of(2)
    three = [quotas.begin("a") for _ in range(3)]
    with pytest.raises(Busy):
        quotas.begin("a")
    quotas.begin("b")
    three[0].end()
    quotas.begin("a")
    assert counted == ["gateway-requests"]


def test_entries_that_wait_are_limited_but_one_request_always_passes() -> None:
    quotas, counted = quotas_of(2)
    first = quotas.begin("a")
    first.queue(500)
    with pytest.raises(Busy):
        quotas.begin("a").queue(1)
    quotas.begin("b").queue(1)
    first.end()
    quotas.begin("a").queue(40)
    assert counted == ["gateway-entries"]


def test_a_gateway_with_a_limit_of_its_own() -> None:
    quotas, _ = quotas_of(4, own=GatewayLimits(bytes=2**16, requests=1))
    quotas.begin("own")
    with pytest.raises(Busy):
        quotas.begin("own")
    quotas.begin("a")


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 400), st.booleans()), min_size=1, max_size=60)
)
def test_the_sum_is_never_over_the_total_and_the_own_part_always_free(
    steps: list[tuple[str, int, bool]],
) -> None:
    quotas, _ = quotas_of(4)
    held: dict[str, list[tuple[Reservation, int]]] = {name: [] for name in "abcd"}
    for gateway, size, ends in steps:
        if ends and held[gateway]:
            held[gateway].pop()[0].end()
            continue
        try:
            reservation = quotas.begin(gateway)
        except Busy:
            continue
        before = sum(taken for _, taken in held[gateway])
        try:
            reservation.reserve(size)
        except Busy:
            assert before + size > TOTAL // 16, "the own part is never refused"
            reservation.end()
        else:
            held[gateway].append((reservation, size))
        assert quotas.used == sum(taken for all_of in held.values() for _, taken in all_of) <= TOTAL
