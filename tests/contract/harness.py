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
from typing import Any, Protocol

from tests.servers.endpoint import Endpoint
from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.stores import (
    Credentials,
    Disposer,
    FileSite,
    S3Url,
    Site,
    parse_site_url,
)
from vanvault.archiver.stores.credentials import SiteCredentials
from vanvault.archiver.stores.s3.disposal import DisposableS3Site
from vanvault.archiver.stores.timed import TimedSite


class DisposableSite(Site, Disposer, Protocol):
    """All rights at once: the suite must show that even their holder cannot break a lock."""


@dataclass(frozen=True)
class Harness:
    """A store, and how the suite lets its time pass and its process end."""

    site: DisposableSite
    wait_until: Callable[[datetime], None]  # returns once the store's clock is past a moment
    reopen: Callable[[], DisposableSite]  # the same store as a new process would open it
    short_lock: timedelta = timedelta(seconds=30)  # long enough for a test, short enough to wait for


@contextmanager
def memory(folder: Path) -> Iterator[Harness]:
    clock = ManualClock()
    site = MemorySite("memory", clock=clock)
    yield Harness(site, _waiter(clock), lambda: site)


@contextmanager
def file(folder: Path) -> Iterator[Harness]:
    clock = ManualClock()
    FileSite.create(folder, "file", archive="contract", clock=clock)
    opened: list[FileSite] = []

    def reopen() -> FileSite:
        opened.append(FileSite(folder, "file", clock=clock))
        return opened[-1]

    try:
        yield Harness(reopen(), _waiter(clock), reopen)
    finally:
        for site in opened:
            site.close()


class _TimedFileSite(TimedSite):
    """A file site as a node opens it, with the right to remove."""

    def __init__(self, site: FileSite) -> None:
        super().__init__(site)
        self._removing = site

    def delete(self, key: str, version: str) -> None:
        self._removing.delete(key, version)


@contextmanager
def timed_file(folder: Path) -> Iterator[Harness]:
    clock = ManualClock()
    FileSite.create(folder, "file", archive="contract", clock=clock)
    opened: list[_TimedFileSite] = []

    def reopen() -> _TimedFileSite:
        opened.append(_TimedFileSite(FileSite(folder, "file", clock=clock)))
        return opened[-1]

    try:
        yield Harness(reopen(), _waiter(clock), reopen)
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

    def wait_until(moment: datetime) -> None:
        while opened[0].now() <= moment:
            time.sleep(0.2)

    try:
        yield Harness(reopen(), wait_until, reopen, short_lock=timedelta(seconds=2))
    finally:
        for site in opened:
            site.close()


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
