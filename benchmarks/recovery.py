"""How fast a compacted archive comes back, beside rclone and restic on the same bytes; time to first search.

    python benchmarks/recovery.py [--quick] [--seed N] [--size BYTES] [--folder DIR]

Ends with one line of JSON. What it measures and how to read it: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import small_objects
from built_archive import DOSSIER_RATIO, Built
from built_segments import SEGMENT, SEGMENT_VARIABLE, build_segments, dossiers_and_notices
from commands import Finished, run
from common import middle, new_node, said
from costs import costs
from minio_sites import BUCKET, empty_server, give_credentials, minio, restic, trust_unprobed
from places import add_options, place_for
from restore import contents, point_site, remote
from tests.servers.minio import MinioServer

from vanvault.archiver.appliance import Archive, init_home
from vanvault.recovery.forecast import Cost, Measurement

_MIB = 2**20
#: A notice does not compress, a dossier to about a seventh; half of the original bytes are of each.
_STORED = (1 + 1 / DOSSIER_RATIO) / 2

#: The archive after ten years: messages, stored bytes of each (10 kB, to a seventh), and, as compaction's
#: defaults cut it, original bytes in one segment of four objects.
TEN_YEARS = 500_000_000
STORED_PER_MESSAGE = 1_500
RAW_PER_MESSAGE = 10_000
RAW_PER_SEGMENT = 128 * _MIB
OBJECTS_PER_SEGMENT = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to restore, and how often."""

    stored_bytes: int
    rounds: int
    budget_s: float  # no round begins later than this after the start
    cost_bytes: int  # of each set of equal objects, by which costs are told apart
    small_objects: int  # copied beside rclone, by which an object's own cost is told


QUICK = Plan(stored_bytes=120 * 10**6, rounds=1, budget_s=30, cost_bytes=16 * _MIB, small_objects=500)
FULL = Plan(
    stored_bytes=5 * 10**9, rounds=3, budget_s=3600, cost_bytes=512 * _MIB, small_objects=small_objects.COUNT
)


@dataclass(slots=True)
class Bench:
    """The site that is left, and what was measured so far."""

    folder: Path
    source: MinioServer
    built: Built
    wanted: str = ""  # the id of a message in a segment, by which searches are tried
    sizes: dict[str, int] = field(default_factory=dict)
    runs: dict[str, list[Finished]] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)  # bytes per second
    phases: dict[str, list[float]] = field(default_factory=dict)  # seconds

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())

    def vanvault(self, *verb: str, home: Path | None = None) -> Finished:
        """One command."""
        return run([sys.executable, "-m", "vanvault.cli", "--home", str(home or self.home), *verb])

    def round(self, *, verify: bool) -> None:
        """Every program once; the order turns."""
        programs = [lambda: self._restore(verify=verify), self._rclone, self._restic]
        turned = len(self.runs.get("vanvault", ())) % 2
        for program in reversed(programs) if turned else programs:
            program()

    def note(self, name: str, finished: Finished) -> None:
        self.runs.setdefault(name, []).append(finished)
        self.rates.setdefault(name, []).append(self.bytes / finished.seconds)

    def phase(self, name: str, seconds: float) -> None:
        self.phases.setdefault(name, []).append(seconds)

    def _restore(self, *, verify: bool) -> None:
        """The lost primary, at a new and empty server, from the standby."""
        with empty_server(self.folder) as target:
            give_credentials(target, "primary")
            point_site(self.home, target.endpoint.site_url(BUCKET))
            self.phase("plan", self.vanvault("restore", "--from", "standby", "--dry-run", "--json").seconds)
            self.sizes = dict(contents(self.source).sizes)
            finished = self.vanvault("restore", "--from", "standby", "--no-verify", "--json")
            report = json.loads(finished.output)
            if not report["whole"] or report["copied"]["objects"] != len(self.sizes):
                raise SystemExit(f"not restored: {finished.output.decode()}")
            self.note("vanvault", finished)
            self.phase("copy", report["seconds"])
            if verify:
                verified = self.vanvault("verify", "--site", "primary", "--json")
                if not json.loads(verified.output)["whole"]:
                    raise SystemExit(f"not whole: {verified.output.decode()}")
                self.phase("verify", verified.seconds)

    def _rclone(self) -> None:
        """The same objects, bucket to bucket, with rclone's own checks."""
        self.sizes = dict(contents(self.source).sizes)
        with empty_server(self.folder) as target:
            target.endpoint.client().create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
            command = ["rclone", "copy", f"source:{BUCKET}", f"target:{BUCKET}"]
            variables = {"RCLONE_CONFIG": str(self.folder / "rclone.conf")}
            self.note(
                "rclone", run(command, variables | remote("source", self.source) | remote("target", target))
            )
            if not self.sizes.items() <= contents(target).sizes.items():
                raise SystemExit("rclone did not copy all")

    def _restic(self) -> None:
        """The same objects as files, from restic's own repository, to the local disk."""
        target = self.folder / "restic-target"
        finished = restic(self.source, self.folder, "restore", "latest", "--target", str(target))
        found = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
        self.runs.setdefault("restic", []).append(finished)
        self.rates.setdefault("restic", []).append(found / finished.seconds)
        shutil.rmtree(target)

    def first_search(self, home: Path, began: float) -> float:
        """Seconds from ``began`` until a search gives the right answer."""
        while True:
            command = [sys.executable, "-m", "vanvault.cli", "--home", str(home), "search", "--json"]
            done = subprocess.run(
                [*command, "--message-id", self.wanted], capture_output=True, check=False, text=True
            )
            if done.returncode == 0:
                found = [item["message_id"] for item in json.loads(done.stdout)["items"]]
                if found == [self.wanted]:
                    return time.perf_counter() - began
            if time.perf_counter() - began > 600:
                raise SystemExit(f"no search after ten minutes: {done.stderr}")


def prepare(folder: Path, source: MinioServer, raw_bytes: int, seed: int) -> tuple[Bench, dict[str, float]]:
    """Build the archive at two sites, lose the primary, then a node; and back the objects up with restic."""
    home = folder / "home"
    with minio(folder / "lost") as lost:
        for name, server in (("primary", lost), ("standby", source)):
            give_credentials(server, name)
        urls = [server.endpoint.site_url(BUCKET) for server in (lost, source)]
        init_home(home, primary=urls[0], standby=urls[1])
        trust_unprobed(home)
        bench = Bench(folder, source, build_segments(home, dossiers_and_notices(raw_bytes, seed)))
        said("built")
        bench.wanted = f"notice-{0:06d}"
        bench.first_search(home, time.perf_counter())  # index and caches are as they are in use
        said("first answer")
        began = time.perf_counter()
        lost.stop()  # the primary is killed
        searches = {"primary_lost_s": bench.first_search(home, began)}
    shutil.rmtree(folder / "lost")
    began = time.perf_counter()
    searches["node_lost_s"] = bench.first_search(new_node(home, folder / "new-node"), began)
    bench.sizes = dict(contents(source).sizes)
    said(f"searches after losses {searches}")
    restic(bench.source, bench.folder, "init")
    files = folder / "files"
    dump(home, files)
    restic(bench.source, bench.folder, "backup", ".", cwd=files)
    shutil.rmtree(files)
    return bench, searches


def dump(home: Path, files: Path) -> None:
    """Every object of the standby as a file."""
    with Archive.open(home) as archive:
        site = archive.sites["standby"]
        for version in site.list():
            path = files / version.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(site.get(version.key, version.version))


def ten_years(cost: Cost) -> tuple[float, float]:
    """Hours that the restore of a ten-year archive takes, and how far off that may be."""
    objects = OBJECTS_PER_SEGMENT * TEN_YEARS * RAW_PER_MESSAGE / RAW_PER_SEGMENT
    hours = cost.seconds(objects, TEN_YEARS * STORED_PER_MESSAGE) / 3600
    return hours, hours * cost.error


def figures(
    bench: Bench, searches: dict[str, float], measured: list[Measurement], cost: Cost
) -> dict[str, Any]:
    """Medians over the rounds; ratios are medians of each round's own ratio."""
    ours, rclone, restic = (bench.rates[name] for name in ("vanvault", "rclone", "restic"))
    hours, error = ten_years(cost)
    line: dict[str, Any] = {
        "rounds": len(ours),
        "stored_bytes": bench.bytes,
        "raw_bytes": bench.built.raw_bytes,
        "objects": len(bench.sizes),
        "segments": sum(key.endswith(".manifest.json") for key in bench.sizes),
        "messages": bench.built.messages,
        "rclone_ratio": middle([o / r for o, r in zip(ours, rclone, strict=True)]),
        "restic_ratio": middle([o / r for o, r in zip(ours, restic, strict=True)]),
        "mb_per_s": middle([rate / 1e6 for rate in ours], 1),
        "first_search_s": round(max(searches.values()), 2),
        **{f"first_search_{name}": round(seconds, 2) for name, seconds in searches.items()},
        "peak_rss_mb": round(max(one.peak_bytes for one in bench.runs["vanvault"]) / 1e6, 1),
        "us_per_object": round(1e6 * cost.per_object),
        "ns_per_byte": round(1e9 * cost.per_byte, 2),
        "cost_error": round(cost.error, 3),
        "ten_years_hours": round(hours, 2),
        "ten_years_hours_error": round(error, 2),
    }
    for name, runs in bench.runs.items():
        line[f"{name}_mb_per_s"] = middle([rate / 1e6 for rate in bench.rates[name]], 1)
        line[f"{name}_own_cpu_ns_per_byte"] = middle([1e9 * one.cpu_s / bench.bytes for one in runs])
    for name, seconds in bench.phases.items():
        line[f"{name}_s"] = middle(seconds)
        line[f"{name}_mb_per_s"] = middle([bench.bytes / 1e6 / one for one in seconds], 1)
    for one in measured:
        line[f"objects_of_{one.bytes // one.objects}_mb_per_s"] = round(one.bytes / 1e6 / one.seconds, 1)
    return line


def show(line: dict[str, Any]) -> None:
    """The figures for people."""
    print(f"\n{'':10}{'MB/s':>9}{'own CPU ns/B':>15}")
    for name in ("vanvault", "rclone", "restic"):
        print(f"{name:10}{line[f'{name}_mb_per_s']:9.1f}{line[f'{name}_own_cpu_ns_per_byte']:15.2f}")
    print("phases: " + ", ".join(f"{n} {line[f'{n}_s']} s" for n in ("plan", "copy", "verify")))
    print(f"first search: {line['first_search_primary_lost_s']} s after the primary was killed,", end=" ")
    print(f"{line['first_search_node_lost_s']} s on a new node")
    print(
        f"an object costs {line['us_per_object']} us, a byte {line['ns_per_byte']} ns: ten years take",
        end=" ",
    )
    print(f"{line['ten_years_hours']} h, give or take {line['ten_years_hours_error']} h")
    print(f"x{line['rclone_ratio']} over rclone, x{line['restic_ratio']} over restic (above 1: faster)")


def main() -> None:
    """Runs the whole comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="under 50 s, set-up included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, help="bytes that the site is to hold (default: 5 GB)")
    add_options(parser)
    options = parser.parse_args()
    missing = [name for name in ("rclone", "restic") if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"{' and '.join(missing)} cannot be had: apt-get install rclone restic")
    os.environ[SEGMENT_VARIABLE] = str(SEGMENT)
    begun = time.perf_counter()
    plan = QUICK if options.quick else FULL
    raw_bytes = round((options.size or plan.stored_bytes) / _STORED)
    with place_for("recovery", options) as place:
        folder = place.folder
        with ExitStack() as stack:
            source = stack.enter_context(minio(folder / "source"))
            bench, searches = prepare(folder, source, raw_bytes, options.seed)
            print(f"{bench.built.messages} messages of {bench.built.raw_bytes / _MIB:.0f} MiB,", end=" ")
            print(f"{len(bench.sizes)} objects of {bench.bytes / _MIB:.0f} MiB on {place};", end=" ")
            print(f"ready after {time.perf_counter() - begun:.0f} s", flush=True)
            for number in range(plan.rounds):
                bench.round(verify=number == 0)
                if time.perf_counter() - begun > plan.budget_s:
                    break
            paid = costs(folder, source, bench.home, set_bytes=plan.cost_bytes, seed=options.seed)
            line = figures(bench, searches, *paid)
            line |= small_objects.compare(
                folder,
                source,
                bench.home,
                count=plan.small_objects,
                rounds=plan.rounds,
                seed=options.seed,
            )
            show(line)
            small_objects.show(line)
    seconds = round(time.perf_counter() - begun, 1)
    facts = {"benchmark": "recovery", "quick": options.quick, "seed": options.seed, "seconds": seconds}
    print(json.dumps({**facts, **place.facts(), **line}))


if __name__ == "__main__":
    main()
