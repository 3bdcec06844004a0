"""A site whose calls never come back is given up in bounded time, with few threads, and comes back."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.clocks import ManualClock
from tests.support.hanging import HangingSite
from tests.support.memory_site import MemorySite
from tests.support.waiting import PATIENCE_S, wait_for
from vanvault.archiver.core.errors import MachineLimit, NotFound, SiteUnavailable
from vanvault.archiver.core.options import FileOptions
from vanvault.archiver.stores import FileSite, Site, StoredVersion
from vanvault.archiver.stores.daemon_threads import DaemonThreads, is_expendable
from vanvault.archiver.stores.timed import TimedSite

pytestmark = pytest.mark.timeout(300)

SOON = FileOptions(timeout_s=1.0)
DATA = b"data"


@pytest.fixture
def hanging(clock: ManualClock) -> Iterator[HangingSite]:
    found = HangingSite(MemorySite("primary", clock=clock))
    yield found
    found.open()


@pytest.fixture
def site(hanging: HangingSite) -> TimedSite:
    return TimedSite(hanging, SOON)  # type: ignore[arg-type]


def put(site: Site, clock: ManualClock, key: str = "a") -> StoredVersion:
    until = clock.now().replace(microsecond=0) + timedelta(days=1)
    return site.put(key, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)


def begun_put(site: TimedSite, clock: ManualClock, key: str = "b") -> StoredVersion:
    until = clock.now().replace(microsecond=0) + timedelta(days=1)
    begun = site.begin_put(key, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)
    while True:
        with suppress(TimeoutError):
            return begun.future.result(0.05)
        begun.check()


OPERATIONS: dict[str, Callable[[TimedSite, ManualClock], object]] = {
    "now": lambda site, clock: site.now(),
    "capabilities": lambda site, clock: site.capabilities,
    "get": lambda site, clock: site.get("a"),
    "get_locked": lambda site, clock: site.get_locked("a", "v0000000001"),
    "get_range": lambda site, clock: site.get_range("a", 0, 2),
    "stat": lambda site, clock: site.stat("a"),
    "versions": lambda site, clock: site.versions("a"),
    "list": lambda site, clock: list(site.list()),
    "strays": lambda site, clock: list(site.strays()),
    "put": lambda site, clock: put(site, clock, "b"),
    "begin_put": begun_put,
    "extend": lambda site, clock: site.extend("a", "v0000000001", clock.now().replace(microsecond=0)),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_call_that_hangs_is_given_up(
    hanging: HangingSite, site: TimedSite, clock: ManualClock, operation: str
) -> None:
    put(hanging, clock)  # type: ignore[arg-type]
    hanging.shut()
    with pytest.raises(SiteUnavailable, match=r"primary gives no answer for 1 s") as caught:
        OPERATIONS[operation](site, clock)
    assert caught.value.site == "primary"
    assert caught.value.may_be_stored is (operation in ("put", "begin_put", "extend"))


def test_a_site_that_hangs_keeps_few_threads_and_comes_back(
    hanging: HangingSite, site: TimedSite, clock: ManualClock
) -> None:
    hanging.shut()
    before = threading.active_count()
    for _ in range(40):
        with pytest.raises(SiteUnavailable):
            site.stat("a")
    assert hanging.begun == 16
    assert threading.active_count() <= before + 16
    hanging.open()
    wait_for(lambda: not site.hanging, "what hung has ended")
    wait_for(lambda: answers(site), "the site answers again")


def test_puts_that_nobody_waits_for_count_among_those_that_hang(
    hanging: HangingSite, site: TimedSite, clock: ManualClock
) -> None:
    stored = begun_put(site, clock, "a")
    assert site.stat("a") == stored
    hanging.shut()
    until = clock.now().replace(microsecond=0) + timedelta(days=1)
    for _ in range(16):
        begun = site.begin_put("b", DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)
        begun.give_up()
        begun.give_up()
    assert site.hanging == 16
    with pytest.raises(SiteUnavailable) as caught:
        begun_put(site, clock)
    assert not caught.value.may_be_stored
    hanging.open()
    wait_for(lambda: not site.hanging, "what hung has ended")
    assert begun_put(site, clock, "c").key == "c"


@pytest.mark.parametrize("later", [False, True])
def test_a_put_that_nobody_waits_for_makes_its_site_late_only_when_its_time_is_over(
    hanging: HangingSite, clock: ManualClock, later: bool
) -> None:
    site = TimedSite(hanging, FileOptions(timeout_s=2.0))  # type: ignore[arg-type]
    hanging.shut()
    until = clock.now().replace(microsecond=0) + timedelta(days=1)
    site.begin_put("b", DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until).give_up()
    assert site.hanging == 1
    if later:
        time.sleep(2.1)
    began = time.monotonic()
    with pytest.raises(SiteUnavailable):
        site.now()
    assert (time.monotonic() - began < 1.5) is later


def test_a_site_that_is_closed_twice_is_closed(site: TimedSite) -> None:
    site.close()
    site.close()


def answers(site: TimedSite) -> bool:
    with suppress(SiteUnavailable):
        return bool(site.now())
    return False


def test_errors_of_the_site_come_through(hanging: HangingSite) -> None:
    site = TimedSite(hanging)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        site.get("a")
    with pytest.raises(NotFound):
        site.stat("a")


class Slow:
    """Gives an object only after it was asked for its size; lists only after it was asked for the time."""

    def __init__(self, site: MemorySite) -> None:
        self._site = site
        self._sized, self._told = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        assert self._sized.wait(PATIENCE_S)
        return self._site.get(key, version)

    def get_locked(self, key: str, version: str, **bounds: Any) -> tuple[bytes, StoredVersion]:
        return self.get(key, version, **bounds), self._site.stat(key, version)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        self._sized.set()
        return self._site.stat(key, version)

    def now(self) -> object:
        self._told.set()
        return self._site.now()

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        assert self._told.wait(PATIENCE_S)
        yield from self._site.list(prefix, after)


def test_a_large_object_is_given_the_time_that_its_bytes_need(clock: ManualClock) -> None:
    memory = MemorySite("primary", clock=clock)
    slow = TimedSite(
        Slow(memory),  # type: ignore[arg-type]
        FileOptions(timeout_s=2.0, least_bytes_per_s=len(DATA) / PATIENCE_S),
    )
    stored = put(memory, clock)
    assert slow.get("a") == DATA
    slow_again = TimedSite(
        Slow(memory),  # type: ignore[arg-type]
        FileOptions(timeout_s=2.0, least_bytes_per_s=len(DATA) / PATIENCE_S),
    )
    assert slow_again.get_locked("a", stored.version) == (DATA, stored)


def test_a_long_listing_is_waited_for_while_the_site_answers(clock: ManualClock) -> None:
    memory = MemorySite("primary", clock=clock)
    slow = TimedSite(Slow(memory), FileOptions(timeout_s=2.0))  # type: ignore[arg-type]
    put(memory, clock)
    assert [version.key for version in slow.list()] == ["a"]


def test_a_call_on_a_thread_that_nobody_waits_for_needs_no_other(clock: ManualClock) -> None:
    site, threads = TimedSite(MemorySite("alone", clock=clock), SOON), DaemonThreads(1, "caller")
    asked: list[bool] = []

    def call() -> None:
        site.now()
        asked.append(is_expendable())

    threads.submit(call).result(PATIENCE_S)
    assert asked == [True]
    assert not any(thread.name.startswith("site-alone") for thread in threading.enumerate())
    threads.close()


def test_threads_are_used_again_and_never_more_than_allowed() -> None:
    threads, gate = DaemonThreads(2, "few"), threading.Event()
    first = [threads.submit(lambda: threading.current_thread().name) for _ in range(1)]
    assert first[0].result(PATIENCE_S) == "few-1"
    waiting = [threads.submit(gate.wait) for _ in range(5)]
    assert sum(thread.name.startswith("few-") for thread in threading.enumerate()) <= 2
    gate.set()
    assert all(future.result(PATIENCE_S) for future in waiting)
    threads.close()
    with pytest.raises(RuntimeError):
        threads.submit(gate.wait)


def test_a_process_ends_although_a_call_hangs() -> None:
    script = """
import threading
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.core.options import FileOptions
from vanvault.archiver.stores.timed import TimedSite

class Hangs:
    site = "primary"
    def now(self):
        threading.Event().wait()
    def close(self):
        threading.Event().wait()

site = TimedSite(Hangs(), FileOptions(timeout_s=0.1))
try:
    site.now()
except SiteUnavailable as error:
    print(error.message)
site.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=2 * PATIENCE_S, check=True
    )
    assert done.stdout == "site primary gives no answer for 0.1 s\n"


def test_nobody_waits_at_a_pipe_in_the_place_of_an_object(tmp_path: Path, clock: ManualClock) -> None:
    FileSite.create(tmp_path / "site", "primary", archive="an-archive", clock=clock)
    site = FileSite(tmp_path / "site", "primary", clock=clock)
    until = clock.now().replace(microsecond=0) + timedelta(days=1)
    stored = site.put("a", DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)
    file = next(path for path in (tmp_path / "site" / "objects").rglob("a~*"))
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(NotFound):
        site.get("a", stored.version)
    assert list(site.list()) == []
    site.close()


def test_nobody_waits_at_a_pipe_in_the_place_of_a_sites_description(
    tmp_path: Path, clock: ManualClock
) -> None:
    FileSite.create(tmp_path / "site", "primary", archive="an-archive", clock=clock)
    manifest = tmp_path / "site" / "site.json"
    manifest.unlink()
    os.mkfifo(manifest)
    with pytest.raises(Exception, match=r"description of a file site|no site at"):
        FileSite(tmp_path / "site", "primary", clock=clock)


def test_no_thread_to_be_had_is_a_limit_of_the_machine(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = DaemonThreads(1, "none")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_more_threads)
        with pytest.raises(MachineLimit) as caught:
            threads.submit(clock.now)
    assert caught.value.resource == "threads"
    assert threads.submit(clock.now).result(PATIENCE_S) == clock.now(), "the one that failed was counted"
    threads.close()


def no_more_threads(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
