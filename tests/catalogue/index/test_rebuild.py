"""``vanvault index``: built again from segments alone, on several processes, after a kill, after damage."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.catalogue.search.brute import expected, scan, search_all
from tests.support.archives import Node, message
from tests.support.command import vanvault
from tests.support.dask_cluster import Scheduler

from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.upkeep import compact, index_status, rebuild_index
from vanvault.recovery.work.jobs import ProcessPool

SEGMENTS = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with file sites and some compacted segments."""
    home = tmp_path_factory.mktemp("rebuild") / "home"
    init_home(home)
    with Archive.open(home) as archive:
        for turn in range(SEGMENTS):
            with Node(archive) as node:
                node.wait_ready()
                about = Metadata(
                    employer_code="E", dossier_number=f"0012{turn}/2026/07900", state=f"s{turn % 2}"
                )
                node.submit([message(f"m{turn}-{n}", b"<m>%d</m>" % n, given=about) for n in range(20)])
            compact(archive, until=archive.clock.now())
    return home


@pytest.fixture
def archive(made: Path) -> Iterator[Archive]:
    with Archive.open(made) as archive:
        yield archive


def check(archive: Archive) -> None:
    """Keys, prefixes and counts are those of a scan."""
    archive.catch_up()
    cut = archive.tail.last_received_us() + 1
    scanned = scan(archive)
    for filters in ({"employer_code": "E"}, {"dossier_prefix": "00123"}, {"state": "s1", "entry": "message"}):
        query = Query(filters, to_us=cut, limit=50)
        found = search_all(archive, query)
        assert found == expected(scanned, query)
        assert found
    status = index_status(archive)
    assert status.not_indexed == ()
    assert status.segments == sum(one.segments for one in status.tiers) >= SEGMENTS
    assert status.rows == archive.catalogue.counts()["rows"]


def test_in_this_process_and_on_two_others(archive: Archive, made: Path) -> None:
    segments = len(archive.catalogue.segments())
    with ProcessPool(made, 2) as pool:
        for jobs in (None, pool):
            told: list[int] = []
            report = rebuild_index(
                archive,
                discard=True,
                jobs=jobs,
                begin=lambda total, told=told: told.append,  # type: ignore[misc]
            )
            assert (report.indexed, report.unreadable) == (segments, ())
            assert sum(told) == segments
            check(archive)
        assert rebuild_index(archive, jobs=pool).indexed == 0


def test_on_the_workers_of_a_dask_scheduler(
    archive: Archive, made: Path, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    segments = len(archive.catalogue.segments())
    archive.index.discard()
    scheduler.use(monkeypatch)
    assert vanvault(made, "index", "rebuild")["indexed"] == segments
    check(archive)


def test_files_that_a_killed_run_stored_are_used(archive: Archive) -> None:
    archive.index.discard()
    logs = archive.index.wanting()
    assert archive.index.build(logs[:2]) == (logs[:2], [])  # stored, but nobody put it on record
    assert rebuild_index(archive).indexed >= len(logs) - 2
    check(archive)


def test_two_rebuilds_that_met(archive: Archive) -> None:
    archive.index.discard()
    logs = archive.index.wanting()
    archive.index.build(logs[:3])
    archive.index.build(logs[2:4])
    rebuild_index(archive)
    check(archive)


def test_a_kill_midway(made: Path) -> None:
    main = "from vanvault.cli.main import main; main()"
    command = [
        sys.executable,
        "-c",
        main,
        "--home",
        str(made),
        "index",
        "rebuild",
        "--discard",
        "--workers",
        "2",
    ]
    before = set((made / "index").rglob("*.idx"))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if set((made / "index").rglob("*.idx")) - before:
            break
        time.sleep(0.01)
    process.kill()
    process.wait(30)
    answer = vanvault(made, "index", "rebuild", "--workers", "2")
    assert answer["unreadable"] == []
    assert vanvault(made, "index", "status")["not_indexed"] == []
    with Archive.open(made) as archive:
        check(archive)


def test_a_damaged_file_is_built_again_by_itself(made: Path) -> None:
    path = next((made / "index").rglob("*.idx"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 255
    path.write_bytes(data)
    found = vanvault(made, "search", "--employer-code", "E", "--limit", "1000")
    assert len(found["items"]) == 20 * SEGMENTS
    assert not found["partial"]
    assert not found["unread"]
