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
from collections.abc import Iterator, Sequence
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
from tests.faults.hostile.hands import FileHand
from tests.faults.hostile.table import Act
from tests.faults.hostile.verdict import Verdict
from tests.faults.hostile.world import Clock, Estate, Unfit, World, build, lying
from tests.servers.endpoint import Endpoint
from tests.servers.minio import MinioServer, binary
from tests.support.archives import SITES, Node

#: Acts of one run, about.
ACTS_OF_A_RUN = 12
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

    @property
    def useless(self) -> bool:
        return any(ACTS[act].useless for act in self.acts)


def plans(seed: int, store: str = "file") -> Iterator[Plan]:
    """Each act once, then what chance chooses; without an end."""
    random = Random(f"hostile/{seed}/{store}")
    fit = [act for act in ACTS.values() if store in act.stores]
    number = 0
    for useless in (False, True):
        chosen = [act for act in fit if act.useless == useless]
        random.shuffle(chosen)
        for start in range(0, len(chosen), ACTS_OF_A_RUN):
            number += 1
            yield _plan(number, random, chosen[start : start + ACTS_OF_A_RUN])
    while True:
        number += 1
        kinds = [act for act in fit if not act.useless or number % 2]
        yield _plan(number, random, random.sample(kinds, ACTS_OF_A_RUN))


def _plan(number: int, random: Random, acts: Sequence[Act]) -> Plan:
    useless = any(act.useless for act in acts)
    policy = "any" if useless else random.choice(("all", "any"))
    ordered = sorted(acts, key=lambda act: act.last)
    return Plan(number, random.choice(SITES), policy, tuple(act.name for act in ordered))


def run(plan: Plan, templates: Templates, folder: Path, seed: int) -> tuple[Verdict, list[Done], list[str]]:
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
    return attack(world, plan, folder)


def run_in_buckets(
    plan: Plan, other: Estate, folder: Path, seed: int, server: Endpoint
) -> tuple[Verdict, list[Done], list[str]]:
    """The same on buckets of a MinIO; the archive is built first."""
    random = Random(f"hostile/{seed}/s3/{plan.number}")
    with bucket_world(folder, server, other, random, hostile=plan.hostile, policy=plan.policy) as world:
        return attack(world, plan, folder)


def attack(world: World, plan: Plan, folder: Path) -> tuple[Verdict, list[Done], list[str]]:
    """Do the acts while a node runs, and examine what came of it."""
    verdict, done, unfit = Verdict(), [], []
    examination = Examination(world, verdict, useless=plan.useless)
    with lying(world):
        with verdict.step("first node"), world.open() as archive, Node(archive) as node:
            node.wait_ready()
            for name in plan.acts:
                try:
                    done.append(Done(name, ACTS[name].do(world)))
                except Unfit:
                    unfit.append(name)
            examination.goes_on(node)
        examination.names(done)
        examination.starts("restart")
        examination.starts("restart without caches", without_caches=True)
        examination.is_kept()
        examination.starts("restart at the end", without_caches=True)
        examination.is_clean()
        examination.is_source(folder)
        examination.is_restored(folder)
    return verdict, done, unfit


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
        planned = {store: plans(options.seed, store) for store in stores}
        for number in range(1, options.first + options.runs):
            store = stores[number % len(stores)]
            plan = next(planned[store])
            if number < options.first:
                continue
            if options.only:
                names = tuple(options.only.split(","))
                plan = replace(plan, hostile=options.site or plan.hostile, acts=names)
                plan = replace(plan, policy=options.policy or ("any" if plan.useless else plan.policy))
            place = folder / f"run-{number}"
            place.mkdir()
            if store == "s3" and server is not None:
                found = run_in_buckets(plan, templates.other, place, options.seed, server.endpoint)
            else:
                found = run(plan, templates, place, options.seed)
            verdict, done, _ = found
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
    parser.add_argument("--store", choices=("file", "s3"), help="default: both, if MinIO is built")
    parser.add_argument("--policy", choices=("all", "any"), help="with --only")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
