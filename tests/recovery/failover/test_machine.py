"""Two nodes, two sites, links that break, promotions from either side, failbacks: in any order.

What ``test_partitions.py`` asks holds here too: nothing that was acknowledged is lost, receipts
verify, and all converges. In addition: an epoch has one leader; a node that sees a higher epoch obeys it;
from a promotion on a receipt names the leader.
"""

from __future__ import annotations

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.recovery.test_partitions import IDS, SITES, Partitions
from tests.support.archives import message
from tests.support.memory_site import MemorySite
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import SiteUnavailable, VanVaultError
from vanvault.archiver.core.evidence import holders
from vanvault.archiver.core.format.batches import decode_batch
from vanvault.archiver.core.model import Event
from vanvault.archiver.core.names import batch_prefix, parse_key
from vanvault.recovery.failover import Plan, current_plan, promote
from vanvault.recovery.failover.failover import conclude_failback, level
from vanvault.recovery.verified import Subset

SIDE = st.integers(0, 1)


class Failovers(Partitions):
    def __init__(self) -> None:
        super().__init__()
        self.written: dict[str, list[tuple[int, str]]] = {}  # key -> failovers that the batch holds
        self.shown: dict[int, Plan] = {}  # side -> a plan of a promotion

    @rule(side=SIDE, message_id=st.sampled_from(IDS), body=st.sampled_from([b"<1/>", b"<2/>"]))
    def push(self, side: int, message_id: str, body: bytes) -> None:
        leadership = self.sides[side].archive.lead.leadership
        before = len(self.acknowledged)
        super().push(side, message_id, body)
        for _, _, receipt in self.acknowledged[before:]:
            if leadership.alone:
                assert leadership.leader in holders(receipt)
            elif self.policy == "all":
                assert holders(receipt) == set(SITES)

    @rule(side=SIDE)
    def follow(self, side: int) -> None:
        """A look, as a node takes one twice a second; then it knows of what it can see, and obeys it."""
        one = self.sides[side]
        writer = one.node.intake.committer.writer
        if writer is None:
            return
        seen = [self.sites[name] for name in one.archive.readable.there() if not one.links[name].down]
        try:
            one.archive.follow(own=writer.id)
        except SiteUnavailable:
            return
        leadership = one.archive.lead.leadership
        # What lies at one of two reachable sites only, it learns once reconciliation has copied it.
        known = [{epoch for epoch, _ in self.failovers_at(one.archive, site)} for site in seen]
        common = set[int].intersection(*known) if known else set[int]()
        assert all(leadership.epoch >= epoch for epoch in common)
        if one.archive.lead.superseded:
            draft = message(f"refused-{len(self.acknowledged)}", b"<refused/>")
            outcome, _ = one.node.submit([draft])[0]
            assert isinstance(outcome, SiteUnavailable)

    @rule(side=SIDE, leader=st.sampled_from(SITES))
    def show(self, side: int, leader: str) -> None:
        """A plan of a promotion, which is carried out later, if ever."""
        archive = self.sides[side].home.archive()
        try:
            archive.refresh()
            self.shown[side] = current_plan(archive, action="promote", leader=leader)
        except VanVaultError:
            pass
        finally:
            archive.close()

    @rule(side=SIDE, leader=st.sampled_from(SITES))
    def promote(self, side: int, leader: str) -> None:
        """With the plan that somebody was shown some time ago, if there is one."""
        archive = self.sides[side].home.archive()
        try:
            archive.refresh()
            plan = self.shown.pop(side, None) or current_plan(archive, action="promote", leader=leader)
            promote(archive, plan, reason="test", who="one")
            leadership = archive.lead.leadership
            assert (leadership.epoch, leadership.leader, leadership.alone) == (plan.epoch, plan.leader, True)
        except VanVaultError:
            pass
        finally:
            archive.close()

    @rule(side=SIDE)
    def failback(self, side: int) -> None:
        archive = self.sides[side].home.archive()
        try:
            archive.refresh()
            plan = current_plan(archive, action="failback")
            if plan.blockers:
                return
            leveled = level(archive, Subset(), pause=lambda: None)
            conclude_failback(archive, plan, leveled, reason="test", who="one", unlevel=True)
            leadership = archive.lead.leadership
            assert (leadership.epoch, leadership.leader, leadership.alone) == (plan.epoch, "primary", False)
        except VanVaultError:
            pass
        finally:
            archive.close()

    def end(self) -> None:
        super().end()
        archive = self.sides[0].home.archive()
        leaders: dict[int, set[str]] = {}
        for site in self.sites.values():
            for epoch, leader in self.failovers_at(archive, site):
                leaders.setdefault(epoch, set()).add(leader)
        assert all(len(found) == 1 for found in leaders.values())
        leaderships = []
        for side in self.sides:
            side.start()
            receipt = side.node.push_until_accepted(message(f"after-{len(leaderships)}", b"<after/>"))
            assert holders(receipt)
            side.node.stop()
            leaderships.append(side.archive.lead.leadership)
            side.archive.close()
        assert leaderships[0] == leaderships[1]
        assert leaderships[0].epoch == max(leaders, default=0)

    def failovers_at(self, archive: Archive, site: MemorySite) -> list[tuple[int, str]]:
        """(epoch, leader) of every failover on record at a site."""
        found = []
        for version in site.list(batch_prefix()):
            name = parse_key(version.key)
            if name is None or name.kind != "events":
                continue
            if version.key not in self.written:
                batch = decode_batch(version.key, site.get(version.key), archive.parquet)
                details = [
                    orjson.loads(entry.detail)
                    for entry in batch.entries
                    if isinstance(entry, Event)
                    and entry.type in ("vanvault.failover.promoted", "vanvault.failover.failed-back")
                ]
                self.written[version.key] = [(detail["epoch"], detail["leader"]) for detail in details]
            found += self.written[version.key]
        return found


class FailoversUnderAll(Failovers):
    policy = "all"


TestUnderAny = Failovers.TestCase
TestUnderAny.settings = settings(max_examples=8, stateful_step_count=14, deadline=None)
TestUnderAll = FailoversUnderAll.TestCase
TestUnderAll.settings = settings(max_examples=8, stateful_step_count=14, deadline=None)
