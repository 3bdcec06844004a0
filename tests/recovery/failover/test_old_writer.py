"""Nodes of the old side: what they are told, when they obey, and when they may go on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.recovery.test_partitions import SITES, Side
from tests.support.archives import message
from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.errors import Conflict, SiteUnavailable, VanVaultError
from vanvault.archiver.core.evidence import holders
from vanvault.archiver.upkeep.periodic import Maintenance
from vanvault.recovery.failover import current_plan, promote
from vanvault.recovery.failover.failover import conclude_failback, level
from vanvault.recovery.reconcile import reconcile_sites, upgrade_all
from vanvault.recovery.verified import Subset


class Pair:
    """An old side (a) and a new one (b), each with links of its own to both sites."""

    def __init__(self, folder: Path) -> None:
        clock = ManualClock()
        init_home(folder / "a", clock=clock)
        shutil.copytree(folder / "a", folder / "b")
        self.sites = {name: MemorySite(name, clock=clock) for name in SITES}
        self.old, self.new = (Side(folder / name, clock, self.sites) for name in "ab")
        for side in (self.old, self.new):
            side.node.wait_ready()

    def part(self) -> None:
        """The old side sees the primary only, the new one the standby only."""
        self.old.links["standby"].down = self.new.links["primary"].down = True

    def heal(self) -> None:
        for side in (self.old, self.new):
            for name, link in side.links.items():
                link.down = False
                side.archive.health.put_ended(name, None)

    def promote(self) -> None:
        archive = self.new.home.archive()
        archive.refresh()
        promote(archive, current_plan(archive, action="promote"), reason="test", who="one")
        archive.close()
        self.follow(self.new)

    @staticmethod
    def follow(side: Side) -> None:
        writer = side.node.intake.committer.writer
        assert writer is not None
        for _ in range(2):  # the first may learn of an epoch, the next may rejoin
            side.node.intake.tail_updater.flush()
            side.archive.follow(own=writer.id)

    def close(self) -> None:
        for side in (self.old, self.new):
            for link in side.links.values():
                link.down = False
            side.node.stop()
            side.home.close()


@pytest.fixture(params=["all", "any"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setenv("VANVAULT_SITES__POLICY", request.param)
    monkeypatch.setenv("VANVAULT_HEALTH__BACK_S", "0")
    with closing(Pair(tmp_path)) as made:
        yield made


def test_an_old_writer_obeys_once_it_sees_the_epoch_and_rejoins(pair: Pair) -> None:
    pair.part()
    pair.promote()
    assert holders(pair.new.node.push(message("new", b"<new/>"))) == {"standby"}
    old = pair.old
    under_any = old.archive.settings.sites.policy == "any"
    if under_any:  # it does not know of the epoch: its receipt is degraded, and true
        assert holders(old.node.push(message("old", b"<old/>"))) == {"primary"}
    else:
        with pytest.raises(SiteUnavailable):
            old.node.push(message("old", b"<old/>"))
    reconcile_sites(
        pair.sites, pause=lambda: None
    )  # the event comes to the primary; the old side sees no more
    pair.follow(old)
    assert (old.archive.lead.leadership.epoch, old.archive.lead.superseded) == (1, True)
    with pytest.raises(SiteUnavailable, match=r"leads since epoch 1|not acknowledged"):
        old.node.push(message("late", b"<late/>"))
    before = len(list(pair.sites["primary"].list()))
    with pytest.raises(SiteUnavailable):
        old.node.push(message("later", b"<later/>"))
    assert len(list(pair.sites["primary"].list())) == before  # refused before anything was stored

    pair.heal()
    pair.follow(old)
    if under_any:  # it does not know yet that the leader has what it acknowledged
        assert old.archive.lead.superseded
        upgrade_all(old.archive)
        pair.follow(old)
    assert not old.archive.lead.superseded
    assert "standby" in holders(old.node.push_until_accepted(message("late", b"<late/>")))


@pytest.mark.parametrize("pair", ["any"], indirect=True)
def test_an_event_of_the_node_itself_lifts_no_fence(pair: Pair) -> None:
    """Upkeep puts events on record through a writer of its own; the intake owes what it owed before."""
    pair.part()
    pair.promote()
    old = pair.old
    owed = old.node.push(message("old", b"<old/>"))
    assert holders(owed) == {"primary"}
    for link in old.links.values():
        link.down = False
    old.archive.health.put_ended("standby", None)
    pair.follow(old)
    stored = {version.key for version in pair.sites["standby"].list()}
    assert owed["object"] not in stored  # nobody reconciled yet
    upkeep = Maintenance(old.archive)
    old.home.clock.advance(timedelta(days=2))
    upkeep.look()
    assert upkeep.snapshot.segments
    assert old.archive.lead.superseded
    assert old.archive.lead.superseded
    with pytest.raises(SiteUnavailable, match="leads since epoch 1"):
        old.node.push(message("late", b"<late/>"))

    pair.heal()
    reconcile_sites(pair.sites, pause=lambda: None)
    upgrade_all(old.archive)
    pair.follow(old)
    assert not old.archive.lead.superseded
    assert "standby" in holders(old.node.push_until_accepted(message("late", b"<late/>")))


def test_a_restarted_node_takes_nothing_until_it_reaches_the_leader(
    pair: Pair,
) -> None:
    pair.part()
    pair.promote()
    reconcile_sites(pair.sites, pause=lambda: None)
    pair.old.node.stop()
    pair.old.archive.close()
    pair.old.start()
    with pytest.raises(VanVaultError):
        pair.old.node.push(message("late", b"<late/>"))
    pair.heal()
    assert "standby" in holders(pair.old.node.push_until_accepted(message("late", b"<late/>")))


def test_failback_lets_the_primary_lead_and_both_are_needed(pair: Pair) -> None:
    pair.part()
    pair.promote()
    receipt = pair.new.node.push(message("new", b"<new/>"))
    pair.heal()
    archive = pair.new.home.archive()
    archive.refresh()
    leveled = level(archive, Subset(), pause=lambda: None)
    assert leveled.problems == ()
    conclude_failback(
        archive, current_plan(archive, action="failback"), leveled, reason="x", who="one", unlevel=False
    )
    archive.close()
    for side in (pair.old, pair.new):
        pair.follow(side)
        leadership = side.archive.lead.leadership
        assert (leadership.epoch, leadership.leader, leadership.alone) == (2, "primary", False)
        assert not side.archive.lead.superseded
    assert holders(pair.new.archive.receipts.of(receipt["id"])) == set(SITES)
    assert holders(pair.new.node.push_until_accepted(message("whole", b"<whole/>"))) == set(SITES)


def test_a_promotion_that_its_site_does_not_take_is_none(pair: Pair) -> None:
    archive = pair.new.home.archive()
    archive.refresh()
    plan = current_plan(archive, action="promote")
    pair.new.links["standby"].down = True
    with pytest.raises(Conflict, match="cannot lead"):
        promote(archive, plan, reason="test", who="one")
    pair.new.links["standby"].down = False
    pair.sites["standby"].fail_next("put", times=1_000)  # it can be read, and is full
    with pytest.raises(SiteUnavailable):
        promote(archive, plan, reason="test", who="one")
    archive.close()
    pair.sites["standby"].fail_next("put", times=0)
    pair.follow(pair.new)
    assert pair.new.archive.lead.leadership.epoch == 0
