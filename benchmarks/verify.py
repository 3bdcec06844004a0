"""How fast an archive is read back and checked: ``vanvault verify``, beside restic on the same messages.

    python benchmarks/verify.py [--sites file|minio] [--quick] [--seed N] [--size BYTES] [--folder DIR]

Ends with one line of JSON. What it measures and how to read it: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from built_archive import Built
from built_segments import SEGMENT, SEGMENT_VARIABLE, build_segments, dossiers_and_notices
from commands import Finished, run, run_group
from common import Original, middle
from minio_sites import MinioSites, minio, server_cpu_s
from places import add_options, place_for

from vanvault.archiver.appliance import init_home

#: Original bytes; rounds of every program.
QUICK, FULL = (500 * 10**6, 2), (4 * 10**9, 3)


@dataclass(slots=True)
class Bench:
    """An archive, restic's repository of the same messages, and what was measured so far."""

    home: Path
    restic: dict[str, str]  # environment of its commands
    built: Built
    servers_cpu_s: Callable[[], float]
    runs: dict[str, list[tuple[Finished, float, int]]] = field(default_factory=dict)  # CPU of servers, bytes

    def round(self) -> None:
        """Every program once; the order turns."""
        programs = [self.one_site, self.both_sites, self.check]
        turned = len(self.runs.get("restic", ())) % 2
        for program in reversed(programs) if turned else programs:
            program()

    def one_site(self) -> None:
        """One site: as many copies as restic has."""
        self._verify("vanvault", "--site", "primary")

    def both_sites(self) -> None:
        """What an operator runs."""
        self._verify("vanvault_both")

    def check(self) -> None:
        """Every pack read, decrypted and decompressed, every blob hashed."""
        before = self.servers_cpu_s()
        finished = run_group(["restic", "check", "--read-data"], self.restic)
        self.runs.setdefault("restic", []).append((finished, self.servers_cpu_s() - before, 0))

    def _verify(self, name: str, *options: str) -> None:
        command = [sys.executable, "-m", "vanvault.cli", "--home", str(self.home), "verify", "--no-record"]
        before = self.servers_cpu_s()
        finished = run_group([*command, "--json", *options])
        report = json.loads(finished.output.splitlines()[-1])
        if not report["whole"] or report["messages"] != self.built.messages:
            raise SystemExit(f"not verified: {finished.output.decode()}")
        self.runs.setdefault(name, []).append((finished, self.servers_cpu_s() - before, report["bytes"]))


def figures(bench: Bench) -> dict[str, Any]:
    """Medians over the rounds; ratios are medians of each round's own ratio."""
    raw = bench.built.raw_bytes
    line: dict[str, Any] = {"messages": bench.built.messages, "raw_bytes": raw}
    for name, runs in bench.runs.items():
        line |= {
            f"{name}_raw_mb_per_s": middle([raw / run.seconds / 1e6 for run, _, _ in runs], 1),
            f"{name}_s": middle([run.seconds for run, _, _ in runs]),
            f"{name}_cpu_s": middle([run.cpu_s for run, _, _ in runs]),
            f"{name}_servers_cpu_s": middle([cpu for _, cpu, _ in runs]),
            f"{name}_peak_mb": round(max(run.peak_bytes for run, _, _ in runs) / 1e6),
        }
        if size := runs[0][2]:
            line[f"{name}_mb_per_s"] = middle([size / run.seconds / 1e6 for run, _, _ in runs], 1)
            line[f"{name}_mb_per_cpu_s"] = middle([size / run.cpu_s / 1e6 for run, _, _ in runs], 1)
    both = list(zip(bench.runs["vanvault"], bench.runs["restic"], strict=True))
    line["restic_ratio"] = middle([theirs.seconds / ours.seconds for (ours, _, _), (theirs, _, _) in both])
    line["restic_cpu_ratio"] = middle([theirs.cpu_s / ours.cpu_s for (ours, _, _), (theirs, _, _) in both])
    return line


def as_files(originals: Iterator[Original], folder: Path) -> Iterator[Original]:
    """The same messages; each is also written as a file, for what backs up files."""
    for number, original in enumerate(originals):
        path = folder / f"{number // 1000:06d}" / original.message_id
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(original.body)
        yield original


def prepare(stack: ExitStack, kind: str, folder: Path, raw_bytes: int, seed: int) -> Bench:
    """The archive at two sites, and restic's repository beside the first of them."""
    home, files = folder / "home", folder / "files"
    variables = {"RESTIC_PASSWORD": "benchmark", "RESTIC_CACHE_DIR": str(folder / "restic-cache")}
    cpu_s: Callable[[], float] = lambda: 0.0  # noqa: E731 - files need no server
    if kind == "minio":
        servers = [stack.enter_context(minio(folder / name)) for name in ("primary", "standby")]
        MinioSites(folder, servers).init(home)
        endpoint = servers[0].endpoint
        variables |= {
            "RESTIC_REPOSITORY": f"s3:{endpoint.url}/restic",
            "AWS_ACCESS_KEY_ID": endpoint.access_key,
            "AWS_SECRET_ACCESS_KEY": endpoint.secret_key,
        }
        cpu_s = lambda: sum(map(server_cpu_s, servers))  # noqa: E731
    else:
        init_home(home)
        variables["RESTIC_REPOSITORY"] = str(folder / "restic")
    built = build_segments(home, as_files(dossiers_and_notices(raw_bytes, seed), files))
    run(["restic", "init", "--quiet"], variables)
    run(["restic", "backup", "--quiet", "."], variables, cwd=files)
    shutil.rmtree(files)
    return Bench(home, variables, built, cpu_s)


def main() -> None:
    """Runs the whole comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", choices=("file", "minio"), default="file")
    parser.add_argument("--quick", action="store_true", help="under 50 s, set-up included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, help="original bytes (default: 4 GB)")
    add_options(parser)
    options = parser.parse_args()
    if shutil.which("restic") is None:
        raise SystemExit("restic cannot be had: apt-get install restic")
    size, rounds = QUICK if options.quick else FULL
    begun = time.perf_counter()
    os.environ[SEGMENT_VARIABLE] = str(SEGMENT)
    with place_for("verify", options) as place, ExitStack() as stack:
        bench = prepare(stack, options.sites, place.folder, options.size or size, options.seed)
        print(f"{bench.built.messages} messages on {place}; ready after {time.perf_counter() - begun:.0f} s")
        for _ in range(rounds):
            bench.round()
        line = figures(bench)
    facts = {"benchmark": "verify", "quick": options.quick, "seed": options.seed, "sites": options.sites}
    facts |= {"seconds": round(time.perf_counter() - begun, 1), "rounds": rounds, **place.facts()}
    print(json.dumps({**facts, **line}))


if __name__ == "__main__":
    main()
