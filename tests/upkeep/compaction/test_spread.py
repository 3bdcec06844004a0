"""A compaction on other processes makes the segments that one process makes, also when a worker is killed."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.support.command import vanvault
from tests.support.dask_cluster import Scheduler
from tests.support.mortal_jobs import Mortal, grave
from tests.upkeep.compaction.forging import forged_batch
from tests.upkeep.compaction.homes import drafts, push
from tests.upkeep.compaction.reading import check_compacted, check_locks, read_part

from vanvault.archiver.appliance import Archive, init_home, open_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.catalogue.segments.files import SegmentFiles
from vanvault.archiver.core.errors import Busy, SettingsError
from vanvault.archiver.core.model import SegmentManifest
from vanvault.archiver.stores import folder_of
from vanvault.archiver.upkeep import Jobs, compact
from vanvault.archiver.upkeep.compaction import spread
from vanvault.archiver.upkeep.compaction.run import CompactionRun
from vanvault.archiver.upkeep.compaction.workers import SegmentOrder, segment_of, write_segment
from vanvault.recovery.verify import verify_archive
from vanvault.recovery.work.jobs import ProcessPool, open_jobs

_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")

WRITERS = 5
#: Of messages and events of a few batches: so every run makes several segments.
SEGMENT_ROWS = 1_000


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Batches of some writers, none of them compacted; the last ones repeat the first."""
    home = tmp_path_factory.mktemp("spread") / "home"
    init_home(home)
    with Archive.open(home) as archive:
        for number in range(WRITERS):
            push(archive, drafts(number, count=400), final=False)
        push(archive, drafts(0, count=2))
    time.sleep(0.01)
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VANVAULT_COMPACTION__SEGMENT_ROWS", str(SEGMENT_ROWS))
    monkeypatch.setattr(spread, "ROWS", SEGMENT_ROWS)
    return Path(shutil.copytree(template, tmp_path / "home"))


@pytest.fixture
def until() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(params=["pool", "dask"])
def jobs(request: pytest.FixtureRequest, home: Path) -> Iterator[Jobs]:
    if request.param == "dask":
        with open_jobs(home, request.getfixturevalue("scheduler").settings) as dask:
            yield dask
    else:
        with ProcessPool(home, 2, ready=True) as pool:
            yield pool


def alone(home: Path, until: datetime) -> CompactionRun:
    """The same, of a copy of the home and in this process."""
    copy = Path(shutil.copytree(home, home.with_name("alone")))
    with Archive.open(copy) as archive:
        return compact(archive, until)


def content(run: CompactionRun) -> list[Any]:
    """What segments hold, whatever they are called; but for the last, which holds what the run wrote."""
    return [
        (one.day, one.covers, one.rows, one.raw_bytes, one.first_us, one.last_us)
        for one in run.report.segments[:-1]
    ]


def repeats(home: Path, run: CompactionRun) -> list[tuple[str, str]]:
    """Writer of each row that repeats another, and the id of the one that stands."""
    found = []
    with Archive.open(home) as archive:
        for one in run.report.segments:
            log = one.part("log")
            assert log is not None
            table = read_part(archive, archive.sites["primary"], log.key)[1]
            columns = (table.column(name).to_pylist() for name in ("writer", "repeats"))
            found += [(writer, stands) for writer, stands in zip(*columns, strict=True) if stands]
    return found


def check(home: Path, until: datetime) -> None:
    """Nothing is lost or half trusted, no two segments hold the same, and nothing is left to do."""
    now = datetime.now(UTC)
    with Archive.open(home) as archive:
        assert check_compacted(archive, archive.sites, now)
        check_locks(archive.sites, now)
        assert len(archive.catalogue.segments(spare=True)) == len(archive.catalogue.segments())
        assert compact(archive, until).report.segments == ()
        assert verify_archive(archive, pause=lambda: None).whole


def test_the_same_segments_in_the_same_order(home: Path, jobs: Jobs, until: datetime) -> None:
    told: list[SegmentManifest] = []

    def done(manifest: SegmentManifest) -> None:
        told.append(manifest)
        with Archive.open(home) as other, pytest.raises(Busy):
            compact(other, until)

    here = alone(home, until)
    with Archive.open(home) as archive:
        run = compact(archive, until, jobs=jobs, done=done)
        assert content(run) == content(here)
        assert tuple(told) == run.report.segments
        assert repeats(home, run) == repeats(home.with_name("alone"), here) != []
        assert len(told) >= 3
    check(home, until)


def test_a_worker_killed_before_it_answers_made_its_segment_once(
    home: Path, jobs: Jobs, until: datetime
) -> None:
    here = alone(home, until)
    with Archive.open(home) as archive:
        run = compact(archive, until, jobs=Mortal(jobs, nth=1))
        assert content(run) == content(here)
        assert grave(home, "measure").exists()
        assert grave(home, "write_segment").exists()
    check(home, until)


class StepKiller:
    """Does as other ``jobs``; the first worker that comes to a step of its segment dies there."""

    ready = True

    def __init__(self, jobs: Jobs, step: str) -> None:
        self._jobs = jobs
        self._step = step

    def map(
        self, function: Callable[[Path, _Argument], _Result], arguments: Iterable[_Argument]
    ) -> Generator[_Result, None, None]:
        chosen: Any = partial(die_at, self._step) if function is write_segment else function
        return self._jobs.map(chosen, arguments)


def die_at(step: str, home: Path, order: SegmentOrder) -> tuple[tuple[str, SegmentManifest], ...]:
    def fault(reached: str) -> None:
        if reached == step and not grave(home, step).exists():
            grave(home, step).touch()
            os.kill(os.getpid(), signal.SIGKILL)

    with open_home(home, order.archive) as archive:
        return segment_of(archive, order, fault)


@pytest.mark.parametrize("step", ["segment-before-prove", "segment-before-manifest", "segment-trusted"])
def test_a_worker_killed_at_a_step_of_its_segment(home: Path, jobs: Jobs, until: datetime, step: str) -> None:
    here = alone(home, until)
    with Archive.open(home) as archive:
        run = compact(archive, until, jobs=StepKiller(jobs, step))
        assert grave(home, step).exists()
        assert content(run) == content(here)
    check(home, until)


def test_what_a_damaged_batch_holds_back(home: Path, until: datetime) -> None:
    with Archive.open(home) as archive:
        archive.catch_up(settle=True)
        batches = [one.key for one in archive.tail.uncompacted()[0] if one.header.kind == "messages"]
    for site in ("primary", "standby"):
        name = batches[1].rpartition("/")[2]
        for path in (home / "sites" / site / "objects" / folder_of(batches[1])).glob(f"{name}~*"):
            if path.stat().st_size:
                path.chmod(0o640)
                path.write_bytes(path.read_bytes()[:-1])
    here = alone(home, until)
    assert here.report.damaged == (batches[1],)
    with Archive.open(home) as archive, ProcessPool(home, 2, ready=True) as pool:
        run = compact(archive, until, jobs=pool)
        assert run.report.damaged == here.report.damaged
        assert content(run) == content(here)
        assert sum(one.rows for one in run.report.segments) == sum(one.rows for one in here.report.segments)


def test_a_batch_that_contradicts_itself_is_cut_out(home: Path, until: datetime) -> None:
    """Its bytes are whole, so only who reads its rows meets it; no other batch stays behind for it."""
    with Archive.open(home) as archive:
        forged = forged_batch(archive, archive.sites, until - timedelta(seconds=1))
    here = alone(home, until)
    assert here.report.damaged == (forged,)
    with Archive.open(home) as archive, ProcessPool(home, 2, ready=True) as pool:
        run = compact(archive, until, jobs=pool)
    assert run.report.damaged == (forged,)
    assert content(run) == content(here)
    assert sum(one.rows for one in run.report.segments) == sum(one.rows for one in here.report.segments)


def test_segments_are_indexed_where_they_are_written(
    home: Path, until: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the rows in memory: this process reads no log to index it."""
    read: list[str] = []

    def table(files: SegmentFiles, manifest: SegmentManifest, *others: Any) -> Any:
        read.append(manifest.segment)
        return whole_table(files, manifest, *others)

    whole_table = SegmentFiles.table
    monkeypatch.setattr(SegmentFiles, "table", table)
    with Archive.open(home) as archive, ProcessPool(home, 2, ready=True) as pool:
        run = compact(archive, until, jobs=pool)
        assert read == []
        assert not archive.catalogue.unindexed()
        assert archive.search.page(Query(filters={"gateway": "gateway-1"}, limit=5), bare=True).items
    assert len(run.report.segments) > 2


def test_little_work_stays_in_this_process(home: Path, until: datetime) -> None:
    with Archive.open(home) as archive, ProcessPool(home / "there is no such home", 2) as nobody:
        assert compact(archive, until, jobs=nobody).report.segments


def test_much_work_goes_to_processes(
    home: Path, until: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "WORTH_ROWS", 1_000)
    with Archive.open(home) as archive, ProcessPool(tmp_path / "nothing", 1) as pool:
        with pytest.raises(SettingsError):
            compact(archive, until, jobs=pool)
        assert compact(archive, until).report.segments, "nothing was done, and all is left to do"


def test_the_verb_on_dask(home: Path, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler.use(monkeypatch)
    found = vanvault(home, "compact", "--until", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}")
    assert found["damaged"] == []
    assert found["rows"] >= 401 * WRITERS
