"""Many small objects from bucket to bucket, by VanVault and by rclone: what an object costs by itself.

As a program of its own it is the copying side of VanVault: one process that plans and restores a bucket.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from commands import Finished, run
from common import middle
from minio_sites import empty_server, give_credentials
from restore import remote
from tests.servers.minio import MinioServer

from vanvault.archiver.core.names import ObjectName, new_writer_id
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.stores import Site, create_site, open_site
from vanvault.recovery.restore import plan_restore, restore_site
from vanvault.recovery.work import Effort

COUNT, SIZE = 3000, 20_000
_BUCKET = "small"


def compare(
    folder: Path, source: MinioServer, home: Path, *, count: int, rounds: int, seed: int
) -> dict[str, Any]:
    """Figures of both programs; each copies the same objects to an empty server, by turns."""
    site = open_bucket("standby", source, _BUCKET, home)
    fill(site, count, SIZE, seed)
    site.close()
    runs: dict[str, list[Finished]] = {"small": [], "small_rclone": []}
    copying: list[dict[str, float]] = []
    for number in range(rounds):
        for name in sorted(runs, reverse=bool(number % 2)):
            with empty_server(folder) as target:
                give_credentials(target, "primary")
                if name == "small":
                    urls = [server.endpoint.site_url(_BUCKET) for server in (source, target)]
                    finished = run([sys.executable, __file__, str(home), *urls])
                    copying.append(json.loads(finished.output))
                else:
                    finished = _rclone(folder, source, target)
                runs[name].append(finished)
                if _count(target) != count:
                    raise SystemExit(f"{name}: not all was copied")
    line: dict[str, Any] = {"small_objects": count, "small_object_bytes": SIZE}
    for name, found in runs.items():
        line[f"{name}_s"] = middle([one.seconds for one in found])
        line[f"{name}_own_cpu_s"] = middle([one.cpu_s for one in found])
    line["small_copying_s"] = middle([one["seconds"] for one in copying])
    line["small_copying_own_cpu_s"] = middle([one["cpu_s"] for one in copying])
    theirs = [one.seconds for one in runs["small_rclone"]]
    for name, ours in (
        ("small_rclone_ratio", [one.seconds for one in runs["small"]]),
        ("small_copying_rclone_ratio", [one["seconds"] for one in copying]),
    ):
        line[name] = middle([a / b for a, b in zip(theirs, ours, strict=True)])
    return line


def show(line: dict[str, Any]) -> None:
    """The figures for people."""
    print(
        f"{line['small_objects']} objects of {line['small_object_bytes']} bytes: copying"
        f" {line['small_copying_s']} s (own CPU {line['small_copying_own_cpu_s']} s), as a process"
        f" {line['small_s']} s; rclone {line['small_rclone_s']} s ({line['small_rclone_own_cpu_s']} s);"
        f" x{line['small_copying_rclone_ratio']} and x{line['small_rclone_ratio']} over rclone"
    )


def open_bucket(name: str, server: MinioServer, bucket: str, home: Path) -> Site:
    """A new bucket as a site."""
    give_credentials(server, name)
    return _open(name, server.endpoint.site_url(bucket), home)


def fill(site: Site, count: int, size: int, seed: int) -> None:
    """Put so many unique objects of one size, under names as batches have."""
    chance = random.Random(f"{seed} {size}")
    until = site.now().replace(microsecond=0) + timedelta(days=2)
    writer = new_writer_id(site.now(), chance.randbytes(5))
    for number in range(count):
        data = chance.randbytes(size)
        digest = hashlib.sha256(data).digest()
        key = ObjectName("batch", writer, number, "messages", digest, chance.randbytes(64)).key
        site.put(key, data, sha256=digest, retain_until=until)


def _open(name: str, url: str, home: Path) -> Site:
    clock = SystemClock()
    create_site(name, url, home=home, archive="benchmark", clock=clock)
    return open_site(name, url, home=home, archive="benchmark", clock=clock)


def _rclone(folder: Path, source: MinioServer, target: MinioServer) -> Finished:
    target.endpoint.client().create_bucket(Bucket=_BUCKET, ObjectLockEnabledForBucket=True)
    command = ["rclone", "copy", f"source:{_BUCKET}", f"target:{_BUCKET}"]
    variables = {"RCLONE_CONFIG": str(folder / "rclone.conf")}
    return run(command, variables | remote("source", source) | remote("target", target))


def _count(server: MinioServer) -> int:
    pages = server.endpoint.client().get_paginator("list_object_versions").paginate(Bucket=_BUCKET)
    return sum(len(page.get("Versions", [])) for page in pages)


def main() -> None:
    """Restore the bucket at the first URL to the second one, and print what copying took."""
    home, (source_url, target_url) = Path(sys.argv[1]), sys.argv[2:]
    clock = SystemClock()
    source = open_site("standby", source_url, home=home, archive="benchmark", clock=clock)
    target = _open("primary", target_url, home)
    plan = plan_restore(source, target, name="primary")
    began = time.process_time()
    report = restore_site(plan, source, target, effort=Effort(workers=8))
    if report.copied.objects != plan.total.objects or not report.whole:
        raise SystemExit("not all objects were copied")
    print(json.dumps({"seconds": report.seconds, "cpu_s": time.process_time() - began}))


if __name__ == "__main__":
    main()
