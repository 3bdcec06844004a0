"""A running node takes a failing site out, says so on record, catches it up when it is back, and is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any, cast

import orjson
import pytest

from tests.support.archives import SITES, Home, Node, event, message
from tests.support.clocks import ManualClock
from tests.support.gated import GatedSite
from tests.support.lab import BadSector
from tests.support.waiting import PATIENCE_S
from tests.support.whole import read_entries
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import FoldReport, Query
from vanvault.archiver.core.errors import SiteFull, SiteUnavailable
from vanvault.archiver.core.evidence import Receipt, holders
from vanvault.archiver.core.format.batches import decode_batch
from vanvault.archiver.core.model import Commit
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.ports import ClockStopwatch
from vanvault.archiver.core.times import to_us
from vanvault.archiver.replicas import Lag
from vanvault.archiver.stores import Site, StoredVersion
from vanvault.archiver.upkeep.periodic import HealthRecord, SiteMonitor, Supervisor, WaitingChanges
from vanvault.recovery.reconcile import Reconciler, ReconcileReport

LONG = 1_000_000


class Kept:
    """A node with its watch and keeper, which the test turns by hand."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.archive: Archive = home.archive()
        self.sites = cast("dict[str, Site]", self.archive.sites)  # what its node asks; a test may swap one
        self.node = Node(self.archive)
        self.node.wait_ready()
        self.waiting = WaitingChanges(home.path / "cache" / "health", self.archive.entropy)
        intake = self.node.intake
        self.watch = SiteMonitor(
            self.archive.sites,
            self.archive.health,
            HealthRecord(intake.submit, lambda: intake.refusal is None, self.archive.policy.may_degrade),
            waiting=self.waiting,
            clock=self.archive.clock,
            every_s=1,
        )
        self.keeper = Reconciler(self.archive, self._record, stopwatch=ClockStopwatch(home.clock))

    def _record(self, upgrades: Sequence[Commit]) -> None:
        writer = self.node.intake.committer.writer
        assert writer is not None
        writer.record(upgrades)

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.home.clock.advance(timedelta(seconds=2))
            for name in SITES:
                self.watch.look(name)

    def states(self) -> list[str]:
        return [site.state for site in self.archive.health.snapshot()]

    def lag(self, site: str) -> Lag | None:
        return next(found.lag for found in self.archive.health.snapshot() if found.site == site)

    def put_on_record(self) -> None:
        """Until every change is archived."""
        self.watch.record()
        for number in range(20):
            if not self.waiting:
                break
            self.node.push(event(f"behind-{number}"))  # in order: the change is archived before it
            self.watch.record()
        assert not self.waiting
        self.node.intake.tail_updater.flush()

    def changes(self) -> list[tuple[str, str, str]]:
        query = Query(filters={"type": "vanvault.site.health"}, order="oldest")
        details = [orjson.loads(item["detail"]) for item in self.archive.search.page(query).items]
        return [(detail["site"], detail["from"], detail["to"]) for detail in details]


@pytest.fixture
def kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    monkeypatch.setenv("VANVAULT_SITES__POLICY", "any")
    found = Kept(home)
    yield found
    found.node.stop()


def away(home: Home, site: str, times: int = LONG) -> None:
    for operation in ("put", "get", "stat", "versions", "list", "now", "extend"):
        home.sites[site].fail_next(operation, times=times)  # type: ignore[arg-type]


@pytest.mark.parametrize("site", SITES)
def test_the_whole_way_out_and_back(kept: Kept, site: str) -> None:
    node, archive, home = kept.node, kept.archive, kept.home
    away(home, site)
    kept.look(3)
    assert archive.health.state(site) == "out"
    receipts: list[Receipt] = []
    for number in range(5):
        now_us = to_us(home.clock.now())
        receipts.append(node.push(message(f"m-{number}", b"<m>%d</m>" % number, received_us=now_us)))
        home.clock.advance(timedelta(minutes=1))
    assert all(receipt["degraded"] for receipt in receipts)
    node.intake.tail_updater.flush()
    assert kept.keeper.tick() is None
    lag = kept.lag(site)
    assert lag is not None
    assert lag.objects == 5
    assert lag.seconds == pytest.approx(300, abs=5)
    held = next(other for name, other in home.sites.items() if name != site)
    assert lag.bytes == sum(held.stat(receipt["object"]).size for receipt in receipts)

    away(home, site, times=0)
    kept.look(2)
    assert archive.health.state(site) == "out"
    kept.look(1)
    assert archive.health.state(site) == "catching-up"
    full = node.push(message("while it catches up", b"<full/>"))
    assert "degraded" not in full
    kept.keeper.tick()
    assert kept.states() == ["healthy", "healthy"]
    assert kept.lag(site) == Lag()
    for receipt in receipts:
        later = archive.receipts.of(receipt["id"])
        assert "degraded" not in later
        assert holders(later) == set(SITES)

    kept.put_on_record()
    assert kept.changes() == [
        (site, "healthy", "suspect"),
        (site, "suspect", "out"),
        (site, "out", "catching-up"),
        (site, "catching-up", "healthy"),
    ]
    node.stop()
    read_entries(home.archive())
    home.check()
    check_recorded(home, archive, receipts)


def check_recorded(home: Home, archive: Archive, receipts: list[Receipt]) -> None:
    """A header holds each upgraded commit, so that a node that never saw it gives the same answer."""
    recorded: dict[str, int] = {}
    for version in home.primary.list("batch/"):
        assert parse_key(version.key) is not None
        batch = decode_batch(version.key, home.primary.get(version.key), archive.parquet)
        for commit in batch.header.commits:
            recorded[commit.key] = max(recorded.get(commit.key, 0), len(commit.placements))
    assert all(recorded[receipt["object"]] == 2 for receipt in receipts)
    home.forget_hot_tail()
    fresh = home.archive()
    fresh.catch_up()
    for receipt in receipts:
        assert fresh.receipts.of(receipt["id"]) == archive.receipts.of(receipt["id"])


def test_one_failed_put_is_mended_without_an_outage(kept: Kept) -> None:
    kept.home.standby.fail_next("put")
    receipt = kept.node.push(message("m-1", b"<one/>"))
    assert receipt["degraded"]
    kept.node.intake.tail_updater.flush()
    kept.keeper.tick()
    assert "degraded" not in kept.archive.receipts.of(receipt["id"])
    assert kept.states() == ["healthy", "suspect"]


def test_a_full_site_relapses_until_it_has_room(kept: Kept) -> None:
    kept.home.standby.fail_next("put", times=LONG, error=SiteFull("no room", site="standby"))
    for number in range(4):
        kept.node.push(message(f"m-{number}", b"<m>%d</m>" % number))
    assert kept.states() == ["healthy", "out"]
    kept.look(3)
    assert kept.states() == ["healthy", "catching-up"]
    kept.node.intake.tail_updater.flush()
    with pytest.raises(SiteUnavailable) as caught:
        kept.keeper.tick()
    kept.archive.health.saw(caught.value.site, "put", caught.value)
    assert kept.states() == ["healthy", "out"]
    kept.home.standby.fail_next("put", times=0)
    kept.look(3)
    assert kept.states() == ["healthy", "out"]  # twice as long as the first time
    kept.look(1)
    assert kept.states() == ["healthy", "catching-up"]
    kept.keeper.tick()
    assert kept.states() == ["healthy", "healthy"]


def test_a_comparison_comes_round(kept: Kept) -> None:
    """What no receipt tells of is found by comparing everything, now and then."""
    receipt = kept.node.push(message("m-1", b"<one/>"))
    kept.home.standby.damage.drop(receipt["object"])
    kept.home.clock.advance(timedelta(seconds=30))
    assert kept.keeper.tick() is None
    kept.home.clock.advance(timedelta(seconds=60))
    report = kept.keeper.tick()
    assert report is not None
    assert (report.level, report.fetched.objects) == (True, 1)
    assert kept.keeper.tick() is None
    kept.home.clock.advance(timedelta(seconds=kept.archive.settings.reconcile.compare_interval_s))
    assert kept.keeper.tick() is not None


def test_a_site_that_cannot_be_made_level_stays_catching_up(kept: Kept) -> None:
    """Its only copy is damaged: nothing is called whole that is not, and intake goes on."""
    bad = kept.node.push(message("m-1", b"<one/>"))["object"]
    kept.home.standby.damage.drop(bad)
    kept.home.primary.damage.flip(bad)
    away(kept.home, "standby")
    kept.look(3)
    away(kept.home, "standby", times=0)
    kept.look(4)
    report = kept.keeper.tick()
    assert report is not None
    assert not report.level
    assert kept.states() == ["healthy", "catching-up"]
    lag = kept.lag("standby")
    assert lag is not None
    assert lag.objects == 1
    assert "degraded" not in kept.node.push(message("m-2", b"<two/>"))
    assert kept.keeper.tick() is None  # not again at once


def test_a_commit_that_goes_on_in_a_comparison_keeps_no_site_from_being_level(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one site holds of it already is folded; a moment later it is committed, and all is level."""
    monkeypatch.setenv("VANVAULT_SITES__POLICY", "any")
    standby = home.sites["standby"] = GatedSite(home.standby)  # type: ignore[assignment]
    kept = Kept(home)
    away(home, "standby")
    kept.look(3)
    away(home, "standby", times=0)
    kept.look(4)
    assert kept.states() == ["healthy", "catching-up"]
    fold = kept.archive.catch_up
    with ThreadPoolExecutor(1) as pool:
        pushed: list[Future[Receipt]] = []

        def meanwhile() -> FoldReport:
            standby.shut()
            pushed.append(pool.submit(kept.node.push, message("m-1", b"<one/>")))
            assert standby.put_began.wait(PATIENCE_S)
            return fold()

        monkeypatch.setattr(kept.archive, "catch_up", meanwhile)
        report = kept.keeper.tick()
        monkeypatch.undo()
        assert report is not None
        assert report.level
        assert kept.states() == ["healthy", "catching-up"]
        standby.open()
        assert "degraded" not in pushed[0].result(PATIENCE_S)
    kept.node.intake.tail_updater.flush()
    home.clock.advance(timedelta(seconds=1))
    kept.keeper.tick()
    assert kept.states() == ["healthy", "healthy"]
    kept.node.stop()


class SlowListing:
    """A site whose listings take three seconds."""

    def __init__(self, site: Site, clock: ManualClock) -> None:
        self._site = site
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        self._clock.advance(timedelta(seconds=3))
        return self._site.list(prefix, after)


def test_what_a_site_lacks_is_counted_a_small_part_of_the_time(kept: Kept) -> None:
    def lacks() -> int:
        kept.node.push(message(f"m-{kept.home.clock.now()}", b"<m/>"))
        kept.node.intake.tail_updater.flush()
        assert kept.keeper.tick() is None
        lag = kept.lag("standby")
        assert lag is not None
        return lag.objects

    away(kept.home, "standby")
    kept.look(3)
    kept.sites["primary"] = SlowListing(kept.home.primary, kept.home.clock)
    assert lacks() == 1
    kept.home.clock.advance(timedelta(seconds=28))
    assert lacks() == 1
    kept.home.clock.advance(timedelta(seconds=3))
    assert lacks() == 3


def lost_at(kept: Kept, site: str, count: int) -> list[str]:
    """Objects that the other site holds alone, and no receipt tells of."""
    keys = [kept.node.push(message(f"m-{n}", b"<m>%d</m>" % n))["object"] for n in range(count)]
    for key in keys:
        kept.home.sites[site].damage.drop(key)
    return keys


def rot(kept: Kept, site: str, keys: Sequence[str], first: Callable[[], None] = lambda: None) -> None:
    """From now on ``site`` answers, and does not give these objects."""
    for key in keys:
        kept.sites[site] = BadSector(kept.sites[site], key, first)


def compare(kept: Kept) -> ReconcileReport:
    kept.home.clock.advance(timedelta(seconds=90))
    report = kept.keeper.tick()
    assert report is not None
    return report


def test_objects_that_a_healthy_site_does_not_give_are_no_outage(kept: Kept) -> None:
    keys = lost_at(kept, "standby", 5)
    rot(kept, "primary", keys[:4])
    report = compare(kept)
    assert (report.failures, report.fetched.objects) == (4, 1)
    assert kept.states() == ["healthy", "healthy"]


def test_a_site_that_comes_back_with_a_rotted_object_does_not_flap(kept: Kept) -> None:
    rot(kept, "standby", lost_at(kept, "primary", 1))
    away(kept.home, "standby")
    kept.look(3)
    away(kept.home, "standby", times=0)
    kept.look(4)
    assert kept.states() == ["healthy", "catching-up"]
    for _ in range(3):
        assert compare(kept).failures == 1
        kept.look()
        assert kept.states() == ["healthy", "catching-up"]


def test_a_site_that_goes_away_in_a_comparison_is_told_once(kept: Kept) -> None:
    keys = lost_at(kept, "standby", 5)
    rot(kept, "primary", keys, lambda: kept.home.primary.fail_next("now", times=LONG))
    assert compare(kept).failures == 5
    assert kept.states() == ["suspect", "healthy"]


def test_a_site_that_is_found_full_by_a_comparison_is_told_once(kept: Kept) -> None:
    lost_at(kept, "standby", 5)
    kept.home.standby.fail_next("put", times=LONG, error=SiteFull("no room", site="standby"))
    assert compare(kept).failures == 5
    assert kept.states() == ["healthy", "suspect"]


def test_threads_start_and_end(kept: Kept) -> None:
    supervisor = Supervisor(clock=kept.archive.clock, stopwatch=kept.archive.stopwatch)
    supervisor.at_stop("watch", kept.watch.close)
    supervisor.add(*kept.watch.tasks, kept.keeper.task)
    supervisor.start()
    assert supervisor.stop() == ()


def test_a_change_waits_until_the_archive_takes_it(home: Home) -> None:
    """Under ``all``, nothing is written while a site is out; its changes are, when it is back."""
    kept = Kept(home)
    away(home, "standby")
    kept.look(3)
    kept.watch.record()
    assert len(kept.waiting) == 2
    away(home, "standby", times=0)
    kept.look(4)
    kept.put_on_record()
    assert [change[2] for change in kept.changes()] == ["suspect", "out", "catching-up"]
    kept.node.stop()


def test_changes_outlive_a_node_that_dies_in_the_outage(home: Home) -> None:
    """Under ``all`` it could archive none of them; the next one does, each once."""
    dead = Kept(home)
    away(home, "standby")
    dead.look(3)
    dead.watch.record()
    dead.waiting.close()  # what the end of a process does
    (left,) = (home.path / "cache" / "health").iterdir()
    copy = left.read_bytes()
    dead.node.stop()
    away(home, "standby", times=0)
    heir = Kept(home)
    heir.put_on_record()
    assert heir.changes() == [("standby", "healthy", "suspect"), ("standby", "suspect", "out")]
    heir.watch.record()
    assert not left.exists()
    heir.node.stop()
    left.write_bytes(copy)  # as when the heir dies before it has forgotten them
    last = Kept(home)
    last.put_on_record()
    assert len(last.changes()) == 2
    last.node.stop()
    home.check()
