"""How fast messages become durable: VanVault over HTTP, beside a program that stores each by itself.

    python benchmarks/ingest.py [--sites file|minio] [--quick] [--seed N] [--profile] [--folder DIR]

Ends with one line of JSON. What it measures and how to read it: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from common import (
    NOTHING,
    Original,
    Originals,
    Server,
    Stored,
    cpu_s,
    make_originals,
    middle,
    percentile,
    serving,
)
from file_sites import FileSites
from http_load import Answer, post, send
from minio_sites import minio_sites
from places import add_options, place_for
from plain import store_plainly
from sampling import parts_of, sampled
from sites import Sites

from vanvault.api.batch_body import FRAMED, encode_framed

ENTRIES = 100  # of one batch request
POOL = 1_000  # signed dossiers; above what one group commit takes of this size


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to send: messages per round and mode."""

    rounds: int
    plain: int  # by many threads
    plain_1: int  # by one
    single: int
    batch: int
    alone: int
    deadline_s: float  # of one mode in one round
    budget_s: float  # no round begins later than this after the start


# Many short rounds rather than few long ones: the price of an fsync drifts within seconds.
PLANS = {
    "file": (
        Plan(
            rounds=21,
            plain=512,
            plain_1=512,
            single=1_920,
            batch=6_000,
            alone=100,
            deadline_s=20,
            budget_s=600,
        ),
        Plan(rounds=7, plain=256, plain_1=256, single=768, batch=2_000, alone=40, deadline_s=2, budget_s=28),
    ),
    "minio": (
        Plan(
            rounds=15,
            plain=640,
            plain_1=100,
            single=2_560,
            batch=8_000,
            alone=100,
            deadline_s=30,
            budget_s=600,
        ),
        Plan(rounds=5, plain=160, plain_1=40, single=1_024, batch=3_000, alone=40, deadline_s=3, budget_s=32),
    ),
}


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to store messages: ``clients`` at once, ``entries`` messages in each request."""

    name: str
    clients: int
    entries: int = 1
    plain: bool = False


#: By kind of sites. The last plain mode is the one whose 99th percentile is compared.
MODES = {
    "file": (
        Mode("plain_1", 1, plain=True),
        Mode("single", 64),
        Mode("plain_16", 16, plain=True),
        Mode("batch", 4, entries=ENTRIES),
        Mode("plain_64", 64, plain=True),
        Mode("alone", 1),
    ),
    "minio": (
        Mode("plain_1", 1, plain=True),
        Mode("single", 64),
        Mode("alone", 1),
        Mode("batch", 4, entries=ENTRIES),
        Mode("plain_16", 16, plain=True),
    ),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One mode in one round. CPU is that of the server, or of the plain alternative, and of the stores."""

    messages: int
    raw_bytes: int
    seconds: float
    cpu_s: float
    store_cpu_s: float  # what of it the stores took, where they are servers of their own
    client_cpu_s: float
    latencies: Sequence[float]
    stored: Stored = NOTHING

    @property
    def per_s(self) -> float:
        return self.messages / self.seconds

    @property
    def per_cpu_s(self) -> float:
        return self.messages / self.cpu_s

    def latency_ms(self, share: float) -> float:
        """A percentile of the time to the acknowledgement."""
        return 1000 * percentile(self.latencies, share)


@dataclass(slots=True)
class Bench:
    """A running comparison: the server, the supply of messages, and what was measured so far."""

    plan: Plan
    modes: Sequence[Mode]
    sites: Sites
    server: Server
    originals: Originals
    folder: Path
    results: dict[str, list[Measured]] = field(default_factory=dict)

    def round(self) -> None:
        """Every mode once; the order turns, so that no mode always follows the same other."""
        turned = len(self.results.get("single", ())) % 2
        for mode in reversed(self.modes) if turned else self.modes:
            self.results.setdefault(mode.name, []).append(self.run(mode))

    def run(self, mode: Mode, *, count: int | None = None, stacks: Path | None = None) -> Measured:
        """One mode once."""
        planned = "plain" if mode.plain and mode.clients > 1 else mode.name
        originals = self.originals.take(count or getattr(self.plan, planned))
        return self._run_plain(mode, originals) if mode.plain else self._run_server(mode, originals, stacks)

    def _run_plain(self, mode: Mode, originals: Sequence[Original]) -> Measured:
        with self.sites.plainly() as store:
            stores = self.sites.cpu_s()
            run = store_plainly(originals, store, threads=mode.clients, deadline_s=self.plan.deadline_s)
            stores = self.sites.cpu_s() - stores
        done = len(run.latencies)
        raw = sum(len(original.body) for original in originals[:done])
        return Measured(done, raw, run.seconds, run.cpu_s + stores, stores, 0.0, run.latencies)

    def _run_server(self, mode: Mode, originals: Sequence[Original], stacks: Path | None) -> Measured:
        groups = [originals[at : at + mode.entries] for at in range(0, len(originals), mode.entries)]
        requests = [self._request(group, framed=mode.entries > 1) for group in groups]
        before = self.sites.stored()
        stores, cpu = self.sites.cpu_s(), cpu_s(self.server.pid)
        with sampled(self.server.pid, stacks) if stacks else nullcontext():
            load = send(
                requests, port=self.server.port, clients=mode.clients, deadline_s=self.plan.deadline_s
            )
            # A read waits until all that was acknowledged is searchable: that work belongs to these messages.
            self.server.get("/v1/search?limit=1")
            stores, cpu = self.sites.cpu_s() - stores, cpu_s(self.server.pid) - cpu
        stored = self.sites.stored() - before
        acknowledged = [groups[answer.index] for answer in load.answers]
        for answer, group in zip(load.answers, acknowledged, strict=True):
            _check(answer, group)
        return Measured(
            messages=sum(map(len, acknowledged)),
            raw_bytes=sum(len(original.body) for group in acknowledged for original in group),
            seconds=load.seconds,
            cpu_s=cpu + stores,
            store_cpu_s=stores,
            client_cpu_s=load.client_cpu_s,
            latencies=[answer.seconds for answer in load.answers],
            stored=stored,
        )

    def _request(self, group: Sequence[Original], *, framed: bool) -> bytes:
        headers = {"Authorization": f"Bearer {self.server.token}"}
        if framed:
            body = encode_framed([({"message_id": one.message_id}, one.body) for one in group])
            return post("/v1/messages:batch", {**headers, "Content-Type": FRAMED}, body)
        (one,) = group
        headers |= {"Content-Type": "application/xml", "Vanvault-Message-Id": one.message_id}
        return post("/v1/messages", headers, one.body)


def _check(answer: Answer, group: Sequence[Original]) -> None:
    """Every message must have its own receipt; after the clock was read."""
    content = json.loads(answer.body)
    receipts = content["items"] if len(group) > 1 else [content]
    digests = [hashlib.sha256(one.body).hexdigest() for one in group]
    if answer.status not in (200, 201) or [r.get("sha256") for r in receipts] != digests:
        raise SystemExit(f"not acknowledged: HTTP {answer.status}, {answer.body[:500]!r}")


def figures(modes: Sequence[Mode], results: dict[str, list[Measured]]) -> dict[str, Any]:
    """Medians over the rounds; ratios are medians of each round's own ratio."""
    rounds = range(len(results["single"]))
    line: dict[str, Any] = {"rounds": len(rounds)}
    for name, runs in results.items():
        line |= {
            f"{name}_per_s": middle([run.per_s for run in runs], 1),
            f"{name}_per_cpu_s": middle([run.per_cpu_s for run in runs], 1),
            f"{name}_cpu_us_min": round(min(1e6 / run.per_cpu_s for run in runs), 1),
            f"{name}_store_cpu_us": middle([1e6 * run.store_cpu_s / run.messages for run in runs], 1),
            f"{name}_p50_ms": middle([run.latency_ms(0.5) for run in runs]),
            f"{name}_p99_ms": middle([run.latency_ms(0.99) for run in runs]),
        }
        if runs[0].stored.objects:
            raw = sum(run.raw_bytes for run in runs)
            stored = sum((run.stored for run in runs), NOTHING)
            messages = sum(run.messages for run in runs)
            line |= {
                f"{name}_client_cpu_us": middle([1e6 * run.client_cpu_s / run.messages for run in runs], 1),
                f"{name}_stored_ratio": round(raw / stored.size, 2),
                f"{name}_allocated_ratio": round(raw / stored.allocated, 2),
                f"{name}_rows_per_object": round(messages / stored.objects, 1),
            }
    plains = [mode.name for mode in modes if mode.plain]
    line["plain_best"] = best = max(plains, key=lambda name: line[f"{name}_per_cpu_s"])
    line["plain_p99"] = many = plains[-1]

    def over_rounds(ratio: Callable[[dict[str, Measured]], float]) -> list[float]:
        return [ratio({name: runs[n] for name, runs in results.items()}) for n in rounds]

    ratios = {
        "batch_per_cpu_ratio": over_rounds(lambda runs: runs["batch"].per_cpu_s / runs[best].per_cpu_s),
        "single_per_cpu_ratio": over_rounds(lambda runs: runs["single"].per_cpu_s / runs[best].per_cpu_s),
        "single_p99_ratio": over_rounds(
            lambda runs: runs[many].latency_ms(0.99) / runs["single"].latency_ms(0.99)
        ),
        "alone_latency_ratio": over_rounds(
            lambda runs: runs["alone"].latency_ms(0.5) / runs["plain_1"].latency_ms(0.5)
        ),
    }
    for name, values in ratios.items():
        line[name] = middle(values)
        line[f"{name}_range"] = [round(min(values), 2), round(max(values), 2)]
    line["stored_ratio"] = line["batch_stored_ratio"]
    return line


def show(modes: Sequence[Mode], line: dict[str, Any], results: dict[str, list[Measured]]) -> None:
    """The table for people."""
    heads = ("msg/s", "msg/CPU s", "CPU us", "store us", "p50 ms", "p99 ms", "client us", "raw/stored")
    print("\n" + " " * 10 + "".join(f"{head:>11}" for head in (*heads, "rows/obj")))
    for mode in modes:
        name = mode.name
        keys = ["per_s", "per_cpu_s", "cpu_us_min", "store_cpu_us", "p50_ms", "p99_ms"]
        if not mode.plain:
            keys += ["client_cpu_us", "stored_ratio", "rows_per_object"]
        print(f"{name:10}" + "".join(f"{line[f'{name}_{key}']:11.1f}" for key in keys))
    best, many = line["plain_best"], line["plain_p99"]
    print(f"\nmedians of {line['rounds']} rounds")
    for key, what in (
        ("batch_per_cpu_ratio", f"per CPU second, batch requests over {best}"),
        ("single_per_cpu_ratio", f"per CPU second, single with 64 clients over {best}"),
        ("single_p99_ratio", f"p99, {many} over single with 64 clients; above 1, VanVault is faster"),
        ("alone_latency_ratio", "p50 of one client, VanVault over plain_1; below 1, VanVault is faster"),
    ):
        print(f"  x{line[key]:<8} {what}  (range {line[f'{key}_range']})")
    cores = [median(run.cpu_s / run.seconds for run in results[name]) for name in ("single", "batch")]
    print(f"  cores busy in server and stores: {cores[0]:.2f} single, {cores[1]:.2f} batch")


def profile(bench: Bench) -> dict[str, dict[str, float]]:
    """CPU microseconds of each part per message, for single messages and batch requests."""
    found = {}
    for mode in (mode for mode in bench.modes if mode.name in ("single", "batch")):
        stacks = bench.folder / f"{mode.name}.stacks"
        run = bench.run(mode, count=2 * getattr(bench.plan, mode.name), stacks=stacks)
        whole = 1e6 * (run.cpu_s - run.store_cpu_s) / run.messages
        found[mode.name] = {part: round(share * whole, 1) for part, share in parts_of(stacks)}
        print(f"\n{mode.name}: server CPU per message {whole:.0f} us, by part (the sampler adds some)")
        for part, cost in found[mode.name].items():
            print(f"  {cost:8.1f} us  {cost / whole:5.1%}  {part}")
    return found


@contextmanager
def ready_sites(kind: str, folder: Path) -> Iterator[Sites]:
    """Two sites of this kind below ``folder``, where the home is ``home``."""
    if kind == "file":
        yield FileSites(folder, folder / "home")
        return
    with minio_sites(folder) as sites:
        yield sites


def main() -> None:
    """Runs the whole comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", choices=sorted(PLANS), default="file", help="kind of both sites")
    parser.add_argument("--quick", action="store_true", help="under 50 s, set-up included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", action="store_true", help="also show where the server's CPU goes")
    add_options(parser)
    options = parser.parse_args()
    begun = time.perf_counter()
    plan, modes = PLANS[options.sites][options.quick], MODES[options.sites]
    with place_for("ingest", options) as place:
        folder = place.folder
        originals = make_originals(POOL, options.seed)
        print(f"originals of {originals.size} bytes, seed {options.seed}, on {place}", end="")
        print(f"; ready after {time.perf_counter() - begun:.0f} s")
        home = folder / "home"
        with (
            ready_sites(options.sites, folder) as sites,
            serving(home, sites.init(home)) as server,
        ):
            bench = Bench(plan, modes, sites, server, originals, folder)
            for mode in modes:
                bench.run(mode, count=mode.clients * mode.entries)  # warm-up
            while len(bench.results.get("single", ())) < plan.rounds:
                bench.round()
                if time.perf_counter() - begun > plan.budget_s:
                    break
            line = figures(modes, bench.results)
            show(modes, line, bench.results)
            if options.profile:
                line["profile_cpu_us"] = profile(bench)
    seconds = round(time.perf_counter() - begun, 1)
    facts = {
        "benchmark": "ingest",
        "sites": options.sites,
        "quick": options.quick,
        "seed": options.seed,
        "seconds": seconds,
    }
    print(json.dumps({**facts, "message_bytes": originals.size, **place.facts(), **line}))


if __name__ == "__main__":
    main()
