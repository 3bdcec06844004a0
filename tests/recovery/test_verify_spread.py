"""A verification finds the same on threads, on a process pool and on Dask, also when a worker is killed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.support.command import vanvault
from tests.support.compacted import CompactedLab
from tests.support.dask_cluster import Scheduler
from tests.support.lab import Lab
from tests.support.mortal_jobs import Mortal, grave
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.upkeep import Jobs
from vanvault.recovery.verified import Subset
from vanvault.recovery.verify import VerifyReport, spread, verify_archive
from vanvault.recovery.work import Extent
from vanvault.recovery.work.jobs import InProcess, ProcessPool, open_jobs

_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")


def harm(lab: Lab) -> None:
    """Damage of every kind, so that every finding has to come back."""
    batches, large = lab.keys(family="batch", kind="messages"), lab.keys(family="large")
    lab.flip("standby", batches[0])
    lab.drop("primary", batches[1])
    lab.swap("standby", batches[2], batches[3])
    lab.shorten("primary", batches[4])
    for site in ("primary", "standby"):
        lab.drop(site, lab.chain(1)[1])
    lab.add("primary", "batch/what", b"no object")
    lab.truncate("standby", large[0])
    lab.drop("standby", large[1])


def harm_segments(lab: CompactedLab) -> None:
    lab.flip("primary", lab.part("log", 0))
    lab.drop("standby", lab.part("evidence", 0))
    lab.drop("standby", lab.part("manifest", 1))
    lab.shorten("primary", lab.part("originals", 1))
    lab.dispose(sites=("standby",), every=2)


@pytest.fixture
def harmed(compacted: CompactedLab) -> CompactedLab:
    harm_segments(compacted)
    harm(compacted)
    return compacted


@pytest.fixture(params=["pool", "dask"])
def jobs(request: pytest.FixtureRequest, harmed: CompactedLab) -> Iterator[Jobs]:
    if request.param == "dask":
        with open_jobs(harmed.home, request.getfixturevalue("scheduler").settings) as dask:
            yield dask
    else:
        with ProcessPool(harmed.home, 2, ready=True) as pool:  # ready to do the little that there is
            yield pool


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """So that many items are under way at once."""
    monkeypatch.setattr(spread, "GROUP", Extent(objects=4, bytes=2**20))
    yield


def report_of(lab: Lab, jobs: Jobs | None, subset: Subset | None = None) -> VerifyReport:
    with lab.open() as archive:
        report = verify_archive(archive, jobs=jobs, subset=subset, pause=lambda: None)
    return replace(report, seconds=0)


def test_the_same_findings_everywhere(harmed: CompactedLab, jobs: Jobs) -> None:
    here = report_of(harmed, None)
    problems = {finding.problem for finding in here.findings}
    assert problems >= {"damaged", "missing", "swapped", "lock", "extra"}
    assert report_of(harmed, jobs) == here
    assert report_of(harmed, jobs, Subset(2, 3)) == report_of(harmed, None, Subset(2, 3))
    (harmed.home / "keys" / "originals-1.key").unlink()
    here = report_of(harmed, None)
    assert "key" in {finding.problem for finding in here.findings}
    assert report_of(harmed, jobs) == here


def test_a_worker_killed_midway_changes_nothing(harmed: CompactedLab, jobs: Jobs) -> None:
    assert report_of(harmed, Mortal(jobs, nth=2)) == report_of(harmed, None)
    assert grave(harmed.home, "read_objects").exists()


def test_little_work_stays_in_this_process(lab: Lab) -> None:
    with ProcessPool(lab.home / "there is no such home", 2) as nobody:
        assert report_of(lab, nobody) == report_of(lab, None)


class Later:
    """Does as other ``jobs``, whose workers are there once they were asked for ``after`` times."""

    def __init__(self, jobs: Jobs, *, after: int) -> None:
        self._jobs = jobs
        self._after = after
        self.started: list[str] = []
        self.sent = 0

    @property
    def ready(self) -> bool:
        self._after -= bool(self.started)
        return self._after <= 0

    def start(self, function: Callable[[Path, Any], object]) -> None:
        self.started.append(function.__name__)

    def map(
        self, function: Callable[[Path, _Argument], _Result], arguments: Iterable[_Argument]
    ) -> Generator[_Result, None, None]:
        for result in self._jobs.map(function, arguments):
            self.sent += 1
            yield result


@pytest.mark.parametrize("after", [1, 2, 5, 10**6])
def test_much_work_is_begun_here_and_goes_on_elsewhere_once_workers_are_there(
    harmed: CompactedLab, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    monkeypatch.setattr(spread.Workers.__init__, "__kwdefaults__", {"small": Extent(objects=2, bytes=2**30)})
    later = Later(InProcess(harmed.home), after=after)
    assert report_of(harmed, later) == report_of(harmed, None)
    assert later.started
    assert (later.sent == 0) == (after == 10**6)


def test_much_work_on_a_pool_that_starts_meanwhile(
    harmed: CompactedLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread.Workers.__init__, "__kwdefaults__", {"small": Extent(objects=2, bytes=2**30)})
    with ProcessPool(harmed.home, 1) as pool:
        assert report_of(harmed, pool) == report_of(harmed, None)


def test_a_worker_with_the_home_of_another_archive_is_refused(lab: Lab, tmp_path: Path) -> None:
    init_home(tmp_path / "other")
    with (
        ProcessPool(tmp_path / "other", 1, ready=True) as pool,
        pytest.raises(SettingsError, match="home of this worker"),
    ):
        report_of(lab, pool)


def test_the_verb_on_dask(
    harmed: CompactedLab, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = vanvault(harmed.home, "verify", "--no-record", exit_code=3)
    scheduler.use(monkeypatch)
    there = vanvault(harmed.home, "verify", "--no-record", exit_code=3)
    assert {**there, "seconds": 0} == {**here, "seconds": 0}
