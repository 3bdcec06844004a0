"""One run on real hosts: ``real.py MODE SEED NUMBER SECONDS FOLDER NODES``; ends with one line of JSON."""

from __future__ import annotations

import heapq
import itertools
import json
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults.chaos.checker import Verdict, check_stored
from tests.faults.chaos.cluster import Cluster, other
from tests.faults.chaos.gateways import Gateways
from tests.faults.chaos.history import History
from tests.faults.chaos.hosts import Hosts, Loopback, Namespaces
from tests.faults.chaos.inspection import inspect
from tests.faults.chaos.ledger import Ledger
from tests.faults.chaos.nemeses import begin, wipe
from tests.faults.chaos.plan import Plan, plan_of
from tests.servers.host_clock import library
from vanvault.archiver.appliance import Archive


def main(mode: str, seed: int, number: int, seconds: float, folder: Path, nodes: int) -> dict[str, Any]:
    """The outcome of one run. What it leaves of a good one is its history and its ledger."""
    namespaces = mode == "namespaces"
    clocks = library().is_file()
    plan = plan_of(seed, number, seconds=seconds, namespaces=namespaces, clocks=clocks, nodes=nodes)
    place = folder.resolve() / plan.name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    with History(folder / f"{plan.name}.jsonl") as history:
        history.note("run", "planned", plan.policy, mode=mode, plan=asdict(plan))
        ledger, verdict = Ledger(folder / f"{plan.name}.ledger.jsonl"), Verdict(history)
        broken_off = False
        try:
            _run(plan, Namespaces() if namespaces else Loopback(), place, seconds, ledger, verdict)
        except Exception as error:  # noqa: BLE001 - a run that breaks off is a result, and the worst
            history.note("run", "broken off", f"{type(error).__name__}: {error}")
            traceback.print_exc()
            broken_off = True
        result = {
            "run": plan.name,
            "policy": plan.policy,
            "acknowledged": len(ledger),
            **verdict.counts(),
            "conflicts": sum(len(both) > 1 for both in ledger.contents().values()),
            "broken_off": broken_off,
            "nemeses": [step.nemesis for step in plan.steps] + ["wipe"] * plan.wiped,
            "seconds": round(history.seconds, 1),
        }
        history.note("run", "ended", "good" if verdict.good and not broken_off else "BAD", result=result)
    ledger.close()
    if verdict.good and not broken_off:
        shutil.rmtree(place)
    return result


def _run(plan: Plan, hosts: Hosts, folder: Path, seconds: float, ledger: Ledger, verdict: Verdict) -> None:
    history = verdict.history
    cluster = Cluster(folder, hosts, history, plan)
    with cluster.running():
        history.note("run", "started")
        urls = [node.url for node in cluster.nodes]
        gateways = Gateways(hosts, cluster.gateways, urls, cluster.token, ledger, history, plan.name)
        gateways.start()
        try:
            _let_loose(plan, cluster, seconds)
            if plan.sudden:
                wipe(cluster, plan.victim)
            cluster.heal()
            if plan.sudden:
                _look_at_survivor(plan.victim, cluster, ledger, verdict)
                _rebuild(plan.victim, cluster, verdict)
            elif plan.wiped:
                _burn_down(plan.victim, cluster, gateways, verdict)
        finally:
            gateways.stop()
        history.note("run", "load ended", acknowledged=len(ledger), pending=len(ledger.pending()))
        for id in gateways.broken:
            verdict.is_unverified(id, "a gateway was answered what it may never be")
        verdict.twins |= gateways.twins
        inspect(cluster, ledger, verdict)
        if not verdict.good:
            shutil.copytree(folder / "stores", folder / "stores-kept")


def _let_loose(plan: Plan, cluster: Cluster, seconds: float) -> None:
    """All steps of the plan, each ended in its time."""
    began, order = time.monotonic(), itertools.count()
    due: list[tuple[float, int, Callable[[], None]]] = []

    def start(number: int) -> None:
        step = plan.steps[number]
        cluster.history.note("nemesis", "begin", step.nemesis, site=step.site, node=step.node)
        undo = begin(cluster, step)

        def end() -> None:
            undo()
            cluster.history.note("nemesis", "end", step.nemesis)

        heapq.heappush(due, (step.at + step.seconds, next(order), end))

    for number, step in enumerate(plan.steps):
        heapq.heappush(due, (step.at, next(order), lambda number=number: start(number)))  # type: ignore[misc]
    while due:
        at, _, act = heapq.heappop(due)
        time.sleep(max(0.0, began + at - time.monotonic()))
        act()
    time.sleep(max(0.0, began + seconds - time.monotonic()))


def _burn_down(site: str, cluster: Cluster, gateways: Gateways, verdict: Verdict) -> None:
    """Wipe a site when the other has everything, go on pushing, and rebuild it meanwhile."""
    cluster.wait_ready()
    gateways.pause()
    code, report = cluster.verb("reconcile")
    if (
        code not in (0, 3) or not report["level"]
    ):  # what is damaged at the other site cannot come from there: nothing was harmed there
        verdict.is_unverified("reconcile", f"not level before the site was lost: {report}")
    wipe(cluster, site)
    gateways.go_on()
    _rebuild(site, cluster, verdict)


def _look_at_survivor(lost: str, cluster: Cluster, ledger: Ledger, verdict: Verdict) -> None:
    """Before anything is copied: whatever was acknowledged until now lies at the other site, too."""
    with Archive.open(cluster.archive_home) as archive:
        check_stored(archive, ledger, verdict, named_only=True, spared=lost)
    cluster.history.note("run", "looked at the survivor", other(lost), promises=len(ledger))


def _rebuild(site: str, cluster: Cluster, verdict: Verdict) -> None:
    """As an operator does, while the nodes run."""
    time.sleep(1.0)
    code, report = cluster.verb("restore", "--from", other(site), "--no-verify")
    if code != 0:
        verdict.is_unverified("restore", f"exit {code}: {report}")
    time.sleep(1.0)


if __name__ == "__main__":
    mode, seed, number, seconds, folder, nodes = sys.argv[1:]
    print(json.dumps(main(mode, int(seed), int(number), float(seconds), Path(folder), int(nodes))))
