"""How fast a lost site comes back: ``vanvault restore`` on MinIO, beside rclone and restic in the same run.

    python benchmarks/restore.py [--quick] [--seed N] [--size BYTES] [--dossier-share SHARE] [--folder DIR]

Ends with one line of JSON. What it measures and how to read it: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from built_archive import DOSSIER_RATIO, Built, build
from commands import Finished, run
from common import middle
from minio_sites import (
    BUCKET,
    empty_server,
    give_credentials,
    minio,
    restic,
    server_cpu_s,
    trust_unprobed,
)
from places import add_options, place_for
from tests.servers.minio import MinioServer

from vanvault.archiver.appliance import init_home
from vanvault.archiver.home_files import SETTINGS_FILE

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to restore, and how often."""

    stored_bytes: int  # at least, of one site
    rounds: int
    budget_s: float  # no round begins later than this after the start


QUICK = Plan(stored_bytes=200 * 10**6, rounds=2, budget_s=32)
FULL = Plan(stored_bytes=2 * 10**9, rounds=3, budget_s=1800)


@dataclass(frozen=True, slots=True)
class Site:
    """What a bucket holds: the size of every version by its key."""

    sizes: Mapping[str, int]

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())


@dataclass(frozen=True, slots=True)
class Restored:
    """One restore by one program."""

    finished: Finished
    store_cpu_s: float  # of all MinIO servers
    bytes: int  # that the program moved: stored bytes, or the originals for restic
    raw_bytes: int

    @property
    def bytes_per_s(self) -> float:
        return self.bytes / self.finished.seconds

    @property
    def raw_per_s(self) -> float:
        return self.raw_bytes / self.finished.seconds

    @property
    def cpu_ns(self) -> float:
        """Nanoseconds of CPU per byte moved, of the program and the servers."""
        return 1e9 * (self.finished.cpu_s + self.store_cpu_s) / self.bytes


@dataclass(slots=True)
class Bench:
    """The site that is left, what is to come back, and what was measured so far."""

    folder: Path
    source: MinioServer
    site: Site
    built: Built
    results: dict[str, list[Restored]] = field(default_factory=dict)
    copying: list[float] = field(default_factory=list)  # bytes per second, by the report of vanvault itself

    def round(self) -> None:
        """Every program once; the order turns."""
        programs = [self.vanvault, self.rclone, self.restic]
        turned = len(self.results.get("vanvault", ())) % 2
        for program in reversed(programs) if turned else programs:
            self.results.setdefault(program.__name__, []).append(program())

    def vanvault(self) -> Restored:
        """The lost primary, under a new address, from the standby."""

        def restore(target: MinioServer) -> Finished:
            give_credentials(target, "primary")
            home = self.folder / "home"
            point_site(home, target.endpoint.site_url(BUCKET))
            command = [sys.executable, "-m", "vanvault.cli", "--home", str(home)]
            finished = run([*command, "restore", "--from", "standby", "--no-verify", "--json"])
            report = json.loads(finished.output)
            self.copying.append(report["copied"]["bytes"] / report["seconds"])
            if not report["whole"] or report["copied"]["objects"] != len(self.site.sizes):
                raise SystemExit(f"not restored: {finished.output.decode()}")
            return finished

        return self._to_empty_server(restore)

    def rclone(self) -> Restored:
        """The same objects, bucket to bucket, with rclone's own checks."""

        def copy(target: MinioServer) -> Finished:
            target.endpoint.client().create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
            command = ["rclone", "copy", f"source:{BUCKET}", f"target:{BUCKET}"]
            variables = {"RCLONE_CONFIG": str(self.folder / "rclone.conf")}
            return run(command, variables | remote("source", self.source) | remote("target", target))

        return self._to_empty_server(copy)

    def restic(self) -> Restored:
        """The same messages as files, from restic's own repository, to the local disk."""
        target = self.folder / "restic-target"
        before = server_cpu_s(self.source)
        finished = restic(self.source, self.folder, "restore", "latest", "--target", str(target))
        cpu = server_cpu_s(self.source) - before
        found = [path.stat().st_size for path in target.rglob("*") if path.is_file()]
        if (len(found), sum(found)) != (self.built.messages, self.built.raw_bytes):
            raise SystemExit(f"restic restored {len(found)} files of {sum(found)} bytes")
        shutil.rmtree(target)
        return Restored(finished, cpu, self.built.raw_bytes, self.built.raw_bytes)

    def _to_empty_server(self, copy: Callable[[MinioServer], Finished]) -> Restored:
        with empty_server(self.folder) as target:
            self.site = contents(self.source)  # a restore puts itself on record
            before = server_cpu_s(self.source) + server_cpu_s(target)
            finished = copy(target)
            cpu = server_cpu_s(self.source) + server_cpu_s(target) - before
            if not self.site.sizes.items() <= contents(target).sizes.items():
                raise SystemExit("the restored site does not hold the same objects")
        return Restored(finished, cpu, self.site.bytes, self.built.raw_bytes)


def contents(server: MinioServer) -> Site:
    """What the archive's bucket holds there."""
    pages = server.endpoint.client().get_paginator("list_object_versions").paginate(Bucket=BUCKET)
    return Site({line["Key"]: line["Size"] for page in pages for line in page.get("Versions", [])})


def point_site(home: Path, url: str) -> None:
    """Put another address for the primary into the settings, as an operator does after its loss."""
    path = home / SETTINGS_FILE
    lines = path.read_text(encoding="utf-8").splitlines()
    at = lines.index("[sites.primary]") + 1
    lines[at] = f'url = "{url}"'
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def remote(name: str, server: MinioServer) -> dict[str, str]:
    settings = {
        "TYPE": "s3",
        "PROVIDER": "Minio",
        "ENDPOINT": server.endpoint.url,
        "ACCESS_KEY_ID": server.endpoint.access_key,
        "SECRET_ACCESS_KEY": server.endpoint.secret_key,
        "NO_CHECK_BUCKET": "true",
    }
    return {f"RCLONE_CONFIG_{name.upper()}_{key}": value for key, value in settings.items()}


def prepare(folder: Path, source: MinioServer, raw_bytes: int, dossier_share: float, seed: int) -> Bench:
    """Build the archive at two sites, lose the primary, and back the messages up with restic."""
    home, files = folder / "home", folder / "files"
    with minio(folder / "lost") as lost:
        for name, server in (("primary", lost), ("standby", source)):
            give_credentials(server, name)
        urls = [server.endpoint.site_url(BUCKET) for server in (lost, source)]
        init_home(home, primary=urls[0], standby=urls[1])
        trust_unprobed(home)
        built = build(home, files, raw_bytes=raw_bytes, dossier_share=dossier_share, seed=seed)
    shutil.rmtree(folder / "lost")
    bench = Bench(folder, source, contents(source), built)
    restic(bench.source, bench.folder, "init")
    restic(bench.source, bench.folder, "backup", ".", cwd=files)
    shutil.rmtree(files)
    return bench


def figures(bench: Bench) -> dict[str, Any]:
    """Medians over the rounds; ratios are medians of each round's own ratio."""
    line: dict[str, Any] = {
        "rounds": len(bench.results["vanvault"]),
        "stored_bytes": bench.site.bytes,
        "raw_bytes": bench.built.raw_bytes,
        "objects": len(bench.site.sizes),
        "messages": bench.built.messages,
    }
    for name, runs in bench.results.items():
        line |= {
            f"{name}_bytes_per_s": middle([run.bytes_per_s for run in runs], 0),
            f"{name}_raw_bytes_per_s": middle([run.raw_per_s for run in runs], 0),
            f"{name}_cpu_ns_per_byte": middle([run.cpu_ns for run in runs]),
            f"{name}_own_cpu_ns_per_byte": middle([1e9 * run.finished.cpu_s / run.bytes for run in runs]),
            f"{name}_peak_rss": max(run.finished.peak_bytes for run in runs),
        }
    line["vanvault_copying_bytes_per_s"] = middle(bench.copying, 0)
    ours, rclone, restic = (bench.results[name] for name in ("vanvault", "rclone", "restic"))
    for key, values in (
        ("rclone_ratio", [o.bytes_per_s / r.bytes_per_s for o, r in zip(ours, rclone, strict=True)]),
        ("restic_ratio", [o.raw_per_s / r.raw_per_s for o, r in zip(ours, restic, strict=True)]),
    ):
        line[key] = middle(values)
        line[f"{key}_range"] = [round(min(values), 2), round(max(values), 2)]
    return line


def show(line: dict[str, Any], names: list[str]) -> None:
    """The table for people."""
    heads = ("MiB/s", "raw MiB/s", "CPU ns/B", "own ns/B", "peak MiB")
    print("\n" + " " * 10 + "".join(f"{head:>11}" for head in heads))
    for name in names:
        speeds = [line[f"{name}_{key}"] / _MIB for key in ("bytes_per_s", "raw_bytes_per_s")]
        cpu = [line[f"{name}_{key}"] for key in ("cpu_ns_per_byte", "own_cpu_ns_per_byte")]
        print(f"{name:10}" + "".join(f"{v:11.1f}" for v in (*speeds, *cpu, line[f"{name}_peak_rss"] / _MIB)))
    copying = line["vanvault_copying_bytes_per_s"] / _MIB
    print(f"\nvanvault without start, listing and putting itself on record: {copying:.1f} MiB/s")
    print(f"medians of {line['rounds']} rounds; above 1, VanVault is faster")
    print(f"  x{line['rclone_ratio']} over rclone, in stored bytes  (range {line['rclone_ratio_range']})")
    print(f"  x{line['restic_ratio']} over restic, in original bytes  (range {line['restic_ratio_range']})")


def main() -> None:
    """Runs the whole comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="under 50 s, set-up included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, help="bytes that the site is to hold (default: 2 GB)")
    parser.add_argument(
        "--dossier-share", type=float, default=0.5, help="of the original bytes; the rest: scans"
    )
    add_options(parser)
    options = parser.parse_args()
    missing = [name for name in ("rclone", "restic") if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"{' and '.join(missing)} cannot be had: apt-get install rclone restic")
    begun = time.perf_counter()
    plan = QUICK if options.quick else FULL
    # A dossier takes a seventh of its size in a batch; a margin, so that the site is not below its size.
    share = options.dossier_share
    raw_bytes = round(1.03 * (options.size or plan.stored_bytes) / (share / DOSSIER_RATIO + 1 - share))
    with place_for("restore", options) as place:
        folder = place.folder
        with ExitStack() as stack:
            source = stack.enter_context(minio(folder / "source"))
            bench = prepare(folder, source, raw_bytes, share, options.seed)
            print(f"{bench.built.messages} messages of {bench.built.raw_bytes / _MIB:.0f} MiB,", end=" ")
            print(f"{len(bench.site.sizes)} objects of {bench.site.bytes / _MIB:.0f} MiB", end=" ")
            print(f"on {place}; ready after {time.perf_counter() - begun:.0f} s")
            while len(bench.results.get("vanvault", ())) < plan.rounds:
                bench.round()
                if time.perf_counter() - begun > plan.budget_s:
                    break
            line = figures(bench)
            show(line, list(bench.results))
    seconds = round(time.perf_counter() - begun, 1)
    facts = {"benchmark": "restore", "quick": options.quick, "seed": options.seed, "seconds": seconds}
    print(json.dumps({**facts, **place.facts(), **line}))


if __name__ == "__main__":
    main()
