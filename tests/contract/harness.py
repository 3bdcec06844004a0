"""What the contract suite needs of a store under test, and the stores that it runs against.

A store joins the suite by an entry in ``LOCAL`` or ``SERVERS``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.servers.endpoint import Endpoint
from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.core.ports import Clock, SystemClock
from vanvault.archiver.stores import (
    Credentials,
    Disposer,
    DisposerOptions,
    FileSite,
    S3Url,
    give_secret,
    open_disposer,
    parse_site_url,
)
from vanvault.archiver.stores.credentials import SiteCredentials
from vanvault.archiver.stores.disposing import DisposingSite
from vanvault.archiver.stores.port import AllRights
from vanvault.archiver.stores.s3.disposal import DisposableS3Site
from vanvault.archiver.stores.timed import TimedDisposer

#: The suite must show that even their holder cannot break a lock.
DisposableSite = AllRights


@dataclass(frozen=True)
class Harness:
    """A store, and how the suite lets its time pass and its process end."""

    site: DisposableSite
    wait_until: Callable[[datetime], None]  # returns once the store's clock is past a moment
    reopen: Callable[[], DisposableSite]  # the same store as a new process would open it
    disposer: Callable[[Clock], Disposer]  # of the same store, by this clock of its host
    short_lock: timedelta = timedelta(seconds=30)  # long enough for a test, short enough to wait for
    own_clock: bool = False  # is the store's clock another than that of its host?


@contextmanager
def memory(folder: Path) -> Iterator[Harness]:
    clock = ManualClock()
    site = MemorySite("memory", clock=clock)
    yield Harness(site, _waiter(clock), lambda: site, lambda ours: DisposingSite(site))


@contextmanager
def file(folder: Path) -> Iterator[Harness]:
    clock = ManualClock()
    FileSite.create(folder, "file", archive="contract", clock=clock)
    opened: list[FileSite] = []

    def reopen() -> FileSite:
        opened.append(FileSite(folder, "file", clock=clock))
        return opened[-1]

    try:
        yield Harness(reopen(), _waiter(clock), reopen, _file_disposer(folder))
    finally:
        for site in opened:
            site.close()


@contextmanager
def timed_file(folder: Path) -> Iterator[Harness]:
    clock = ManualClock()
    FileSite.create(folder, "file", archive="contract", clock=clock)
    opened: list[TimedDisposer] = []

    def reopen() -> TimedDisposer:
        opened.append(TimedDisposer(FileSite(folder, "file", clock=clock)))
        return opened[-1]

    try:
        yield Harness(reopen(), _waiter(clock), reopen, _file_disposer(folder))
    finally:
        for site in opened:
            site.close()


def s3_site(endpoint: Endpoint, bucket: str, **more: Any) -> DisposableS3Site:
    """A site over a bucket with the administrator's credentials for every duty."""
    place = parse_site_url(endpoint.site_url(bucket))
    assert isinstance(place, S3Url)
    one = Credentials(endpoint.access_key, endpoint.secret_key)
    duties = SiteCredentials(one, one, one)
    return DisposableS3Site(place, "s3", credentials=duties, disposer=one, clock=SystemClock(), **more)


@contextmanager
def s3(endpoint: Endpoint, options: S3Options) -> Iterator[Harness]:
    """A bucket of a real server: real time, so locks that must end are short."""
    bucket = endpoint.new_bucket("contract")
    opened: list[DisposableS3Site] = []

    def reopen() -> DisposableS3Site:
        opened.append(s3_site(endpoint, bucket, options=options))
        return opened[-1]

    def disposer(ours: Clock) -> Disposer:
        keys = {
            "VANVAULT_S3_DISPOSER_ACCESS_KEY": endpoint.access_key,
            "VANVAULT_S3_DISPOSER_SECRET_KEY": endpoint.secret_key,
        }
        return open_disposer(
            "s3",
            endpoint.site_url(bucket),
            home=Path(),
            archive="contract",
            clock=ours,
            options=DisposerOptions(s3=options),
            environment=keys,
        )

    def wait_until(moment: datetime) -> None:
        while opened[0].now() <= moment:
            time.sleep(0.2)

    try:
        yield Harness(reopen(), wait_until, reopen, disposer, timedelta(seconds=2), own_clock=True)
    finally:
        for site in opened:
            site.close()


def _file_disposer(folder: Path) -> Callable[[Clock], Disposer]:
    give_secret(folder, "a-secret")
    keys = {"VANVAULT_FILE_DISPOSER_ACCESS_KEY": "disposer", "VANVAULT_FILE_DISPOSER_SECRET_KEY": "a-secret"}
    return lambda ours: open_disposer(
        "file", f"file:{folder}", home=folder.parent, archive="contract", clock=ours, environment=keys
    )


def _waiter(clock: ManualClock) -> Callable[[datetime], None]:
    def wait_until(moment: datetime) -> None:
        clock.advance(max(moment - clock.now(), timedelta()) + timedelta(seconds=1))

    return wait_until


#: By the name of the store: a maker that takes a folder which does not exist yet.
LOCAL: dict[str, Callable[[Path], AbstractContextManager[Harness]]] = {
    "memory": memory,
    "file": file,
    "timed-file": timed_file,
}
#: By the name of the store: the fixture of its running server, and what its probe has passed.
SERVERS = {
    "minio": ("minio_a", S3Options(multipart_ok=True, far_dates_ok=True)),
    "ceph": ("ceph_a", S3Options()),
}
