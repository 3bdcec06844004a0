"""One run on sites in memory: the same promises and the same questions, hundreds of times faster.

Two nodes (two open archives of one home) take messages while sites fail before or after their puts, stay
away, rot and burn down, nodes are killed, the hot tail is lost, days are compacted, the policy changes and
the host's clock jumps. The seed alone chooses; what threads make of it may differ by moments.
"""

from __future__ import annotations

import traceback
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import structlog

from tests.faults.chaos.checker import (
    Verdict,
    check_found,
    check_order,
    check_receipts,
    check_stored,
)
from tests.faults.chaos.history import History
from tests.faults.chaos.ledger import LARGE_BYTES, Kind, Ledger, Promise
from tests.faults.chaos.memory_actions import ACTIONS, comes_back, draft_of, keep, push_some
from tests.faults.chaos.memory_world import World, answers, open_world
from tests.support.archives import Node
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.model import MessageDraft
from vanvault.recovery.reconcile import reconcile_sites, upgrade_all
from vanvault.recovery.repair import plan_repair, repair_sites
from vanvault.recovery.verify import verify_archive

_ACTIONS = 16


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
            with open_world(random, name, ledger, verdict) as world:
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


def _live(world: World, done: list[str]) -> None:
    for _ in range(_ACTIONS):
        world.passes(world.random.uniform(0.01, 5))
        name = world.random.choice(tuple(ACTIONS))
        world.note(name, "begin")
        ACTIONS[name](world)
        done.append(name)
        push_some(world)


def _end(world: World) -> None:
    """Healed, mended by an operator, and asked in every way."""
    comes_back(world)
    world.stop()
    for site in world.home.sites.values():
        answers(site)
    world.start()
    archive = world.home.archive()
    world.healed = True
    world.note("healed")
    archive.catch_up()
    if world.harmed:
        plan = plan_repair(verify_archive(archive, pause=lambda: None))
        mended = repair_sites(plan, archive.sites)
        if not mended.whole:
            world.verdict.is_unverified("repair", f"{mended.failed} {mended.beyond}"[:1500])
    level = reconcile_sites(archive.sites, pause=lambda: None)
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
        keep(world, Promise(kind, gateway, id, receipt))
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
    draft = draft_of(world, kind, id)
    if isinstance(draft, MessageDraft) and draft.size >= LARGE_BYTES and not node.intake.knows(draft):
        draft = node.placed(draft)
    return node.push_until_accepted(draft)


def _look_whole(world: World, archive: Archive) -> None:
    """Verification and comparison end clean."""
    for finding in verify_archive(archive, pause=lambda: None).findings:
        if finding.failing:
            world.verdict.is_unverified("verify", finding)
    level = reconcile_sites(archive.sites, pause=lambda: None)
    if not level.level or level.fetched.objects:
        world.verdict.is_unverified("reconcile", level)


def _ask(world: World, archive: Archive) -> None:
    """Everything promised is found, once, and in order."""
    check_found(archive, world.ledger, world.verdict)

    def timeline(transaction: str, gateway: str) -> list[str]:
        items = archive.search.timeline(transaction, gateway).items
        return [item["event_id"] for item in items if item["entry"] == "event"]

    check_order(world.ledger, world.verdict, timeline)
