"""Acts of somebody who has every right at a bucket; ``make hostile`` does all, and more by chance."""

from __future__ import annotations

from pathlib import Path

import structlog

from tests.faults.hostile.run import Plans, Templates, run_in_buckets
from tests.servers.endpoint import Endpoint


def test_nothing_is_believed_copied_stopped_lost_or_left_unnamed(
    minio_pair: tuple[Endpoint, Endpoint], tmp_path: Path
) -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    templates = Templates.built(tmp_path / "templates")
    plan = Plans(7, "s3").next()
    verdict, done, _ = run_in_buckets(plan, templates.other, tmp_path, 7, minio_pair[0])
    assert len(done) > 10
    assert verdict.lines() == []
