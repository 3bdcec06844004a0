"""Which receipts a gateway is given, and when it is refused before anything is stored."""

from __future__ import annotations

import pytest

from tests.support.clocks import ManualClock
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.ports import ClockStopwatch
from vanvault.archiver.replicas import AckPolicy, HealthBoard, Leadership, LeadershipState

KEY = "batch/0abcdefghjkmnpqr/0000000001-00ff.messages.parquet"
SITES = ("primary", "standby")


class Policies:
    """What operators set for single gateways: ``strict`` is under ``all``."""

    def policy_of(self, name: str) -> str | None:
        return "all" if name == "strict" else None

    def has_any(self) -> bool:
        return False


class Appliance:
    def __init__(self, *, fall_back: bool = False) -> None:
        clock = ManualClock()
        self.health = HealthBoard(SITES, clock=clock, stopwatch=ClockStopwatch(clock))
        self.lead = LeadershipState()
        self.policy = AckPolicy(
            "all", fall_back=fall_back, gateways=Policies(), health=self.health, lead=self.lead
        )

    def promoted(self, leader: str) -> None:
        epoch = self.lead.leadership.next_epoch(leader)
        self.lead.saw(Leadership(epoch, alone=True))


def receipt(*sites: str) -> Receipt:
    placements = [{"site": site, "key": KEY, "version": "v1"} for site in sites]
    whole = len(sites) == len(SITES)
    return {"object": KEY, "placements": placements} | ({} if whole else {"degraded": True})


@pytest.mark.parametrize("leader", SITES)
def test_after_a_promotion_a_receipt_needs_the_site_that_leads(leader: str) -> None:
    one = Appliance()
    one.promoted(leader)
    (other,) = set(SITES) - {leader}
    assert one.policy.refusal("gateway-1", receipt(leader)) is None
    assert one.policy.refusal("gateway-1", receipt(*SITES)) is None
    refused = one.policy.refusal("gateway-1", receipt(other))
    assert refused is not None
    assert (refused.site, refused.may_be_stored) == (leader, True)
    assert one.policy.refusal("gateway-1", receipt(other), again=True) is not None


def test_after_a_promotion_a_gateway_under_all_still_needs_both() -> None:
    one = Appliance()
    one.promoted("standby")
    assert one.policy.refusal("strict", receipt("standby")) is not None
    assert one.policy.refusal("strict", receipt(*SITES)) is None


def test_without_a_promotion_a_degraded_receipt_is_given_to_nobody_under_all() -> None:
    one = Appliance()
    for held in SITES:
        assert one.policy.refusal("gateway-1", receipt(held)) is not None
    assert one.policy.refusal("gateway-1", receipt(*SITES)) is None


@pytest.mark.parametrize("leader", SITES)
def test_nothing_is_taken_while_the_site_that_leads_is_out(leader: str) -> None:
    one = Appliance()
    one.promoted(leader)
    (other,) = set(SITES) - {leader}
    one.health.take_out(other, "lost")
    one.policy.check_open("gateway-1")
    assert one.policy.goes_on_without(other)
    one.health.take_out(leader, "lost")
    with pytest.raises(SiteUnavailable) as caught:
        one.policy.check_open("gateway-1")
    assert (caught.value.site, caught.value.may_be_stored) == (leader, False)
    assert not one.policy.goes_on_without(leader)


def test_a_gateway_falls_back_only_while_a_site_is_out() -> None:
    one = Appliance(fall_back=True)
    assert one.policy.refusal("gateway-1", receipt("standby")) is not None
    one.health.take_out("primary", "lost")
    assert one.policy.refusal("gateway-1", receipt("standby")) is None
    assert one.policy.refusal("strict", receipt("standby")) is not None
