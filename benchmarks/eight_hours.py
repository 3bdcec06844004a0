"""Is everything back within 8 hours at real size? Timed at what fits here, and carried on to 1.5 and 15 TB.

    python benchmarks/eight_hours.py [--quick] [--seed N] [--raw BYTES] [--rounds N] [--folder DIR]

Ends with one line of JSON. What it measures and how to read it: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from built_archive import DOSSIER, DOSSIER_RATIO, ROWS
from built_segments import SEGMENT_VARIABLE, build_segments
from commands import Finished, run
from common import Original, Originals, make_originals, new_node, said
from costs import costs
from extrapolate import NOTHING, Estimate, Line
from minio_sites import BUCKET, empty_server, give_credentials, minio, trust_unprobed
from places import add_options, place_for
from restore import contents, point_site
from tests.servers.minio import MinioServer

from vanvault.archiver.appliance import init_home

_MIB = 2**20
#: What the whole sector has stored after ten years, and what is planned for.
TARGETS = {"1500gb": 1.5e12, "15tb": 15e12}
LIMIT_H = 8
#: Original bytes of a segment, as compaction cuts it by default.
SEGMENT = 128 * _MIB
OBJECTS_PER_SEGMENT = 4
#: Share of the original bytes that the archive has when it is timed for the first time.
FIRST = 1 / 6
#: In the order in which they follow each other. A restore's own phases are told apart by its report.
PHASES = ("plan_and_record", "copy", "first_search", "all_searches", "verify")


@dataclass(frozen=True, slots=True)
class Size:
    """The archive as it was when it was timed."""

    stored: int  # bytes at one site
    objects: int
    messages: int
    raw: int  # original bytes


@dataclass(slots=True)
class Bench:
    """The standby that is left, the node's home, and what was measured so far."""

    folder: Path
    source: MinioServer
    originals: Originals
    messages: int = 0
    raw: int = 0
    sizes: list[Size] = field(default_factory=list)
    seconds: dict[str, dict[int, list[float]]] = field(default_factory=dict)  # by phase and stored bytes
    peak_bytes: int = 0

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def grow(self, raw_bytes: int) -> None:
        """Archive so many original bytes more, at both sites."""
        built = build_segments(self.home, self._take(raw_bytes), segment=SEGMENT)
        self.messages += built.messages
        self.raw += built.raw_bytes

    def _take(self, raw_bytes: int) -> Iterator[Original]:
        taken = 0
        while taken < raw_bytes:
            for one in self.originals.take(ROWS):
                taken += len(one.body)
                yield one

    def time_all(self, target: MinioServer) -> None:
        """Lose primary and node, and bring everything back, the primary at ``target``."""
        give_credentials(target, "primary")
        point_site(self.home, target.endpoint.site_url(BUCKET))
        held = contents(self.source).sizes
        size = Size(sum(held.values()), len(held), self.messages, self.raw)
        if not self.sizes or self.sizes[-1].messages != size.messages:
            self.sizes.append(size)
        node = new_node(self.home, Path(tempfile.mkdtemp(dir=self.folder)) / "node")
        restored = _vanvault(node, "restore", "--from", "standby", "--no-verify", "--json")
        report = json.loads(restored.output)
        if not report["whole"] or report["copied"]["objects"] != len(held):
            raise SystemExit(f"not restored: {restored.output.decode()}")
        self.peak_bytes = max(self.peak_bytes, restored.peak_bytes)
        self._note("copy", report["seconds"])
        self._note("plan_and_record", restored.seconds - report["seconds"])
        began = time.perf_counter()
        whole = self._search(node)
        self._note("first_search", time.perf_counter() - began)
        began = time.perf_counter()
        if not whole:
            _vanvault(node, "index", "rebuild", "--json")
            if not self._search(node):
                raise SystemExit("an index that was built anew leaves something out")
        self._note("all_searches", time.perf_counter() - began)
        verified = _vanvault(node, "verify", "--json")
        if not json.loads(verified.output)["whole"]:
            raise SystemExit(f"not whole: {verified.output.decode()}")
        self._note("verify", verified.seconds)
        shutil.rmtree(node.parent)

    def _note(self, phase: str, seconds: float) -> None:
        largest = self.sizes[-1].stored
        self.seconds.setdefault(phase, {}).setdefault(largest, []).append(seconds)

    def _search(self, node: Path) -> bool:
        """One search for a message of the first segment; is the answer said to be whole? SystemExit: none."""
        wanted = "bench-000000000"
        done = json.loads(_vanvault(node, "search", "--message-id", wanted, "--json").output)
        if [item["message_id"] for item in done["items"]] != [wanted]:
            raise SystemExit(f"not found: {wanted}")
        return not done["unread"]


def _vanvault(home: Path, *verb: str) -> Finished:
    return run([sys.executable, "-m", "vanvault.cli", "--home", str(home), *verb])


def measure(folder: Path, source: MinioServer, raw_bytes: int, rounds: int, seed: int) -> Bench:
    """Build the archive in two steps; after each one, lose primary and node ``rounds`` times."""
    bench = Bench(folder, source, make_originals(ROWS, seed, size=DOSSIER))
    with ExitStack() as stack:
        primary = stack.enter_context(minio(folder / "primary"))
        for name, server in (("primary", primary), ("standby", source)):
            give_credentials(server, name)
        urls = [server.endpoint.site_url(BUCKET) for server in (primary, source)]
        init_home(bench.home, primary=urls[0], standby=urls[1])
        trust_unprobed(bench.home)
        for share in (FIRST, 1 - FIRST):
            give_credentials(primary, "primary")
            point_site(bench.home, urls[0])
            bench.grow(round(share * raw_bytes))
            said(f"{bench.messages} messages")
            for number in range(rounds):
                with empty_server(folder) as target:
                    bench.time_all(target)
                said(f"timed {number + 1} of {rounds}")
    return bench


def figures(bench: Bench) -> dict[str, Any]:
    """Prices a byte by phase, and the hours of each target; ranges are those of two rounds or more."""
    lines = {phase: Line(bench.seconds[phase]) for phase in PHASES}
    ranged = all(one.has_range for one in lines.values())

    def three(estimate: Estimate, unit: float, digits: int) -> list[float | None]:
        low, middle, high = (
            round(value / unit, digits) for value in (estimate.low, estimate.middle, estimate.high)
        )
        return [low if ranged else None, middle, high if ranged else None]

    small, large = bench.sizes[0], bench.sizes[-1]
    line: dict[str, Any] = {
        "stored_bytes": large.stored,
        "first_stored_bytes": small.stored,
        "objects": large.objects,
        "messages": large.messages,
        "stored_bytes_per_message": round(large.stored / large.messages),
        "rounds": len(bench.seconds["copy"][large.stored]),
        "has_ranges": ranged,
        "peak_rss_mb": round(bench.peak_bytes / 1e6, 1),
    }
    for phase, one in lines.items():
        line[f"{phase}_s"] = round(one.at(large.stored).middle, 2)
        line[f"{phase}_s_per_gb"] = three(one.per_byte, 1e-9, 3)
    for name, size in TARGETS.items():
        total = NOTHING
        for phase, one in lines.items():
            found = one.at(size)
            total = total + found
            line[f"{name}_{phase}_h"] = three(found, 3600, 2)
        line[f"{name}_hours"] = three(total, 3600, 2)
        back = sum((lines[phase].at(size) for phase in PHASES[:3]), start=NOTHING)
        line[f"{name}_back_hours"] = three(back, 3600, 2)
        line[f"{name}_messages"] = round(size * large.messages / large.stored)
        line[f"{name}_objects"] = round(OBJECTS_PER_SEGMENT * size * large.raw / large.stored / SEGMENT)
    return line


def show(line: dict[str, Any]) -> None:
    """The figures for people."""
    heads = ("s here", "s/GB", *(f"h at {name}" for name in TARGETS))
    print(f"\n{'':18}" + "".join(f"{head:>28}" for head in heads))
    for phase in PHASES:
        cells = [f"{line[f'{phase}_s']}", _range(line[f"{phase}_s_per_gb"])]
        cells += [_range(line[f"{name}_{phase}_h"]) for name in TARGETS]
        print(f"{phase:18}" + "".join(f"{cell:>28}" for cell in cells))
    for label, key in (("restored, searched", "back_hours"), ("everything", "hours")):
        print(f"{label:18}{'':56}" + "".join(f"{_range(line[f'{name}_{key}']):>28}" for name in TARGETS))
    if not line["has_ranges"]:
        print("One round at a size: no range, and no bound of error; that takes --rounds 2 or more.")
    print(f"an object costs {line['us_per_object']} us to copy, a byte {line['ns_per_byte']} ns", end="")
    print(
        f" (error {line['cost_error']}); by these alone: {line['copy_by_cost_h']} h; the limit is {LIMIT_H} h"
    )


def _range(values: list[float | None]) -> str:
    low, middle, high = values
    return f"{middle}" if low is None else f"{middle} ({low}-{high})"


def main() -> None:
    """Builds, times, and carries on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="under 50 s, set-up included: one round, no range"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--raw", type=int, help="original bytes to archive (default: 2 GB, a seventh stored)")
    parser.add_argument("--rounds", type=int, help="losses at each of the two sizes (default: 2)")
    add_options(parser)
    options = parser.parse_args()
    os.environ.pop(SEGMENT_VARIABLE, None)  # segments as compaction cuts them by default
    begun = time.perf_counter()
    raw_bytes = options.raw or (256 * _MIB if options.quick else 2 * 10**9)
    with place_for("eight-hours", options) as place, ExitStack() as stack:
        room, needed = shutil.disk_usage(place.folder).free, 4 * raw_bytes // DOSSIER_RATIO
        if room < needed:
            raise SystemExit(f"{place.folder} has {room} bytes free; about {needed} are needed")
        source = stack.enter_context(minio(place.folder / "source"))
        rounds = options.rounds or (1 if options.quick else 2)
        bench = measure(place.folder, source, raw_bytes, rounds, options.seed)
        line = figures(bench)
        set_bytes = (16 if options.quick else 128) * _MIB
        _, cost = costs(place.folder, source, bench.home, set_bytes=set_bytes, seed=options.seed)
        line |= {
            "us_per_object": round(1e6 * cost.per_object),
            "ns_per_byte": round(1e9 * cost.per_byte, 2),
            "cost_error": round(cost.error, 3),
            "copy_by_cost_h": {
                name: round(cost.seconds(line[f"{name}_objects"], size) / 3600, 2)
                for name, size in TARGETS.items()
            },
        }
        show(line)
    seconds = round(time.perf_counter() - begun, 1)
    facts = {"benchmark": "eight_hours", "quick": options.quick, "seed": options.seed, "seconds": seconds}
    print(json.dumps({**facts, "cores": os.cpu_count(), **place.facts(), **line}))


if __name__ == "__main__":
    main()
