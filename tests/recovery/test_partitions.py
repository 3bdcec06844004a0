"""Two nodes, two sites, links that break: writes, crashes, returns and reconciliation in any order.

Both nodes are under the policy ``any``, each with a hot tail of its own. Whatever happens: what was
acknowledged is there in the end, at both sites, with its bytes; receipts stay true; one id has one entry,
or a conflict that is reported.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.support.archives import GATEWAY, SITES, Home, Node, message
from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite
from tests.support.whole import bytes_of
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.errors import Conflict, SiteUnavailable, VanVaultError
from vanvault.archiver.core.evidence import Receipt, holders, verify_receipt
from vanvault.archiver.core.format.batches import decode_batch
from vanvault.archiver.core.model import Commit
from vanvault.archiver.replicas.promised import read_whole
from vanvault.archiver.upkeep import compact
from vanvault.recovery.reconcile import Reconciler, open_conflicts, reconcile_sites, resolve, upgrade_all
from vanvault.recovery.reconcile.conflicts import conflicts

IDS = ("m-1", "m-2", "m-3")
OPERATIONS = ("put", "get", "get_locked", "get_range", "stat", "versions", "list", "extend", "now")


class Link:
    """One node's way to one site. ``lossy``: what is asked arrives, and the answer to a put is lost."""

    def __init__(self, site: MemorySite) -> None:
        self._site = site
        self.down = False
        self.lossy = False

    def __getattr__(self, name: str) -> Any:
        target = getattr(self._site, name)
        if name not in OPERATIONS:
            return target

        def call(*arguments: Any, **named: Any) -> Any:
            if self.down:
                raise SiteUnavailable("no way there", site=self._site.site, may_be_stored=False)
            result = target(*arguments, **named)
            if self.lossy and name == "put":
                raise SiteUnavailable("no answer", site=self._site.site, may_be_stored=True)
            return result

        return call


class Side:
    """A node with a home of its own, and its links."""

    def __init__(self, path: Path, clock: ManualClock, sites: dict[str, MemorySite]) -> None:
        self.links = {name: Link(site) for name, site in sites.items()}
        self.home = Home(path, clock, self.links)  # type: ignore[arg-type]
        self.start()

    def start(self) -> None:
        self.archive = self.home.archive()
        self.node = Node(self.archive)
        self.keeper = Reconciler(self.archive, self._record)

    def _record(self, upgrades: Sequence[Commit]) -> None:
        writer = self.node.intake.committer.writer
        if writer is not None:
            writer.record(upgrades)

    def restart(self, *, crash: bool, lose_tail: bool) -> None:
        if crash:
            before = {name: link.down for name, link in self.links.items()}
            for link in self.links.values():
                link.down = True
            self.node.stop()
            for name, link in self.links.items():
                link.down = before[name]
        else:
            self.node.stop()
        self.archive.close()
        if lose_tail:
            self.home.forget_hot_tail()
        self.start()


class Partitions(RuleBasedStateMachine):
    policy = "any"

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.patch = pytest.MonkeyPatch()
        self.patch.setenv("VANVAULT_SITES__POLICY", self.policy)
        self.patch.setenv("VANVAULT_HEALTH__BACK_S", "0")
        clock = ManualClock()
        path = Path(self.folder.name)
        init_home(path / "a", clock=clock)
        shutil.copytree(path / "a", path / "b")
        self.sites = {name: MemorySite(name, clock=clock) for name in SITES}
        self.sides = [Side(path / name, clock, self.sites) for name in "ab"]
        self.acknowledged: list[tuple[str, bytes, Receipt]] = []

    @rule(side=st.integers(0, 1), message_id=st.sampled_from(IDS), body=st.sampled_from([b"<1/>", b"<2/>"]))
    def push(self, side: int, message_id: str, body: bytes) -> None:
        try:
            receipt = self.sides[side].node.push(message(message_id, body))
        except (VanVaultError, Conflict):
            return
        assert holders(receipt)
        self.acknowledged.append((message_id, body, receipt))

    @rule(
        side=st.integers(0, 1),
        site=st.sampled_from(SITES),
        how=st.sampled_from(["down", "down", "lossy", "up"]),
    )
    def link(self, side: int, site: str, how: str) -> None:
        link = self.sides[side].links[site]
        link.down, link.lossy = how == "down", how == "lossy"

    @rule(message_id=st.sampled_from(IDS))
    def clash(self, message_id: str) -> None:
        """Each side reaches one site only, and both take the same id: rare by chance alone."""
        for side, near, body in zip(self.sides, SITES, (b"<1/>", b"<2/>"), strict=True):
            for name, link in side.links.items():
                link.down, link.lossy = name != near, False
            self.push(self.sides.index(side), message_id, body)

    @rule(side=st.integers(0, 1), crash=st.booleans(), lose_tail=st.booleans())
    def restart(self, side: int, crash: bool, lose_tail: bool) -> None:
        self.sides[side].restart(crash=crash, lose_tail=lose_tail)

    @rule(side=st.integers(0, 1))
    def look_and_keep(self, side: int) -> None:
        """What the node's own threads do now and then."""
        one = self.sides[side]
        try:
            for name, link in one.links.items():
                for _ in range(3):
                    link.now()
                    one.archive.health.saw(name, "look")
            one.archive.catch_up()
            one.keeper.tick()
        except SiteUnavailable as error:
            one.archive.health.saw(error.site, "put", error)

    def teardown(self) -> None:
        try:
            self.end()
        finally:
            for side in self.sides:
                side.home.close()
            self.patch.undo()
            self.folder.cleanup()

    def end(self) -> None:
        for side in self.sides:
            for link in side.links.values():
                link.down = link.lossy = False
            side.node.stop()
            side.archive.close()
        side = self.sides[0]
        archive = side.home.archive()
        assert reconcile_sites(archive.sites, pause=lambda: None).level
        archive.catch_up()
        assert not upgrade_all(archive).damaged
        archive.record("site.reconciled", {})
        again = reconcile_sites(archive.sites, pause=lambda: None)
        assert (
            again.fetched.objects == 0 or archive.lead.leadership.alone
        )  # then the leader's copy was enough
        stored = self.check_objects(archive)
        for message_id, body, receipt in self.acknowledged:
            verify_receipt(receipt, archive.signing.public)
            for placement in receipt["placements"]:
                read_whole(self.sites[placement["site"]], placement["key"])
            assert stored[receipt["id"]] == (message_id, body)
            later = archive.receipts.of(receipt["id"])
            assert holders(later) == set(SITES)
            verify_receipt(later, archive.signing.public)
        self.check_conflicts(archive, stored)
        self.check_rebuilt(side, archive)

    def check_objects(self, archive: Any) -> dict[str, tuple[str, bytes]]:
        """Both sites hold the same batches; the gateway's rows in them, by id."""
        keys = {name: {version.key for version in site.list()} for name, site in self.sites.items()}
        assert keys["primary"] == keys["standby"]
        stored = {}
        for key in sorted(keys["primary"]):
            batch = decode_batch(key, read_whole(self.sites["primary"], key), archive.parquet)
            for entry in batch.entries:
                data = bytes_of(archive, archive.sites, entry)
                if entry.gateway == GATEWAY:
                    stored[entry.id] = (entry.client_id, data)
        return stored

    def check_conflicts(self, archive: Any, stored: dict[str, tuple[str, bytes]]) -> None:
        bodies: dict[str, set[bytes]] = {}
        for message_id, body in stored.values():
            bodies.setdefault(message_id, set()).add(body)
        clashing = {message_id for message_id, found in bodies.items() if len(found) > 1}
        found = conflicts(archive)
        assert {stored[conflict.id][0] for conflict in found} == clashing
        for conflict in found:
            assert stored[conflict.id][1] != stored[conflict.first][1]
        for conflict in open_conflicts(archive):
            resolve(archive, conflict.id, reason="looked at both", who="tester")
        assert not open_conflicts(archive)

    def check_rebuilt(self, side: Side, archive: Any) -> None:
        found = conflicts(archive)
        side.home.clock.advance(timedelta(days=1))
        assert compact(archive, until=side.home.clock.now()).report.segments
        assert conflicts(archive) == found
        side.home.forget_hot_tail()
        fresh = side.home.archive()
        fresh.catch_up()
        assert conflicts(fresh) == found
        assert not open_conflicts(fresh)
        for _, _, receipt in self.acknowledged:
            ids = receipt["id"]
            assert orjson.dumps(fresh.receipts.of(ids)) == orjson.dumps(archive.receipts.of(ids))


TestPartitions = Partitions.TestCase
TestPartitions.settings = settings(max_examples=25, stateful_step_count=14, deadline=None)
