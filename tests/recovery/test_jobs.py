"""The same job in this process, on a process pool and on a real Dask scheduler gives the same result."""

from __future__ import annotations

import gc
import itertools
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.dask_cluster import Scheduler, dask_settings
from tests.support.server import free_port
from tests.support.waiting import wait_for
from vanvault.archiver.core.errors import InvalidInput, SettingsError, SiteUnavailable
from vanvault.archiver.core.settings import JobsSettings
from vanvault.recovery.work.jobs import EarlyWorkers, InProcess, ProcessPool, open_jobs

ITEMS = list(range(12))


def square(home: Path, number: int) -> tuple[str, int]:
    time.sleep(0.02)
    return home.name, number * number


def refuse(home: Path, number: int) -> int:
    if number == 3:
        raise InvalidInput("three is refused", field="number")
    return number


def lose_a_site(home: Path, number: int) -> int:
    raise SiteUnavailable("the site is away", site="standby", may_be_stored=False, hint="Bring it back.")


def die_once(home: Path, number: int) -> int:
    """The worker that first comes to item 5 is killed there."""
    if number == 5:
        try:
            (home / "died").touch(exist_ok=False)
        except FileExistsError:
            return -number
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGKILL)
    return -number


def die_always(home: Path, number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@pytest.fixture(params=["process", "pool", "dask"])
def settings(request: pytest.FixtureRequest) -> JobsSettings:
    if request.param == "dask":
        return request.getfixturevalue("scheduler").settings  # type: ignore[no-any-return]
    return JobsSettings(workers=1 if request.param == "process" else 2)


def test_the_same_result_everywhere(settings: JobsSettings, tmp_path: Path) -> None:
    with open_jobs(tmp_path, settings) as jobs:
        assert list(jobs.map(square, ITEMS)) == list(InProcess(tmp_path).map(square, ITEMS))
        assert list(jobs.map(square, [])) == []


def core_limit(home: Path, number: int) -> tuple[int, int]:
    """In a worker: the process, and the most bytes that it may write of its memory when it is killed."""
    return os.getpid(), resource.getrlimit(resource.RLIMIT_CORE)[1]


def test_workers_write_no_memory_to_disk_and_this_process_keeps_its_limit(
    settings: JobsSettings, tmp_path: Path
) -> None:
    own = resource.getrlimit(resource.RLIMIT_CORE)[1]
    with open_jobs(tmp_path, settings) as jobs:
        for process, limit in jobs.map(core_limit, ITEMS):
            assert limit == (own if process == os.getpid() else 0)
    assert resource.getrlimit(resource.RLIMIT_CORE)[1] == own


def test_an_error_is_the_callers(settings: JobsSettings, tmp_path: Path) -> None:
    with open_jobs(tmp_path, settings) as jobs:
        results = jobs.map(refuse, ITEMS)
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(InvalidInput, match="three") as caught:
            next(results)
        assert caught.value.field == "number"
        with pytest.raises(SiteUnavailable) as lost:
            list(jobs.map(lose_a_site, [1]))
        error = lost.value
        assert (error.site, error.may_be_stored, error.hint) == ("standby", False, "Bring it back.")


def test_a_worker_killed_midway_is_made_good(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    for settings in (JobsSettings(workers=2), request.getfixturevalue("scheduler").settings):
        (tmp_path / "died").unlink(missing_ok=True)
        with open_jobs(tmp_path, settings) as jobs:
            assert list(jobs.map(die_once, ITEMS)) == [-number for number in ITEMS]
        assert (tmp_path / "died").exists()


_HELD = threading.Lock()


def look_around(home: Path, variable: str) -> tuple[str, bool, int, bool]:
    """In a worker: a variable, is a lock of this module free, threads of its origin, are objects frozen."""
    origin = Path(f"/proc/{os.getppid()}/task")
    free = _HELD.acquire(blocking=False)
    return os.environ.get(variable, ""), free, len(list(origin.iterdir())), gc.get_freeze_count() > 0


def test_workers_begin_as_this_process_is_now_and_not_with_its_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were they forked from this process, a lock that another thread holds would never be free in them."""
    with _HELD:
        for value in ("first", "second"):
            monkeypatch.setenv("VANVAULT_OF_THIS_TEST", value)
            with ProcessPool(tmp_path, 1) as pool:
                assert list(pool.map(look_around, ["VANVAULT_OF_THIS_TEST"])) == [(value, True, 1, True)]


def test_workers_start_while_their_caller_goes_on(tmp_path: Path) -> None:
    with ProcessPool(tmp_path, 2) as pool:
        assert not pool.ready
        pool.start(square)
        wait_for(lambda: pool.ready)
        assert list(pool.map(square, ITEMS)) == list(InProcess(tmp_path).map(square, ITEMS))


def test_workers_that_cannot_start_are_told_by_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError("there are no more processes")

    monkeypatch.setattr("multiprocessing.forkserver.connect_to_new_process", none)
    with ProcessPool(tmp_path, 2) as pool:
        pool.start(square)
        wait_for(lambda: pool.ready)
        with pytest.raises(OSError, match="no more"):
            list(pool.map(square, ITEMS))


_WORK = """
import os, signal

def parent_of(home, number):
    return os.getppid()

def die_once(home, number):
    if number == 5 and not (home / "died").exists():
        (home / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return -number
"""
_PROGRAM = """
import multiprocessing, os, sys
from pathlib import Path
import vanvault.archiver.worker_origin
from vanvault.archiver.core.settings import JobsSettings
from vanvault.recovery.work import EarlyWorkers, open_others
from work import die_once, parent_of

home, asked = Path(sys.argv[1]), int(sys.argv[2])
with EarlyWorkers() as early, open_others(home, JobsSettings(workers=asked or early.count), early) as jobs:
    print(jobs.ready, len(multiprocessing.active_children()))
    print({one == os.getpid() for one in jobs.map(parent_of, range(8))})
    print(list(jobs.map(die_once, range(8))) == [-number for number in range(8)])
"""


@pytest.mark.skipif(not 2 <= (os.cpu_count() or 1) <= 16, reason="such a machine forks no workers early")
@pytest.mark.parametrize("own", [True, False])
def test_a_program_forks_its_workers_before_it_opens_anything(tmp_path: Path, own: bool) -> None:
    """Where the settings ask for another number of them, they come from the fork server, as do later ones."""
    (tmp_path / "work.py").write_text(_WORK)
    asked = 0 if own else (os.cpu_count() or 1) + 1
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path), str(asked)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), *sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    there = os.cpu_count() if own else 0  # nobody keeps processes that are not asked for
    assert done.stdout == f"{own} {there}\n{{{own}}}\nTrue\n", done.stderr


def test_a_process_with_threads_forks_no_workers(tmp_path: Path) -> None:
    hold = threading.Event()
    thread = threading.Thread(target=hold.wait)
    thread.start()
    try:
        with EarlyWorkers() as early:
            assert early.take(early.count) is None
    finally:
        hold.set()
        thread.join()


def test_workers_that_die_again_and_again_end_the_job(tmp_path: Path) -> None:
    with ProcessPool(tmp_path, 2) as pool, pytest.raises(SiteUnavailable, match="died"):
        list(pool.map(die_always, [1]))


def test_arguments_are_taken_no_further_ahead_than_workers_need(
    settings: JobsSettings, tmp_path: Path
) -> None:
    taken = itertools.count()
    with open_jobs(tmp_path, settings) as jobs, closing(jobs.map(square, taken)) as results:
        assert [number for _, number in islice(results, 10)] == [n * n for n in range(10)]
    assert next(taken) <= 10 + 2 * 2


def test_workers_that_die_again_and_again_on_dask(scheduler: Scheduler, tmp_path: Path) -> None:
    with (
        open_jobs(tmp_path, scheduler.settings) as jobs,
        pytest.raises(SiteUnavailable, match="died again and again"),
    ):
        list(jobs.map(die_always, [1]))


def test_a_scheduler_that_is_not_there(tmp_path: Path) -> None:
    settings = dask_settings(f"tls://127.0.0.1:{free_port()}", Authority(tmp_path).issue("node"))
    with pytest.raises(SiteUnavailable, match="scheduler"), open_jobs(tmp_path, settings):
        pass


def test_dask_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    settings = dask_settings("tls://127.0.0.1:1", Authority(tmp_path).issue("node"))
    with pytest.raises(SettingsError, match="not installed"), open_jobs(tmp_path, settings):
        pass
