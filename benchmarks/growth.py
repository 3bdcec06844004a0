"""What grows with the batches that are stored and not compacted, and what must not.

    python benchmarks/growth.py [--quick] [--most N] [--seed N] [--folder DIR] [--as-it-is]

Ends with one line of JSON. What it measures and how to read it: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from growing_site import LOCK, GrowingSite, TimedLists
from places import REPOSITORY, add_options, place_for

from vanvault.archiver.appliance import Archive, init_home, open_components
from vanvault.archiver.catalogue import FoldedBatch, Query
from vanvault.archiver.core.model import BatchHeader, Commit, Event, Metadata, Placement
from vanvault.archiver.core.names import new_writer_id
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.core.settings import SITE_NAMES
from vanvault.archiver.core.times import rfc3339_seconds, to_us
from vanvault.archiver.upkeep import keep_locks
from vanvault.recovery.status import status

sys.path.insert(0, str(REPOSITORY))  # the tests' node is no part of the package

from tests.support.archives import Node, event, message

_CHUNK = 5_000  # batches of one transaction
#: Of what is short. More than ``folded_to.LEAST``, so that writers of earlier sizes are not listed again.
_REPEATS = 120
#: Whose cost may not depend on how much is stored.
FLAT = ("push", "commit", "search", "newest", "fold")
#: Lists everything: its requests may not grow, nor the price of a line.
LISTING = ("status", "keeper")


@dataclass
class Bench:
    """One archive that grows."""

    home: Path
    sites: dict[str, GrowingSite]
    chance: random.Random
    stored: int = 0
    made: int = 0
    writer: str = ""
    previous: Commit | None = None
    results: dict[str, dict[int, float]] = field(default_factory=dict)

    def open(self) -> tuple[Archive, dict[str, TimedLists]]:
        """As a new process opens it; its listings are timed."""
        components = open_components(self.home, sites=self.sites)
        timed = {name: TimedLists(site) for name, site in components.sites.items()}
        return Archive.of(replace(components, sites=timed)), timed  # type: ignore[arg-type]

    def grow(self, most: int) -> None:
        """Batches of one event each, of one writer that goes on, as if this node had made and folded them."""
        archive, _ = self.open()
        start = archive.clock.now() - timedelta(minutes=30)
        self.writer = self.writer or new_writer_id(start, self.chance.randbytes(5))
        until = (start + LOCK).replace(microsecond=0)
        while self.stored < most:
            count = min(_CHUNK, most - self.stored)
            batches = [self._batch(archive, to_us(start), rfc3339_seconds(until)) for _ in range(count)]
            for site in self.sites.values():
                site.fill([one.key for one in batches], until)
            archive.tail.apply(batches)
        archive.refresh()
        archive.close()

    def _batch(self, archive: Archive, start_us: int, until: str) -> FoldedBatch:
        number = self.stored
        self.stored += 1
        name = f"stored-{number}"
        digest = hashlib.sha256(name.encode()).digest()
        at = start_us + 1_000 * number
        key = archive.object_signer.sign_name(
            archive.object_signer.subject("batch", self.writer, number, "events"), digest
        )
        placements = tuple(Placement(site, key, "v1", until) for site in SITE_NAMES)
        commit = Commit(key, placements, archive.signing.active().key_id, bytes(64))
        header = BatchHeader(
            archive=archive.settings.archive,
            writer=self.writer,
            sequence=number,
            kind="events",
            created_us=at,
            retain_until=until,
            rows=1,
            previous="",
            commits=(self.previous,) if self.previous else (),
        )
        self.previous = commit
        about = Metadata(transaction_id=f"t-{number}", employer_code=f"e-{number % 1000}")
        entry = Event(
            f"{self.writer}-{number}-0", "gateway-1", name, at, at, "dossier.received", "", "", about, "{}",
            100, digest, digest * 2,
        )  # fmt: skip
        return FoldedBatch(key, header, (entry,), placements, commit)

    def measure(self) -> None:
        """Everything once, at this size."""
        self._fold()
        self._listing("status", lambda archive: status(archive))
        self._listing("keeper", lambda archive: keep_locks(archive))
        archive, _ = self.open()
        self._node(archive)
        self._searches(archive)
        archive.close()

    def note(self, name: str, value: float) -> None:
        self.results.setdefault(name, {})[self.stored] = value

    def _fold(self) -> None:
        costs = []
        for _ in range(3):
            began = time.process_time()
            archive, _ = self.open()
            archive.refresh()
            costs.append(time.process_time() - began)
            archive.close()
        self.note("fold", 1e3 * min(costs))

    def _listing(self, name: str, work: Callable[[Archive], object]) -> None:
        archive, timed = self.open()
        archive.refresh()
        before = sum(self.requests().values())
        lines, listing = (sum(getattr(one, what) for one in timed.values()) for what in ("lines", "cpu_s"))
        began = time.process_time()
        work(archive)
        cost = time.process_time() - began
        lines = sum(one.lines for one in timed.values()) - lines
        listing = sum(one.cpu_s for one in timed.values()) - listing
        self.note(f"{name}_cpu", 1e3 * cost)
        self.note(f"{name}_requests", sum(self.requests().values()) - before)
        self.note(f"{name}_lines", lines)
        self.note(f"{name}_apart_from_lists", 1e3 * (cost - listing))
        archive.close()

    def requests(self) -> dict[str, int]:
        """What the sites were asked so far, without the lines of listings."""
        return {
            f"{name} {verb}": count
            for name, site in self.sites.items()
            for verb, count in site.asked.items()
            if verb != "lines"
        }

    def _node(self, archive: Archive) -> None:
        with Node(archive) as node:
            node.wait_ready()

            def push() -> None:
                self.made += 1
                node.push(message(f"pushed-{self.made}", b"<m>%d</m>" % self.made))

            self.note("push", self._each(push))
        writer, opened = archive.open_writer()
        archive.tail.apply([one.folded for one in opened])

        def commit() -> None:
            self.made += 1
            done = writer.commit([event(f"committed-{self.made}")])
            archive.tail.apply([one.folded for one in done])

        self.note("commit", self._each(commit))
        writer.commit([event(f"last-{self.made}")], final=True)
        writer.close()

    def _searches(self, archive: Archive) -> None:
        def search() -> None:
            at = self.chance.randrange(self.stored)
            if not archive.search.page(Query({"transaction_id": f"t-{at}"})).items:
                raise SystemExit(f"t-{at} was not found")

        self.note("search", self._each(search))
        self.note("newest", self._each(lambda: archive.search.page(Query())))

    def _each(self, work: Callable[[], object]) -> float:
        """CPU of one, in milliseconds, with all threads: the least of four groups."""
        costs = []
        for _ in range(4):
            began = time.process_time()
            for _ in range(_REPEATS // 4):
                work()
            costs.append((time.process_time() - began) / (_REPEATS // 4))
        return 1e3 * min(costs)


def figures(results: dict[str, dict[int, float]]) -> dict[str, Any]:
    """Each cost by size, and of the largest size over the smallest."""
    sizes = sorted(results["push"])
    small, large = sizes[0], sizes[-1]
    line: dict[str, Any] = {"sizes": sizes}
    for name, found in results.items():
        line[f"{name}_ms" if not name.endswith(("requests", "lines")) else name] = [
            round(found[size], 3) for size in sizes
        ]
    for name in FLAT:
        line[f"{name}_ratio"] = round(results[name][large] / results[name][small], 2)
    for name in LISTING:
        asked, cost, lines = (results[f"{name}_{what}"] for what in ("requests", "cpu", "lines"))
        line[f"{name}_requests_ratio"] = round(asked[large] / asked[small], 2)
        line[f"{name}_us_per_line"] = [round(1e3 * cost[size] / lines[size], 1) for size in sizes]
    line["worst_ratio"] = max(line[f"{name}_ratio"] for name in FLAT)
    return line


def main() -> None:
    """Grows an archive and measures it at each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="10^3 and 10^4 batches, under 50 s")
    parser.add_argument("--most", type=int, default=10**6, help="batches at the end (default: 10^6)")
    parser.add_argument("--seed", type=int, default=1)
    add_options(parser)
    options = parser.parse_args()
    sizes = [10**power for power in range(3, 7) if 10**power <= (10**4 if options.quick else options.most)]
    begun = time.perf_counter()
    with place_for("growth", options) as place:
        home = place.folder / "home"
        init_home(home)
        clock = SystemClock()
        bench = Bench(
            home, {name: GrowingSite(name, clock) for name in SITE_NAMES}, random.Random(options.seed)
        )
        for size in sizes:
            bench.grow(size)
            bench.measure()
            print(size, {name: round(found[size], 3) for name, found in bench.results.items()}, flush=True)
    facts = {
        "benchmark": "growth",
        "quick": options.quick,
        "seed": options.seed,
        "seconds": round(time.perf_counter() - begun, 1),
    }
    print(json.dumps({**facts, **place.facts(), **figures(bench.results)}))


if __name__ == "__main__":
    main()
