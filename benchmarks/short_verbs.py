"""What a person waits for: ``vanvault status`` on two MinIO servers, and ``vanvault search`` on files.

The first looks at many uncompacted batches; each verb is a whole process.

    python benchmarks/short_verbs.py [--quick] [--batches N] [--seed N] [--folder DIR]

Ends with one line of JSON. What it measures and how to read it: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from commands import Finished, run
from compaction import build
from minio_sites import minio_sites
from places import add_options, place_for

from vanvault.archiver.appliance import Archive, init_home

#: Uncompacted batches of the second look, and of the first, which says what a look costs by itself.
FULL, QUICK, FEW = 3_300, 300, 30
#: Messages of the home on files.
MESSAGES = 20_000
_TIMES = 5


def write(home: Path, batches: int) -> None:
    """So many batches of one event each, of a writer that ends. Raises SiteUnavailable."""
    with Archive.open(home) as archive:
        writer, opened = archive.open_writer()
        archive.tail.apply([batch.folded for batch in opened])
        try:
            for number in range(batches):
                event = archive.system_event("benchmark.line", {"number": number})
                archive.tail.apply(
                    [batch.folded for batch in writer.commit([event], final=number == batches - 1)]
                )
        finally:
            writer.close()


def timed(name: str, home: Path, *verb: str, tells: str = "") -> dict[str, Any]:
    """A verb, asked some times in a process of its own each: medians.

    Raises SystemExit: it fails, or does not tell what is asked for.
    """
    command = [sys.executable, "-m", "vanvault.cli", "--home", str(home), *verb, "--json"]
    found: list[Finished] = [run(command) for _ in range(_TIMES)]
    if any(tells.encode() not in one.output for one in found):
        raise SystemExit(f"{verb[0]} does not tell {tells}")
    return {
        f"{name}_s": round(statistics.median(one.seconds for one in found), 2),
        f"{name}_cpu_s": round(statistics.median(one.cpu_s for one in found), 2),
        f"{name}_peak_mb": round(max(one.peak_bytes for one in found) / 1e6),
    }


def main() -> None:
    """Builds both homes, and times the verbs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="under 50 s, set-up included")
    parser.add_argument("--batches", type=int, help=f"uncompacted ones (default: {FULL:,})")
    parser.add_argument("--seed", type=int, default=1)
    add_options(parser)
    options = parser.parse_args()
    batches = options.batches or (QUICK if options.quick else FULL)
    begun = time.perf_counter()
    line: dict[str, Any] = {"benchmark": "short_verbs", "quick": options.quick, "seed": options.seed}
    with place_for("short-verbs", options) as place:
        line |= place.facts()
        with minio_sites(place.folder) as sites:
            home = place.folder / "status"
            sites.init(home)
            write(home, FEW)
            line |= timed("status_few", home, "status")
            write(home, batches - FEW)
            line |= timed("status", home, "status")
        home = place.folder / "search"
        init_home(home)
        count = MESSAGES // 10 if options.quick else MESSAGES
        build(home, count, options.seed)
        wanted = f"day-{random.Random(options.seed).randrange(count):09d}"
        line |= timed("search", home, "search", "--message-id", wanted, tells=wanted)
    line |= {"batches": batches, "messages": count, "seconds": round(time.perf_counter() - begun, 1)}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
