"""What happens in a run on sites in memory: pushes, faults, and what operators do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from tests.faults.chaos.gateways import GATEWAY, after
from tests.faults.chaos.ledger import LARGE_BYTES, Kind, Promise, body_of, event_of
from tests.faults.chaos.memory_world import FOR_EVER, OPERATIONS, SITES, World, answers
from tests.faults.chaos.plan import POLICIES
from tests.support.archives import Node, crash, message
from tests.support.memory_site import MemorySite
from vanvault.archiver.core.errors import Busy, SiteUnavailable, VanVaultError
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.model import Draft, MessageDraft, Metadata
from vanvault.archiver.intake import event_draft
from vanvault.archiver.upkeep import compact, keep_locks
from vanvault.recovery.reconcile import Reconciler, reconcile_sites
from vanvault.recovery.reconcile.upgrade import for_the_next_start
from vanvault.recovery.restore import plan_restore, restore_site

_FAULTS = (
    "segment-before-put",
    "segment-before-prove",
    "segment-before-lock",
    "segment-before-manifest",
    "segment-trusted",
    "compaction-before-record",
)


class Killed(Exception):
    """A compactor died at one of its steps."""


def push_some(world: World) -> None:
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
            receipt = push_one(world, node, kind, id)
        except VanVaultError as error:
            world.note("push", f"{type(error).__name__}: {error.message}"[:150], id=id)
            if not isinstance(error, (SiteUnavailable, Busy)):
                world.verdict.is_unverified(id, error)
            if kind == "event":
                break  # the next line of a log comes after this one
            continue
        keep(world, Promise(kind, gateway, id, receipt))


def push_one(world: World, node: Node, kind: Kind, id: str) -> Receipt:
    draft = draft_of(world, kind, id)
    if isinstance(draft, MessageDraft) and draft.size >= LARGE_BYTES and not node.intake.knows(draft):
        node.intake.check_open(GATEWAY)
        degraded = node.archive.policy.admits_degraded(GATEWAY)
        draft = node.placed(draft, degraded=degraded)
    return node.push(draft)


def draft_of(world: World, kind: Kind, id: str) -> Draft:
    now = world.clock.now()
    if kind == "event":
        return event_draft(GATEWAY, event_of(id), received=now)
    us = round(now.timestamp() * 1_000_000)
    return message(id, body_of(id), gateway=GATEWAY, received_us=us, given=Metadata(transaction_id="t-1"))


def keep(world: World, promise: Promise) -> None:
    first = world.ledger.acknowledged(promise)
    kinship = after(first.receipt, promise.receipt)
    allowed = {"renewed": world.harmed, "lesser": not world.healed, "wrong": False}
    if not allowed.get(kinship, True):
        told = {name: first.receipt.get(name) for name in promise.receipt}
        changed = {
            name: (told[name], later) for name, later in promise.receipt.items() if told[name] != later
        }
        world.verdict.is_unverified(promise.id, f"another receipt than the first ({kinship}): {changed}")
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
        for operation in OPERATIONS:
            world.home.sites[site].fail_next(operation, times=FOR_EVER)
        for node in world.nodes:
            if world.random.random() < 0.7:  # this node has noticed
                for _ in range(3):
                    node.archive.health.saw(site, "look", SiteUnavailable("away", site=site))


def comes_back(world: World) -> None:
    for site in list(world.away):
        answers(world.home.sites[site])
    world.away.clear()
    for node in world.nodes:
        _look(world, node)


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
    """A reconciler's round at some node."""
    node = world.some_node()
    _look(world, node)
    world.passes(90)
    writer = node.intake.committer.writer
    try:
        Reconciler(node.archive, writer.record if writer else for_the_next_start).tick()
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
    still_away(world)
    world.start()


def still_away(world: World) -> None:
    for site in world.away:
        for operation in OPERATIONS:
            world.home.sites[site].fail_next(operation, times=FOR_EVER)


def _restart(world: World) -> None:
    """A rolling restart, perhaps with another policy."""
    if world.away and world.policy == "all":
        comes_back(world)
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
        victim.allow_put_again(key)
        world.harmed = True
        world.note(how, world.victim, key=key)


def _other(site: str) -> str:
    return SITES[1 - SITES.index(site)]


def _burns_down(world: World) -> None:
    """The victim is lost and rebuilt from the other, which has all of it; nodes start anew."""
    comes_back(world)
    for site in world.home.sites.values():
        answers(site)
    world.stop()
    archive = world.home.archive()
    archive.catch_up()
    if not (level := reconcile_sites(archive.sites, pause=lambda: None)).level:
        world.verdict.is_unverified("reconcile", level)
    first = 10_001 + world.random.randrange(10_000)
    fresh = MemorySite(world.victim, clock=world.clock.right, first_version=first)
    source = archive.sites[_other(world.victim)]
    report = restore_site(plan_restore(source, fresh, name=world.victim), source, fresh)
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
        receipt = push_one(world, node, "message", id)
        world.verdict.is_unverified(id, f"taken while the clock was off: {receipt['received_at']}")
    except VanVaultError as error:
        world.note("push", f"{type(error).__name__}: {error.message}"[:150])
    world.clock.off = timedelta()


ACTIONS: dict[str, Callable[[World], None]] = {
    "quiet": _nothing,
    "put-fails": _put_fails,
    "site-away": _goes_away,
    "site-back": comes_back,
    "keeper": _tick,
    "crash": _node_crash,
    "restart": _restart,
    "compact": _compact,
    "rot": _rot,
    "burnt-down": _burns_down,
    "clock-jump": _clock_jumps,
}
