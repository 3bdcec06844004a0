"""After an attack: everything that a node and its operators do, and the questions about what came of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.faults.hostile.model import Promise
from tests.faults.hostile.verdict import Verdict
from tests.faults.hostile.view import View, added, changed, longest_locks, parse, view_of_folder
from tests.faults.hostile.world import (
    BATCH_LOCK_DAYS,
    RealClock,
    World,
    environment,
    pass_days,
    push,
    rules_of,
    send,
)
from tests.support.archives import GATEWAY, Node
from tests.support.living import copy_present
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import Damaged, SiteUnavailable, VanVaultError
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.upkeep import compact, keep_locks
from vanvault.recovery.failover import gather
from vanvault.recovery.reconcile import ReconcileRequest, reconcile
from vanvault.recovery.repair import RepairRequest, repair
from vanvault.recovery.restore import RestoreRequest, restore
from vanvault.recovery.status import status
from vanvault.recovery.verify import read_back

#: Days by which a lock may exceed the rule: keepers and copies round up.
_SLACK_DAYS = 8


@dataclass(frozen=True, slots=True)
class Done:
    """One act that was done, and what must be said of it."""

    act: str
    marks: tuple[str, ...]


class Examination:
    """Of one world, after its acts."""

    def __init__(self, world: World, verdict: Verdict, *, useless: bool) -> None:
        """``useless``: the hostile site may be out now, so what needs both sites may say so."""
        self.world = world
        self.verdict = verdict
        self.useless = useless
        self._pushed = 0

    # what a node does

    def goes_on(self, node: Node, *, after: str = "the acts") -> None:
        """The node that ran through the attack: follows, takes, answers."""
        with self.verdict.step(f"running node after {after}, following", excused=self._is_told):
            node.archive.refresh()
        with self.verdict.step(f"running node after {after}"):
            self._take(node)
        with self.verdict.step(f"running node after {after}, asked"):
            self._ask(node.archive)

    def starts(self, name: str, *, without_caches: bool = False) -> None:
        """A node started anew."""
        if without_caches:
            for folder in ("cache", "index", "index-work"):
                shutil.rmtree(self.world.home / folder, ignore_errors=True)
        with self.verdict.step(name), self.world.open() as archive, Node(archive) as node:
            node.wait_ready()
            self._take(node)
            with self.verdict.step(f"{name}, asked"):
                self._ask(archive)

    def _take(self, node: Node) -> None:
        """A new message, a new event, and all the old ones once more."""
        model, world = self.world.model, self.world
        known = dict(model.promises)
        self._pushed += 1
        push(model, node, f"late-{self._pushed}", b"<late>%d</late>" % self._pushed, world.clock)
        push(model, node, f"late-event-{self._pushed}", None, world.clock)
        for id, promise in known.items():
            self._compare(promise, send(model, node, id, world.clock), "a repeated push")
        node.intake.tail_updater.flush()

    def _ask(self, archive: Archive) -> None:
        """Everything that was promised, by search, original and receipt; and nothing else is there."""
        for promise in self.world.model.promises.values():
            self._ask_for(archive, promise)
        self._look_for_strangers(archive)

    def _ask_for(self, archive: Archive, promise: Promise) -> None:
        field = "event_id" if promise.kind == "event" else "message_id"
        page = archive.search.page(Query(filters={field: promise.id, "gateway": GATEWAY}, limit=10))
        if page.unread:
            self.verdict.stopped.append(
                f"search for {promise.id}: unread {[one.object for one in page.unread]}"
            )
        items = [item for item in page.items if item["entry"] == promise.kind]
        if [item["id"] for item in items] != [promise.receipt["id"]]:
            self.verdict.lost.append(f"{promise.id}: a search finds {[item['id'] for item in items]}")
            return
        if promise.kind == "message" and archive.original(items[0]) != promise.body:
            self.verdict.lost.append(f"{promise.id}: other bytes")
        self._compare(promise, archive.receipts.of(promise.receipt["id"]), "GET of the receipt")

    def _compare(self, promise: Promise, receipt: dict[str, Any], what: str) -> None:
        """The first receipt again.

        Of what was pushed after the acts, the hostile site may have lost its copy since, and a degraded
        receipt is followed by one that is not: then the placements there may be others, and nothing else.
        """
        if receipt == promise.receipt:
            return
        if promise.id.startswith("late-") and self._rest(receipt) == self._rest(promise.receipt):
            return
        self.verdict.lost.append(f"{promise.id}: {what} gives another receipt: {receipt['object'][:60]}")

    def _rest(self, receipt: dict[str, Any]) -> dict[str, Any]:
        changing = ("placements", "policy", "degraded", "proof", "signature", "signing_key")
        kept = [one for one in receipt["placements"] if one["site"] == self.world.honest]
        return {**{name: receipt[name] for name in receipt if name not in changing}, "honest": kept}

    def _look_for_strangers(self, archive: Archive) -> None:
        """Entries that nobody sent, events that nobody caused."""
        known = {promise.receipt["id"] for promise in self.world.model.promises.values()}
        for item in _everything(archive, GATEWAY):
            if item["id"] not in known and item.get("message_id", "") not in self.world.model.sent:
                self.verdict.believed.append(f"entry {item['id']}")
        for item in _everything(archive, SYSTEM_GATEWAY):
            if "failover" in item.get("type", ""):
                self.verdict.believed.append(f"event {item['type']}")
        others = [
            item for item in _everything(archive, "") if item["gateway"] not in (GATEWAY, SYSTEM_GATEWAY)
        ]
        self.verdict.believed += [f"entry of the gateway {item['gateway']}" for item in others]
        facts = gather(archive)
        if facts.leadership.epoch:
            self.verdict.believed.append(f"a failover: epoch {facts.leadership.epoch}")
        if facts.conflicts:
            self.verdict.believed.append(f"{facts.conflicts} conflicts")

    # what operators do

    def names(self, acts: list[Done]) -> None:
        """Verification and status say of each act at which site something is wrong."""
        said: list[str] = []
        with self.verdict.step("verify", excused=self._excused), self.world.open() as archive:
            report = read_back(archive, workers=2)
            said += [f"{one.key} {one.detail}" for one in report.findings if one.site == self.world.hostile]
            honest = [
                one
                for one in report.findings
                if one.site == self.world.honest and one.failing and one.key not in self.world.proved
            ]
            self.verdict.stopped += [
                f"verify blames {one.site}: {one.problem} {one.key}" for one in honest[:3]
            ]
        with self.verdict.step("status", excused=self._excused), self.world.open() as archive:
            said += _said_by_status(status(archive).as_json(), self.world.hostile)
        for done in acts:
            for mark in done.marks:
                if not any(mark in line for line in said):
                    self.verdict.unnamed.append(f"{done.act}: {mark}")

    def is_kept(self, *, compacted: bool = True) -> None:
        """Reconciliation, repair, keeping of locks, compaction."""
        verbs: dict[str, Callable[[Archive], object]] = {
            "reconcile": lambda archive: reconcile(archive, ReconcileRequest()),
            "repair": lambda archive: repair(archive, RepairRequest(workers=2)),
            "keep locks": keep_locks,
        }
        if compacted:
            verbs["compact"] = lambda archive: compact(archive, self._until())
        for name, verb in verbs.items():
            if name == "compact":
                pass_days(self.world.clock, 2)
            with self.verdict.step(name, excused=self._excused), self.world.open() as archive:
                verb(archive)

    def _until(self) -> Any:
        return self.world.now() if isinstance(self.world.clock, RealClock) else None

    def _excused(self, error: VanVaultError) -> bool:
        """Where the hostile site may be out, what needs both sites may say that it is."""
        return self.useless and self._is_told(error)

    def _is_told(self, error: VanVaultError) -> bool:
        """Does the error say that the hostile site does not give what it should?"""
        told = isinstance(error, SiteUnavailable | Damaged) and error.site in ("", self.world.hostile)
        return told or self.world.hostile in error.message

    def is_restored(self, folder: Path) -> None:
        """The hostile site's disks are exchanged: all is there again, from the honest site alone."""
        self.world.tell_the_truth()
        with (
            self._without(self.world.hostile, folder) as home,
            self.verdict.step("restore of the hostile site"),
            self.world.open(home=home) as archive,
        ):
            done = restore(archive, RestoreRequest(self.world.honest, workers=2))
            findings = done.verified.findings if done.verified else done.report.failures
            bad = [one for one in findings if one.failing and one.key not in self.world.proved]
            if bad or not done.report.whole:
                self.verdict.lost.append(f"the restored site is not whole: {bad[:2]}")
            self._ask(archive)

    def is_source(self, folder: Path) -> None:
        """The honest site burns down and is rebuilt from the hostile one: only genuine objects are copied."""

        def excused(error: VanVaultError) -> bool:
            return True  # what the source does not give cannot be had; what matters is what was copied

        with self._without(self.world.honest, folder) as home:
            step = self.verdict.step("restore from the hostile site", excused=excused)
            with step, self.world.open(home=home) as archive:
                restore(archive, RestoreRequest(self.world.hostile, workers=2, verify=False))
            root = home / "sites" / self.world.honest
            if root.is_dir():
                self._check_copies({}, view_of_folder(root), "the site restored from the hostile one")

    @contextmanager
    def _without(self, site: str, folder: Path) -> Iterator[Path]:
        """A copy of the home in which one site is a folder that is not there."""
        home = folder / f"without-{site}"
        ignored = shutil.ignore_patterns("cache", "index", "index-work")
        shutil.copytree(self.world.home, home, ignore=ignored, symlinks=True, copy_function=_copy)
        shutil.rmtree(home / "sites" / site, ignore_errors=True)
        (home / "sites").mkdir(exist_ok=True)
        url = {f"VANVAULT_SITES__{site.upper()}__URL": f"file:sites/{site}"}
        with environment(self.world.policy, **url):
            yield home

    # what lies at the other site now

    def is_clean(self) -> None:
        """The honest site holds what it held, what honest writers wrote since, and nothing else."""
        after = self.world.honest_hand.view()
        for key, version, now in changed(self.world.before, after):
            self.verdict.lost.append(
                f"{key} {version} at {self.world.honest} is {'gone' if now is None else 'changed'}"
            )
        self._check_copies(self.world.before, after, self.world.honest)

    def _check_copies(self, before: View, after: View, where: str) -> None:
        seal = self.world.seal
        for key, _, held in added(before, after):
            if key in self.world.forged or not seal.is_genuine(key, held):
                self.verdict.copied.append(f"{where} holds {key[:120]}")
        with self.world.open() as archive:
            longest = longest_locks(**rules_of(archive), batch_days=BATCH_LOCK_DAYS)
        now = self.world.now()
        for key, found in after.items():
            name = parse(key)
            for version, held in found.items():
                was = before.get(key, {}).get(version)
                if name is None or (was is not None and was.until == held.until) or held.until is None:
                    continue
                if held.until > now + timedelta(days=longest[name.kind] + _SLACK_DAYS):
                    self.verdict.copied.append(f"{where} locks {key[:60]} ({name.kind}) until {held.until}")


def _everything(archive: Archive, gateway: str) -> list[dict[str, Any]]:
    filters = {"gateway": gateway} if gateway else {}
    return [dict(item) for item in archive.search.page(Query(filters=filters, limit=1000)).items]


def _said_by_status(report: dict[str, Any], site: str) -> list[str]:
    """What a status says of one site that is not well."""
    found = [json.dumps(one) for one in report["sites"] if one["site"] == site and not one["reachable"]]
    found += [
        json.dumps(one) for one in report["health"]["sites"] if one["site"] == site and one["state"] == "out"
    ]
    quarantine = report.get("quarantine")
    if quarantine:
        found.append(json.dumps(quarantine))
    return found


def _copy(source: str, target: str) -> str:
    """Only files of moderate size: pipes and devices block, and gigabytes cost a minute."""
    path = Path(source)
    if path.is_file() and path.stat().st_size < 2**26:
        copy_present(source, target)
    return target
