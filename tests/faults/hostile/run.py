"""``python -m tests.faults.hostile.run``: seeded runs, and one line of JSON at the end (``make hostile``).

A run is one archive, of file sites or of buckets, at one site of which some acts of the table are done
(``acts.py``). The first runs do each act once; later ones do what the seed chooses. The exit code is 0 only
when nothing was believed, copied, stopped, lost or left unnamed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import structlog

from tests.faults.hostile.acts import ACTS
from tests.faults.hostile.buckets import bucket_world
from tests.faults.hostile.examine import Done, Examination
from tests.faults.hostile.hands import FileHand, Unfit
from tests.faults.hostile.table import Act
from tests.faults.hostile.verdict import Verdict
from tests.faults.hostile.world import Clock, Estate, World, build, lying
from tests.servers.endpoint import Endpoint
from tests.servers.minio import MinioServer, binary
from tests.support.archives import SITES, Node

#: Acts of one run, about.
ACTS_OF_A_RUN = 24
_BEGAN = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Templates:
    """Archives that are built once and copied for each run; only to be read."""

    ours: Estate
    other: Estate

    @classmethod
    def built(cls, folder: Path) -> Templates:
        ours = build(folder / "ours" / "home", Clock(_BEGAN))
        return cls(ours, build(folder / "other" / "home", Clock(_BEGAN), name="other"))


@dataclass(frozen=True)
class Plan:
    """One run: which acts, at which site, under which policy."""

    number: int
    hostile: str
    policy: str
    acts: tuple[str, ...]
    apart: bool = False  # one act after the other, each undone before the next

    @property
    def useless(self) -> bool:
        return any(ACTS[act].useless for act in self.acts)


class Plans:
    """Each act of a kind of sites once, then what chance chooses; without an end."""

    def __init__(
        self, seed: int, store: str = "file", groups: Sequence[str] = ("mixed", "named", "apart")
    ) -> None:
        self._random = Random(f"hostile/{seed}/{store}")
        self._fit = [act for act in ACTS.values() if store in act.stores]
        self._todo = {group: self._some(group) for group in groups}
        self._number = 0

    @property
    def each_was_done(self) -> bool:
        return not any(self._todo.values())

    def next(self) -> Plan:
        """The next run."""
        self._number += 1
        random = self._random
        for group, todo in self._todo.items():
            if todo:
                chosen, self._todo[group] = todo[:ACTS_OF_A_RUN], todo[ACTS_OF_A_RUN:]
                return self._plan(random.choice(("all", "any")), chosen, apart=group == "apart")
        chosen = random.sample([act for act in self._fit if not act.useless], ACTS_OF_A_RUN)
        if self._number % 2:
            chosen.append(random.choice([act for act in self._fit if act.useless]))
        return self._plan(random.choice(("all", "any")), chosen)

    def again(self, unfit: Sequence[str]) -> None:
        """Acts for which nothing was left: they wait for another run."""
        if not self.each_was_done:
            for act in (ACTS[name] for name in unfit):
                self._todo[act.group].append(act)

    def _some(self, group: str) -> list[Act]:
        chosen = [act for act in self._fit if act.group == group]
        return self._random.sample(chosen, len(chosen))

    def _plan(self, policy: str, acts: Sequence[Act], *, apart: bool = False) -> Plan:
        if any(act.useless for act in acts):
            policy = "any"  # under "all" nothing is acknowledged without the hostile site, and rightly so
        ordered = sorted(acts, key=lambda act: act.turn)
        names = tuple(act.name for act in ordered)
        return Plan(self._number, self._random.choice(SITES), policy, names, apart)


def run(
    plan: Plan, templates: Templates, folder: Path, seed: int, *, brief: bool = False
) -> tuple[Verdict, list[Done], list[str]]:
    """One run on file sites: what was found, what was done, and acts for which nothing was left."""
    random = Random(f"hostile/{seed}/{plan.number}")
    estate = templates.ours.copied(folder)
    sites = {name: FileHand(estate.home / "sites" / name, random, estate.clock.now) for name in SITES}
    honest = next(site for site in SITES if site != plan.hostile)
    world = World(
        estate=estate,
        hostile=plan.hostile,
        hand=sites[plan.hostile],
        honest_hand=sites[honest],
        other=templates.other,
        random=random,
        policy=plan.policy,
        before=sites[honest].view(),
        earlier=folder / "earlier" / plan.hostile,
    )
    return attack(world, plan, folder, brief=brief)


def run_in_buckets(
    plan: Plan, other: Estate, folder: Path, seed: int, server: Endpoint
) -> tuple[Verdict, list[Done], list[str]]:
    """The same on buckets of a MinIO; the archive is built first."""
    random = Random(f"hostile/{seed}/s3/{plan.number}")
    with bucket_world(folder, server, other, random, hostile=plan.hostile, policy=plan.policy) as world:
        return attack(world, plan, folder)


def attack(
    world: World, plan: Plan, folder: Path, *, brief: bool = False
) -> tuple[Verdict, list[Done], list[str]]:
    """Do the acts while a node runs, and examine what came of it; ``brief``: until something is found."""
    verdict, done, unfit = Verdict(), list[Done](), list[str]()
    examination = Examination(world, verdict, useless=plan.useless)

    def act(name: str) -> None:
        try:
            done.append(Done(name, ACTS[name].do(world)))
        except Unfit:
            unfit.append(name)

    def rest() -> Iterator[Callable[[], None]]:
        """What is done after the acts, step by step."""
        if not plan.apart:
            yield lambda: examination.names(done)
        yield lambda: examination.starts("restart without caches", without_caches=True)
        yield lambda: examination.is_kept(compacted=not brief)
        yield lambda: examination.starts("restart at the end", without_caches=not plan.number % 2)
        yield examination.is_clean
        if not plan.apart:
            yield lambda: examination.is_source(folder)
        yield lambda: examination.is_restored(folder)

    with lying(world):
        with verdict.step("first node"), world.open() as archive, Node(archive) as node:
            node.wait_ready()
            for name in plan.acts:
                if not plan.apart:
                    act(name)
                    continue
                with world.undone(folder):
                    act(name)
                    examination.goes_on(node, after=name)
                    examination.names(done[-1:])
                    examination.starts(f"start after {name}", without_caches=True)
            examination.goes_on(node)
        for step in rest():
            if brief and not verdict.good:
                break
            step()
    return verdict, done, unfit


def every_act_once(templates: Templates, folder: Path, seed: int, group: str) -> list[str]:
    """All acts of a group on file sites, in as many runs as they need: what was found."""
    plans, found, number = Plans(seed, groups=(group,)), list[str](), 0
    while not plans.each_was_done:
        plan, number = plans.next(), number + 1
        place = folder / str(number)
        place.mkdir()
        verdict, done, unfit = run(plan, templates, place, seed)
        plans.again(unfit)
        found += [f"{line} ({plan.hostile}: {[one.act for one in done]})" for line in verdict.lines()]
        shutil.rmtree(place, ignore_errors=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    began = time.monotonic()
    stores = _stores(options)
    total: Counter[str] = Counter()
    failed: list[int] = []
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        templates = Templates.built(folder / "templates")
        server = None
        if "s3" in stores:
            server = MinioServer(folder / "minio")
            stack.callback(server.stop)
        planned = {store: Plans(options.seed, store) for store in stores}
        for number in range(1, options.first + options.runs):
            store = stores[number % len(stores)]
            plan = planned[store].next()
            if number < options.first:
                continue
            if options.only:
                names = tuple(options.only.split(","))
                plan = replace(plan, hostile=options.site or plan.hostile, acts=names, apart=options.apart)
                plan = replace(plan, policy=options.policy or ("any" if plan.useless else plan.policy))
            place = folder / f"run-{number}"
            place.mkdir()
            if store == "s3" and server is not None:
                found = run_in_buckets(plan, templates.other, place, options.seed, server.endpoint)
            else:
                found = run(plan, templates, place, options.seed)
            verdict, done, unfit = found
            planned[store].again(unfit)
            total.update(verdict.counts(), acts=len(done))
            if not verdict.good:
                failed.append(number)
            _tell(number, store, plan, *found)
            shutil.rmtree(place, ignore_errors=True)
    report: dict[str, Any] = {"runs": options.runs, **total, "failed": failed, "seed": options.seed}
    report["not_tried"] = (
        [] if binary().is_file() else ["buckets: no MinIO (python -m tests.servers.install)"]
    )
    print(json.dumps(report | {"seconds": round(time.monotonic() - began, 1)}))
    return 3 if failed else 0


def _stores(options: argparse.Namespace) -> list[str]:
    """Which kinds of sites take turns; two runs of three are on file sites."""
    if options.store:
        return [options.store]
    return ["file", "file", "s3"] if binary().is_file() else ["file"]


def _tell(
    number: int, store: str, plan: Plan, verdict: Verdict, done: Sequence[Done], unfit: Sequence[str]
) -> None:
    names = ", ".join(one.act for one in done)
    print(f"run {number}: {store}, {plan.hostile}, {plan.policy}: {names}", file=sys.stderr)
    if unfit:
        print(f"  not done: {', '.join(unfit)}", file=sys.stderr)
    for line in verdict.lines():
        print(f"  {line[:400]}", file=sys.stderr)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Seeded runs against a site in hostile hands.")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="number of the first run; repeats one run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="these acts, by name, with commas between")
    parser.add_argument("--site", choices=SITES, help="with --only: the hostile site")
    parser.add_argument("--apart", action="store_true", help="with --only: one after the other, each undone")
    parser.add_argument("--store", choices=("file", "s3"), help="default: both, if MinIO is built")
    parser.add_argument("--policy", choices=("all", "any"), help="with --only")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
