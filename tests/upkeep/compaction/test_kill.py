"""kill -9 at every step of a compaction, on files: nothing half-trusted is read; the next run completes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.whole import read_entries
from tests.upkeep.compaction.homes import drafts, push
from tests.upkeep.compaction.reading import check_compacted, check_locks, covered, whole_segments

from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.upkeep import compact, keep_locks

STEPS = (
    "segment-before-put",
    "segment-before-prove",
    "segment-before-lock",
    "segment-before-manifest",
    "segment-trusted",
    "compaction-before-record",
)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step(tmp_path: Path, step: str) -> None:
    home = tmp_path / "home"
    init_home(home)
    with Archive.open(home) as archive:
        keys = push(archive, drafts(0)) + push(archive, drafts(1))
        entries = read_entries(archive)
    time.sleep(0.01)
    until = datetime.now(UTC)
    died = subprocess.run(
        [sys.executable, "-m", "tests.upkeep.compaction.killed", str(home), until.isoformat(), step, "1"],
        timeout=120,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    with Archive.open(home) as archive:
        archive.catch_up()
        now = datetime.now(UTC)
        whole = whole_segments(archive.sites, now)
        assert {one.key for one in archive.catalogue.segments()} == set(whole)
        assert bool(whole) == (step in ("segment-trusted", "compaction-before-record"))
        check_compacted(archive, archive.sites, now)
        compact(archive, until)
        names = [parse_key(key) for key in keys]
        wanted = {(name.writer, name.sequence) for name in names if name is not None}
        whole = whole_segments(archive.sites, now)
        assert covered(whole.values()) >= wanted
        check_compacted(archive, archive.sites, now)
        check_locks(archive.sites, now)
        assert compact(archive, until).report.segments == ()
        report = keep_locks(archive)
        assert (report.alarms, report.failures) == ((), ())
        assert entries.items() <= read_entries(archive).items()
