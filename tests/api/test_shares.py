"""What one gateway has in flight never takes the share of another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.api.shares import Share, ShareLimits, Shares
from vanvault.archiver.core.errors import Busy
from vanvault.archiver.core.settings import GatewayLimits

TOTAL = 1_024
PLAIN = GatewayLimits(requests=3)


def shares_of(gateways: int, *, own: GatewayLimits = PLAIN) -> tuple[Shares, list[str]]:
    counted: list[str] = []
    limits = ShareLimits(
        total_bytes=TOTAL,
        largest_bytes=100,
        waiting_entries=50,
        gateways=lambda: gateways,
        of_gateway=lambda gateway: own if gateway == "own" else PLAIN,
    )
    return Shares(limits, refused=counted.append), counted


def fill(shares: Shares, gateway: str) -> tuple[Share, int]:
    """Take all that the gateway can get, byte by byte."""
    share, taken = shares.begin(gateway), 0
    while True:
        try:
            share.reserve(1)
        except Busy:
            return share, taken
        taken += 1


def test_the_only_gateway_may_have_everything() -> None:
    shares, _ = shares_of(1)
    assert fill(shares, "a")[1] == TOTAL


def test_one_of_several_may_have_half() -> None:
    shares, counted = shares_of(4)
    assert fill(shares, "a")[1] == TOTAL // 2
    assert counted == ["gateway-bytes"]


def test_every_gateway_has_its_own_part_whatever_the_others_have() -> None:
    shares, counted = shares_of(4)
    taken = {name: fill(shares, name)[1] for name in "abcd"}
    assert min(taken.values()) >= TOTAL // 4 // 4
    assert sum(taken.values()) == TOTAL == shares.used
    assert "bytes" in counted


def test_what_a_request_had_is_free_when_it_ends() -> None:
    shares, _ = shares_of(4)
    share, _ = fill(shares, "a")
    share.release(10)
    share.reserve(5)
    share.end()
    share.end()
    assert shares.used == 0
    assert fill(shares, "a")[1] == TOTAL // 2


def test_a_check_takes_nothing() -> None:
    shares, _ = shares_of(4)
    share = shares.begin("a")
    share.check(TOTAL // 2)
    with pytest.raises(Busy) as caught:
        share.check(TOTAL // 2 + 1)
    assert caught.value.retry_after == 1
    assert shares.used == 0


def test_requests_of_one_gateway_are_limited_and_those_of_another_are_not() -> None:
    shares, counted = shares_of(2)
    three = [shares.begin("a") for _ in range(3)]
    with pytest.raises(Busy):
        shares.begin("a")
    shares.begin("b")
    three[0].end()
    shares.begin("a")
    assert counted == ["gateway-requests"]


def test_entries_that_wait_are_limited_but_one_request_always_passes() -> None:
    shares, counted = shares_of(2)
    first = shares.begin("a")
    first.queue(500)
    with pytest.raises(Busy):
        shares.begin("a").queue(1)
    shares.begin("b").queue(1)
    first.end()
    shares.begin("a").queue(40)
    assert counted == ["gateway-entries"]


def test_a_gateway_with_a_limit_of_its_own() -> None:
    shares, _ = shares_of(4, own=GatewayLimits(bytes=2**16, requests=1))
    shares.begin("own")
    with pytest.raises(Busy):
        shares.begin("own")
    shares.begin("a")


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 400), st.booleans()), min_size=1, max_size=60)
)
def test_the_sum_is_never_over_the_total_and_the_own_part_always_free(
    steps: list[tuple[str, int, bool]],
) -> None:
    shares, _ = shares_of(4)
    held: dict[str, list[tuple[Share, int]]] = {name: [] for name in "abcd"}
    for gateway, size, ends in steps:
        if ends and held[gateway]:
            held[gateway].pop()[0].end()
            continue
        try:
            share = shares.begin(gateway)
        except Busy:
            continue
        before = sum(taken for _, taken in held[gateway])
        try:
            share.reserve(size)
        except Busy:
            assert before + size > TOTAL // 16, "the own part is never refused"
            share.end()
        else:
            held[gateway].append((share, size))
        assert shares.used == sum(taken for all_of in held.values() for _, taken in all_of) <= TOTAL
