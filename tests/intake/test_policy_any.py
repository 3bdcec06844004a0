"""The policy ``any``: one whole site is enough for an acknowledgement, and the receipt says so.

Every write of a commit fails in both ways at each site, as in test_write_failures.py; here nobody waits.
Whatever happened: what was acknowledged is whole at a site that its receipt names, the receipt stays
verifiable for ever, nothing is archived twice, and once the sites are level every receipt is whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import orjson
import pytest

from tests.support.archives import GATEWAY, SITES, Home, Node, crash, event, message
from tests.support.whole import read_entries
from vanvault.archiver.core.errors import Conflict, Damaged, SiteUnavailable, VanVaultError
from vanvault.archiver.core.evidence import Receipt, holders, verify_receipt
from vanvault.archiver.core.model import Draft
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.replicas.promised import read_whole
from vanvault.recovery.reconcile import reconcile_sites, upgrade_all
from vanvault.recovery.work import Effort

When = Literal["before", "after"]
DRAFTS: tuple[Draft, ...] = (message("m-1", b"<one/>"), event("e-1"), message("m-2", b"<two/>"))
OBJECTS = len(DRAFTS) + 2
BIG = b"<big>" + b"0123456789abcdef" * 100_000 + b"</big>"
LONG = 1_000_000


@pytest.fixture(autouse=True)
def any_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANVAULT_SITES__POLICY", "any")
    monkeypatch.setenv("VANVAULT_HEALTH__BACK_S", "0")


def other(site: str) -> str:
    return next(name for name in SITES if name != site)


def is_out(home: Home, site: str, *, times: int = LONG) -> None:
    """From now on the site answers nothing (``times`` zero: again)."""
    for operation in ("put", "get", "stat", "versions", "list", "now", "extend"):
        home.sites[site].fail_next(operation, times=times)  # type: ignore[arg-type]


def check_true(home: Home, receipt: Receipt) -> None:
    """The receipt verifies, and what it names is there."""
    archive = home.archive()
    verify_receipt(receipt, archive.signing.public)
    assert (receipt.get("degraded", False), receipt["policy"]) in ((False, "all"), (True, "any"))
    assert holders(receipt)
    assert ("degraded" in receipt) == (len(holders(receipt)) < len(SITES))
    for placement in receipt["placements"]:
        read_whole(home.sites[placement["site"]], placement["key"])


def level(home: Home) -> None:
    """What a node's own keeper does, and what ``vanvault reconcile`` does."""
    archive = home.archive()
    archive.catch_up()
    assert reconcile_sites(archive.sites, pause=lambda: None).level
    upgrade_all(archive)
    archive.record("site.reconciled", {})


@contextmanager
def whole_in_the_end(home: Home, receipts: dict[str, Receipt]) -> Iterator[None]:
    """After the block: first receipts stay true, the sites come level, and every receipt is whole."""
    yield
    for site in SITES:
        is_out(home, site, times=0)
    for receipt in receipts.values():
        check_true(home, receipt)
    level(home)
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        for draft in DRAFTS:
            if draft.client_id in receipts:
                later = node.push(draft)
                assert "degraded" not in later
                assert later["id"] == receipts[draft.client_id]["id"]
                check_true(home, later)
                assert orjson.dumps(archive.receipts.of(later["id"])) == orjson.dumps(later)
    entries = read_entries(archive)
    assert {client_id for _, gateway, client_id in entries if gateway == GATEWAY} >= receipts.keys()
    home.forget_hot_tail()
    fresh = home.archive()
    fresh.catch_up()
    for receipt in receipts.values():
        assert orjson.dumps(fresh.receipts.of(receipt["id"])) == orjson.dumps(
            archive.receipts.of(receipt["id"])
        )
    home.check()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("n", range(OBJECTS))
def test_the_nth_object_fails_at_one_site(home: Home, site: str, n: int, when: When) -> None:
    """Nobody waits: each push is acknowledged at once, degraded where a site did not say yes."""
    receipts: dict[str, Receipt] = {}

    def fail_if_next(number: int) -> None:
        if number == n:
            home.sites[site].fail_next("put", when)

    with whole_in_the_end(home, receipts):
        fail_if_next(0)
        with Node(home.archive()) as node:
            node.wait_ready()
            for number, draft in enumerate(DRAFTS, start=1):
                fail_if_next(number)
                receipt = receipts[draft.client_id] = node.push(draft)
                assert ("degraded" in receipt) == (number == n)
                if number == n:
                    assert holders(receipt) == {other(site)}
            fail_if_next(OBJECTS - 1)


@pytest.mark.parametrize(
    ("primary", "standby", "surely_nowhere"),
    [
        ("before", "before", True),
        ("before", "after", False),
        ("after", "before", False),
        ("after", "after", False),
    ],
)
def test_no_site_is_no_acknowledgement(
    home: Home, primary: When, standby: When, surely_nowhere: bool
) -> None:
    receipts: dict[str, Receipt] = {}
    with whole_in_the_end(home, receipts), Node(home.archive()) as node:
        node.wait_ready()
        home.primary.fail_next("put", primary)
        home.standby.fail_next("put", standby)
        with pytest.raises(SiteUnavailable) as caught:
            node.push(DRAFTS[0])
        assert caught.value.may_be_stored is not surely_nowhere
        for draft in DRAFTS:
            receipts[draft.client_id] = node.push_until_accepted(draft)


@pytest.mark.parametrize("crashed", [False, True])
@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("site", SITES)
def test_a_site_is_away_across_a_restart(home: Home, site: str, lost: bool, crashed: bool) -> None:
    """A node stops, or is killed, and another starts, both without the site; the tail may be lost, too."""
    receipts: dict[str, Receipt] = {}
    with whole_in_the_end(home, receipts):
        node = Node(home.archive())
        node.wait_ready()
        is_out(home, site)
        for draft in DRAFTS[:2]:
            receipts[draft.client_id] = node.push(draft)
        if crashed:
            crash(node, home)
            is_out(home, site)
        else:
            node.stop()
        if lost:
            home.forget_hot_tail()
        with Node(home.archive()) as again:
            again.wait_ready()
            for draft in DRAFTS[:2]:
                assert again.push(draft) == receipts[draft.client_id]
            receipts[DRAFTS[2].client_id] = again.push(DRAFTS[2])
            with pytest.raises(Conflict):
                again.push(message(DRAFTS[0].client_id, b"<other/>"))


@pytest.mark.parametrize("site", SITES)
def test_a_site_that_is_out_is_not_asked(home: Home, site: str) -> None:
    receipts: dict[str, Receipt] = {}
    with whole_in_the_end(home, receipts):
        archive = home.archive()
        with Node(archive) as node:
            node.wait_ready()
            is_out(home, site)
            for number in range(archive.settings.health.failures):
                node.push(message(f"x-{number}", b"<x/>"))
            assert archive.health.state(site) == "out"
            before = len(home.sites[site].calls)
            for draft in DRAFTS:
                receipts[draft.client_id] = node.push(draft)
            assert len(home.sites[site].calls) == before


@pytest.mark.parametrize("site", SITES)
def test_a_large_object_lies_at_one_site(home: Home, site: str) -> None:
    big = message("m-3", BIG)
    with Node(home.archive()) as node:
        node.wait_ready()
        home.sites[site].fail_next("put")
        receipt = node.push(node.placed(big, degraded=True))
        assert (receipt["policy"], receipt["degraded"], holders(receipt)) == ("any", True, {other(site)})
        assert len(receipt["placements"]) == 3
        check_true(home, receipt)
    level(home)
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        later = node.push(big)
        assert holders(later) == set(SITES)
        assert [p["site"] for p in later["placements"]] == [*SITES, *SITES]
        check_true(home, later)
        item = archive.search.entry(later["id"])
        assert item["placements"] == later["placements"]
    read_entries(archive)


def test_no_site_holds_row_and_large_object_together(home: Home) -> None:
    """The original lies at one site and its row at the other: told as stored, acknowledged once level."""
    big = message("m-3", BIG)
    with Node(home.archive()) as node:
        node.wait_ready()
        home.standby.fail_next("put")
        placed = node.placed(big, degraded=True)
        home.primary.fail_next("put")
        with pytest.raises(SiteUnavailable) as caught:
            node.push(placed)
        assert caught.value.may_be_stored
        with pytest.raises(SiteUnavailable):
            node.push(big)
        level(home)
        assert holders(node.push_until_accepted(big)) == set(SITES)
    read_entries(home.archive())


class TestGatewaysOfBothPolicies:
    """One group commit may hold entries of both; each is told the truth by its own policy."""

    STRICT = "strict"

    @pytest.fixture(autouse=True)
    def strict_gateway(self, home: Home) -> None:
        home.archive().gateways.add(self.STRICT, SystemEntropy(), SystemClock(), policy="all")

    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("site", SITES)
    def test_a_mixed_group(self, home: Home, site: str, when: When) -> None:
        strict = message("s-1", b"<strict/>", gateway=self.STRICT)
        receipts: dict[str, Receipt] = {}
        with whole_in_the_end(home, receipts), Node(home.archive()) as node:
            node.wait_ready()
            home.sites[site].fail_next("put", when)
            (loose, _), (refused, _) = node.submit([DRAFTS[0], strict])
            assert isinstance(loose, dict)
            assert loose["degraded"] is True
            receipts[DRAFTS[0].client_id] = loose
            assert isinstance(refused, SiteUnavailable)
            assert refused.may_be_stored
            assert refused.site == site
            with pytest.raises(SiteUnavailable):
                node.push(strict)  # not acknowledged by a degraded receipt at the second try, either
            level(home)
            receipt = node.push_until_accepted(strict)
            assert "degraded" not in receipt
            check_true(home, receipt)

    def test_the_strict_one_is_refused_while_a_site_is_out(self, home: Home) -> None:
        archive = home.archive()
        with Node(archive) as node:
            node.wait_ready()
            is_out(home, "standby")
            while archive.health.state("standby") != "out":
                archive.health.saw("standby", "look", VanVaultError("away"))
            with pytest.raises(SiteUnavailable) as caught:
                node.push(message("s-1", b"<strict/>", gateway=self.STRICT))
            assert not caught.value.may_be_stored
            assert node.push(DRAFTS[0])["degraded"] is True
            is_out(home, "standby", times=0)


class TestFallBack:
    """``all``, and as under ``any`` while a site is out, because the operator has said so before."""

    @pytest.fixture(autouse=True)
    def fall_back(self, monkeypatch: pytest.MonkeyPatch, any_site: None) -> None:
        monkeypatch.setenv("VANVAULT_SITES__POLICY", "all")
        monkeypatch.setenv("VANVAULT_SITES__FALL_BACK", "true")

    @pytest.mark.parametrize("site", SITES)
    def test_not_before_the_site_is_out(self, home: Home, site: str) -> None:
        receipts: dict[str, Receipt] = {}
        archive = home.archive()
        with whole_in_the_end(home, receipts), Node(archive) as node:
            node.wait_ready()
            is_out(home, site)
            with pytest.raises(SiteUnavailable):
                node.push(DRAFTS[0])
            for draft in DRAFTS:
                receipts[draft.client_id] = node.push_until_accepted(draft)
                assert receipts[draft.client_id]["degraded"] is True
            assert archive.health.state(site) == "out"

    def test_until_the_site_has_caught_up(self, home: Home) -> None:
        """What was given while the site was out is given again while it catches up; new ones are not."""
        archive = home.archive()
        strict = "strict"
        archive.gateways.add(strict, SystemEntropy(), SystemClock(), policy="all")
        with Node(archive) as node:
            node.wait_ready()
            archive.health.take_out("standby", "test")
            receipt = node.push(DRAFTS[0])
            assert receipt["degraded"] is True
            archive.health.put_ended("standby", None)
            assert archive.health.state("standby") == "catching-up"
            assert node.push(DRAFTS[0]) == receipt
            assert archive.policy.refusal(GATEWAY, receipt) is not None
            assert archive.policy.refusal(strict, receipt, again=True) is not None
            archive.health.level("standby")
            assert archive.health.state("standby") == "healthy"
            assert archive.policy.refusal(GATEWAY, receipt, again=True) is not None

    def test_a_site_away_at_the_start(self, home: Home) -> None:
        is_out(home, "primary")
        with Node(home.archive()) as node:
            node.wait_ready()
            assert node.push(DRAFTS[0])["degraded"] is True
        is_out(home, "primary", times=0)


def acknowledged_at_standby_only(home: Home) -> Receipt:
    """A message of which no header holds the commit, and which the primary, back again, has not."""
    node = Node(home.archive())
    node.wait_ready()
    is_out(home, "primary")
    receipt = node.push(message("m-1", b"<one/>"))
    assert holders(receipt) == {"standby"}
    crash(node, home)
    is_out(home, "primary", times=0)
    home.forget_hot_tail()
    return receipt


def test_a_receipt_waits_for_the_one_site_that_may_hold_the_object(home: Home) -> None:
    first = acknowledged_at_standby_only(home)
    archive = home.archive()
    archive.catch_up()
    is_out(home, "standby")
    with pytest.raises(SiteUnavailable, match="standby, which does not answer, may hold it"):
        archive.receipts.of(first["id"])
    is_out(home, "standby", times=0)
    archive = home.archive()
    receipt = archive.receipts.of(first["id"])
    assert holders(receipt) == set(SITES)
    check_true(home, receipt)


def test_a_site_that_was_taken_out_is_asked_for_what_no_other_has(home: Home) -> None:
    first = acknowledged_at_standby_only(home)
    archive = home.archive()
    archive.catch_up()
    archive.health.take_out("standby", "somebody said so")
    assert holders(archive.receipts.of(first["id"])) == set(SITES)


def test_an_object_that_no_site_has_any_more_is_damage(home: Home) -> None:
    first = acknowledged_at_standby_only(home)
    archive = home.archive()
    archive.catch_up()
    home.standby.damage.drop(first["object"])
    with pytest.raises(Damaged, match="though it was folded from one"):
        archive.receipts.of(first["id"])


def two_degraded(home: Home) -> list[str]:
    """Ids of two entries, in batches of their own, that the primary alone holds; both sites answer again."""
    with Node(home.archive()) as node:
        node.wait_ready()
        is_out(home, "standby")
        receipts = [node.push(draft) for draft in DRAFTS[:2]]
    is_out(home, "standby", times=0)
    return [receipt["id"] for receipt in receipts]


def test_one_object_that_cannot_be_read_stops_no_other_upgrade(home: Home) -> None:
    ids = two_degraded(home)
    archive = home.archive()
    archive.catch_up()
    waiting = archive.tail.degraded()
    home.primary.fail_next("get")
    done = upgrade_all(archive, effort=Effort(1))
    assert (len(done.damaged), done.batches) == (1, len(waiting) - 1)
    assert not upgrade_all(archive).damaged
    assert all(holders(archive.receipts.of(id)) == set(SITES) for id in ids)


def test_a_site_that_gives_nothing_stops_the_upgrades(home: Home) -> None:
    two_degraded(home)
    archive = home.archive()
    archive.catch_up()
    home.primary.fail_next("get", times=LONG)
    home.primary.fail_next("now", times=LONG)
    with pytest.raises(SiteUnavailable):
        upgrade_all(archive, effort=Effort(1))
