"""One run on sites in memory: the same promises and the same questions, hundreds of times faster.

Two nodes (two open archives of one home) take messages while sites fail before or after their puts, stay
away, rot and burn down, nodes are killed, the hot tail is lost, days are compacted, the policy changes and
the host's clock jumps. The seed alone chooses; what threads make of it may differ by moments.
"""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Literal

import structlog

from tests.contract.harness import ManualClock
from tests.faults.chaos.checker import (
    Verdict,
    check_found,
    check_order,
    check_receipts,
    check_stored,
)
from tests.faults.chaos.gateways import GATEWAY, after
from tests.faults.chaos.history import History
from tests.faults.chaos.ledger import LARGE_BYTES, Kind, Ledger, Promise, body_of, event_of
from tests.faults.chaos.plan import POLICIES
from tests.support.archives import Home, Node, crash, memory_home, message
from vanvault.archiver.archive import Archive
from vanvault.archiver.compaction.run import compact, keep_locks
from vanvault.archiver.errors import Busy, SiteUnavailable, VanVaultError
from vanvault.archiver.evidence.receipts import Receipt
from vanvault.archiver.intake.drafts import Draft, MessageDraft
from vanvault.archiver.intake.receive import event_draft
from vanvault.archiver.model.metadata import Metadata
from vanvault.archiver.ports import ClockStopwatch
from vanvault.archiver.store.memory import MemorySite, Operation
from vanvault.recovery.reconcile.keeper import Keeper
from vanvault.recovery.reconcile.reconcile import reconcile
from vanvault.recovery.reconcile.upgrade import for_the_next_start, upgrade_all
from vanvault.recovery.repair.plan import plan_repair
from vanvault.recovery.repair.repair import repair
from vanvault.recovery.restore.plan import plan_restore
from vanvault.recovery.restore.restore import restore
from vanvault.recovery.verify.archive import verify_archive

SITES = ("primary", "standby")
_OPERATIONS: tuple[Operation, ...] = ("put", "get", "get_range", "stat", "versions", "list", "now", "extend")
_FOR_EVER = 1_000_000
_ACTIONS = 16
_SETTINGS = {
    "VANVAULT_INTAKE__LARGE_MESSAGE_BYTES": str(LARGE_BYTES),
    "VANVAULT_INTAKE__LINGER_MS": "0",
    "VANVAULT_HEALTH__BACK_S": "0",
    "VANVAULT_CLOCK__CHECK_S": "0.05",
    "VANVAULT_COMPACTION__SETTLE_HOURS": "0",
    "VANVAULT_JOBS__WORKERS": "1",
}
_FAULTS = (
    "segment-before-put",
    "segment-before-prove",
    "segment-before-lock",
    "segment-before-manifest",
    "segment-trusted",
    "compaction-before-record",
)


class HostClock(ManualClock):
    """The host's clock, which may be set wrong; the sites keep the right time."""

    def __init__(self, right: ManualClock) -> None:
        super().__init__(right.moment)
        self.right, self.off = right, timedelta()

    def now(self) -> datetime:
        return self.right.now() + self.off


class Killed(Exception):
    """A compactor died at one of its steps."""


@dataclass
class ChaosHome(Home):
    """A home whose nodes count seconds right, whatever their clock says."""

    def archive(self) -> Archive:
        assert isinstance(self.clock, HostClock)
        archive = Archive(
            self.path, clock=self.clock, stopwatch=ClockStopwatch(self.clock.right), fault=self.fault
        )
        for site in archive.sites.values():
            site.close()
        archive.sites.clear()
        archive.sites.update(self.sites)
        self._archives.append(archive)
        return archive


@dataclass
class World:
    """The home, its nodes, and what goes on."""

    home: ChaosHome
    clock: HostClock
    random: Random
    name: str
    ledger: Ledger
    verdict: Verdict
    policy: str
    victim: str
    nodes: list[Node] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    harmed: bool = False
    sent: int = 0
    events: int = 0

    def note(self, action: str, outcome: object = "ok", **more: object) -> None:
        self.verdict.history.note("run", action, str(outcome), **more)

    def start(self, count: int = 2) -> None:
        self.set_policy(self.policy)
        self.nodes = [Node(self.home.archive()) for _ in range(count)]
        for node in self.nodes:
            if not self.away:
                node.wait_ready()

    def set_policy(self, policy: str) -> None:
        self.policy = policy
        os.environ["VANVAULT_SITES__POLICY"] = "any" if policy == "any" else "all"
        os.environ["VANVAULT_SITES__FALL_BACK"] = str(policy == "fall-back").lower()

    def stop(self) -> None:
        for node in self.nodes:
            if not node.intake.stop(20):
                self.verdict.is_unverified("node", "did not stop")
        self.nodes = []

    def some_node(self) -> Node:
        return self.random.choice(self.nodes)

    def passes(self, seconds: float) -> None:
        self.clock.right.advance(timedelta(seconds=seconds))


def run_in_memory(folder: Path, seed: int, number: int) -> dict[str, Any]:
    """One run; its outcome as real.py tells it."""
    name = f"memory-{seed}-run-{number}"
    random = Random(f"memory/{seed}/{number}")
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with History(folder / f"{name}.jsonl") as history, ExitStack() as stack:
        ledger, verdict = Ledger(folder / f"{name}.ledger.jsonl"), Verdict(history)
        stack.callback(ledger.close)
        done: list[str] = []
        broken_off = False
        try:
            with _world(random, name, ledger, verdict) as world:
                _live(world, done)
                _end(world)
        except Exception as error:  # noqa: BLE001 - a run that breaks off is a result, and the worst
            history.note("run", "broken off", f"{type(error).__name__}: {error}")
            traceback.print_exc()
            broken_off = True
        result = {
            "run": name,
            "acknowledged": len(ledger),
            **verdict.counts(),
            "broken_off": broken_off,
            "nemeses": done,
        }
        history.note("run", "ended", "good" if verdict.good and not broken_off else "BAD", result=result)
    return result


@contextmanager
def _world(random: Random, name: str, ledger: Ledger, verdict: Verdict) -> Iterator[World]:
    before = {key: os.environ.get(key) for key in (*_SETTINGS, *_POLICY_NAMES)}
    os.environ.update(_SETTINGS)
    policy, victim = random.choice(POLICIES), random.choice(SITES)
    try:
        with tempfile.TemporaryDirectory() as folder, memory_home(Path(folder) / "home") as made:
            clock = HostClock(made.clock)
            home = ChaosHome(made.path, clock, made.sites)
            world = World(home, clock, random, name, ledger, verdict, policy, victim)
            verdict.history.note("run", "planned", policy, victim=victim)
            world.start()
            try:
                yield world
            finally:
                for site in home.sites.values():
                    _answers(site)
                clock.off = timedelta()
                world.stop()
                home.close()
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


_POLICY_NAMES = ("VANVAULT_SITES__POLICY", "VANVAULT_SITES__FALL_BACK")


def _live(world: World, done: list[str]) -> None:
    for _ in range(_ACTIONS):
        world.passes(world.random.uniform(0.01, 5))
        name = world.random.choice(tuple(ACTIONS))
        world.note(name, "begin")
        ACTIONS[name](world)
        done.append(name)
        _push(world)


def _push(world: World) -> None:
    """A few entries at some node, some of them known ones; a gateway that is refused asks again later."""
    node, random = world.some_node(), world.random
    known = world.ledger.promises()
    wanted: list[tuple[Kind, str, str]] = []
    for _ in range(random.randrange(1, 6)):
        dice = random.random()
        if known and dice < 0.15:
            promise = random.choice(known)
            wanted.append((promise.kind, promise.gateway, promise.id))
        elif dice < 0.3:
            world.events += 1
            wanted.append(("event", GATEWAY, f"{world.name}/t/{world.events}"))
        else:
            world.sent += 1
            wanted.append(("message", GATEWAY, f"{world.name}/{world.sent}"))
    if random.random() < 0.3:
        wanted += random.sample(world.ledger.pending(), min(3, len(world.ledger.pending())))
    for kind, gateway, id in dict.fromkeys(wanted):
        world.ledger.sent(kind, gateway, id)
        try:
            receipt = _push_one(world, node, kind, id)
        except VanVaultError as error:
            world.note("push", f"{type(error).__name__}: {error.message}"[:150], id=id)
            if not isinstance(error, (SiteUnavailable, Busy)):
                world.verdict.is_unverified(id, error)
            if kind == "event":
                break  # the next line of a log comes after this one
            continue
        _keep(world, Promise(kind, gateway, id, receipt))


def _push_one(world: World, node: Node, kind: Kind, id: str) -> Receipt:
    draft = _draft(world, kind, id)
    if isinstance(draft, MessageDraft) and draft.size >= LARGE_BYTES and not node.intake.knows(draft):
        node.intake.check_open(GATEWAY)
        degraded = node.archive.policy.admits_degraded(GATEWAY)
        draft = node.placed(draft, degraded=degraded)
    return node.push(draft)


def _draft(world: World, kind: Kind, id: str) -> Draft:
    now = world.clock.now()
    if kind == "event":
        return event_draft(GATEWAY, event_of(id), received=now)
    us = round(now.timestamp() * 1_000_000)
    return message(id, body_of(id), gateway=GATEWAY, received_us=us, given=Metadata(transaction_id="t-1"))


def _keep(world: World, promise: Promise) -> None:
    first = world.ledger.acknowledged(promise)
    kinship = after(first.receipt, promise.receipt)
    allowed = {"renewed": world.harmed, "lesser": bool(world.away), "wrong": False}
    if not allowed.get(kinship, True):
        world.verdict.is_unverified(promise.id, "another receipt than the first")
    if kinship == "twin":
        world.verdict.twins.add(promise.id)


def _nothing(world: World) -> None:
    """A quiet moment."""


def _put_fails(world: World) -> None:
    for site in world.random.sample(SITES, world.random.choice((1, 1, 2))):
        when: Literal["before", "after"] = world.random.choice(("before", "after"))
        world.home.sites[site].fail_next("put", when, times=world.random.choice((1, 1, 2, 5)))


def _goes_away(world: World) -> None:
    """One site at a time: without both there is nothing to be said."""
    if not world.away:
        site = world.random.choice(SITES)
        world.away.add(site)
        for operation in _OPERATIONS:
            world.home.sites[site].fail_next(operation, times=_FOR_EVER)
        for node in world.nodes:
            if world.random.random() < 0.7:  # this node has noticed
                for _ in range(3):
                    node.archive.health.saw(site, "look", SiteUnavailable("away", site=site))


def _comes_back(world: World) -> None:
    for site in list(world.away):
        _answers(world.home.sites[site])
    world.away.clear()
    for node in world.nodes:
        _look(world, node)


def _answers(site: MemorySite) -> None:
    for operation in _OPERATIONS:
        site.fail_next(operation, times=0)


def _look(world: World, node: Node) -> None:
    """What a node's health threads and its keeper do by and by."""
    for _ in range(4):
        world.passes(2)
        for name, site in node.archive.sites.items():
            try:
                site.now()
                node.archive.health.saw(name, "look")
            except SiteUnavailable as error:
                node.archive.health.saw(name, "look", error)


def _tick(world: World) -> None:
    """A keeper's round at some node."""
    node = world.some_node()
    _look(world, node)
    world.passes(90)
    writer = node.intake.committer.writer
    try:
        Keeper(node.archive, writer.record if writer else for_the_next_start).tick()
    except SiteUnavailable as error:
        world.note("tick", error.message)


def _node_crash(world: World) -> None:
    """Every node of the home is killed; what they were putting may lie somewhere."""
    for site in world.home.sites.values():
        if world.random.random() < 0.5:
            site.fail_next("put", "after", times=1)
    for node in world.nodes:
        crash(node, world.home)
    world.nodes = []
    if world.random.random() < 0.4:
        world.home.forget_hot_tail()
        world.note("hot tail", "lost")
    _still_away(world)
    world.start()


def _still_away(world: World) -> None:
    for site in world.away:
        for operation in _OPERATIONS:
            world.home.sites[site].fail_next(operation, times=_FOR_EVER)


def _restart(world: World) -> None:
    """A rolling restart, perhaps with another policy."""
    if world.away and world.policy == "all":
        _comes_back(world)
    world.stop()
    if world.random.random() < 0.5:
        world.set_policy(world.random.choice(POLICIES))
        world.note("policy", world.policy)
    world.start()


def _compact(world: World) -> None:
    """A day later; the compactor may be killed at a step of its own, and its next run goes on."""
    world.passes(world.random.choice((3_600, 86_400, 90_000)))
    at = world.random.choice(_FAULTS) if world.random.random() < 0.5 else ""

    def fault(step: str) -> None:
        if step == at:
            raise Killed(step)

    archive = world.home.archive()
    try:
        until = world.clock.right.now() if world.random.random() < 0.5 else None
        report = compact(archive, until, fault=fault).report
        world.note("compact", f"{len(report.segments)} segments", killed=at)
        keep_locks(archive)
    except (VanVaultError, Killed) as error:
        world.note("compact", f"{type(error).__name__}: {error}"[:150])


def _rot(world: World) -> None:
    """Bytes at the victim change or go; only of what the other site has, whole."""
    if world.away:
        return
    victim, good = (world.home.sites[site] for site in (world.victim, _other(world.victim)))
    there = {version.key for version in good.list()}
    keys = sorted({version.key for version in victim.list()} & there)
    for key in world.random.sample(keys, min(2, len(keys))):
        how = world.random.choice(("flip", "truncate", "drop"))
        if how == "flip":
            victim.damage.flip(key, world.random.randrange(8 * max(1, victim.stat(key).size)))
        elif how == "truncate":
            victim.damage.truncate(key, victim.stat(key).size // 2)
        else:
            victim.damage.drop(key)
        victim._unsettled.add(key)  # a repair may put it again
        world.harmed = True
        world.note(how, world.victim, key=key)


def _other(site: str) -> str:
    return SITES[1 - SITES.index(site)]


def _burns_down(world: World) -> None:
    """The victim is lost and rebuilt from the other, which has all of it; nodes start anew."""
    _comes_back(world)
    for site in world.home.sites.values():
        _answers(site)
    world.stop()
    archive = world.home.archive()
    archive.catch_up()
    if not (level := reconcile(archive.sites, pause=lambda: None)).level:
        world.verdict.is_unverified("reconcile", level)
    fresh = MemorySite(world.victim, clock=world.clock.right)
    fresh._count = 10_000 + world.random.randrange(10_000)
    source = archive.sites[_other(world.victim)]
    report = restore(plan_restore(source, fresh, name=world.victim), source, fresh)
    if not report.whole:
        world.verdict.is_unverified("restore", report.failures)
    world.home.sites[world.victim] = fresh
    world.harmed = True
    world.start()


def _clock_jumps(world: World) -> None:
    """The host's clock is wrong for a while; nothing may be locked by it."""
    world.clock.off = timedelta(days=world.random.choice((-4000, -1, 1, 4000)))
    node = world.some_node()
    world.sent += 1
    id = f"{world.name}/{world.sent}"
    world.ledger.sent("message", GATEWAY, id)
    try:
        receipt = _push_one(world, node, "message", id)
        world.verdict.is_unverified(id, f"taken while the clock was off: {receipt['received_at']}")
    except VanVaultError as error:
        world.note("push", f"{type(error).__name__}: {error.message}"[:150])
    world.clock.off = timedelta()


ACTIONS: dict[str, Callable[[World], None]] = {
    "quiet": _nothing,
    "put-fails": _put_fails,
    "site-away": _goes_away,
    "site-back": _comes_back,
    "keeper": _tick,
    "crash": _node_crash,
    "restart": _restart,
    "compact": _compact,
    "rot": _rot,
    "burnt-down": _burns_down,
    "clock-jump": _clock_jumps,
}


def _end(world: World) -> None:
    """Healed, mended by an operator, and asked in every way."""
    _comes_back(world)
    world.stop()
    for site in world.home.sites.values():
        _answers(site)
    world.start()
    archive = world.home.archive()
    world.note("healed")
    archive.catch_up()
    if world.harmed:
        plan = plan_repair(verify_archive(archive, pause=lambda: None))
        mended = repair(plan, archive.sites)
        if not mended.whole:
            world.verdict.is_unverified("repair", f"{mended.failed} {mended.beyond}"[:1500])
    level = reconcile(archive.sites, pause=lambda: None)
    if not level.level:
        world.verdict.is_unverified("reconcile", level)
    upgrade_all(archive)
    archive.record("site.reconciled", {})
    for kind, gateway, id in [
        *world.ledger.pending(),
        *((p.kind, p.gateway, p.id) for p in world.ledger.promises()),
    ]:
        node = world.some_node()
        try:
            receipt = _again(world, node, kind, id)
        except VanVaultError as error:
            world.verdict.is_unverified(id, error)
            continue
        if receipt.get("degraded"):
            world.verdict.is_unverified(id, "its receipt is degraded yet")
        _keep(world, Promise(kind, gateway, id, receipt))
    world.stop()
    archive.catch_up()
    _look_whole(world, archive)
    check_stored(archive, world.ledger, world.verdict)
    check_receipts(archive, world.ledger, world.verdict)
    _ask(world, archive)
    world.home.forget_hot_tail()
    fresh = world.home.archive()
    fresh.catch_up()
    _ask(world, fresh)
    for site in world.home.sites.values():
        # Two nodes that start at once may both settle one object: a version too many, of the same bytes.
        if broken := [breach for breach in site.breaches if " again " not in breach]:
            world.verdict.is_unverified(site.site, "; ".join(broken)[:500])


def _again(world: World, node: Node, kind: Kind, id: str) -> Receipt:
    draft = _draft(world, kind, id)
    if isinstance(draft, MessageDraft) and draft.size >= LARGE_BYTES and not node.intake.knows(draft):
        draft = node.placed(draft)
    return node.push_until_accepted(draft)


def _look_whole(world: World, archive: Archive) -> None:
    """Verification and comparison end clean."""
    for finding in verify_archive(archive, pause=lambda: None).findings:
        if finding.failing:
            world.verdict.is_unverified("verify", finding)
    level = reconcile(archive.sites, pause=lambda: None)
    if not level.level or level.fetched.objects:
        world.verdict.is_unverified("reconcile", level)


def _ask(world: World, archive: Archive) -> None:
    """Everything promised is found, once, and in order."""
    check_found(archive, world.ledger, world.verdict)

    def timeline(transaction: str, gateway: str) -> list[str]:
        items = archive.search.timeline(transaction, gateway).items
        return [item["event_id"] for item in items if item["entry"] == "event"]

    check_order(world.ledger, world.verdict, timeline)
