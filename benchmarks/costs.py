"""What copying an object costs, and a byte: restores of sets of equal objects between two MinIO servers."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from minio_sites import minio
from small_objects import fill, open_bucket
from tests.servers.minio import MinioServer

from vanvault.recovery.forecast import Cost, Measurement, cost_of
from vanvault.recovery.restore import plan_restore, restore_site
from vanvault.recovery.work import Effort

#: Bytes of the objects in each set. Of small ones there are fewer bytes, at most so many objects.
COST_SIZES = (20_000, 2**20, 16 * 2**20)
COST_OBJECTS = 500


def costs(
    work: Path, server: MinioServer, home: Path, *, set_bytes: int, seed: int
) -> tuple[list[Measurement], Cost]:
    """Restores of sets of equal objects, each between two buckets: what an object costs, and a byte."""
    measured = []
    folder = Path(tempfile.mkdtemp(dir=work))
    with minio(folder / "target") as target:
        for size in COST_SIZES:
            count = min(COST_OBJECTS, max(4, set_bytes // size))
            source = open_bucket("standby", server, f"cost-{size}", home)
            goal = open_bucket("primary", target, f"cost-{size}", home)
            fill(source, count, size, seed)
            report = restore_site(
                plan_restore(source, goal, name=goal.site), source, goal, effort=Effort(workers=8)
            )
            if (report.copied.objects, report.copied.bytes) != (count, count * size):
                raise SystemExit("a set of equal objects was not restored")
            measured.append(Measurement(count, count * size, report.seconds))
            for site in (source, goal):
                site.close()
    shutil.rmtree(folder)
    cost = cost_of(measured)
    if cost is None:
        raise SystemExit("nothing was measured")
    return measured, cost
