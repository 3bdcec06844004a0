"""Options that the rooms take from the settings: each default is defined only here.

A room takes one of these frozen dataclasses as an argument; ``core/settings`` builds them from
``vanvault.toml``. Units are in the names of the fields (``_s`` seconds, ``_bytes``) or in the type.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

#: Bytes a second; a site that moves fewer for long is taken for one that gives no answer.
LEAST_BYTES_PER_S = 64 * 1024


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How long an operation of a file site is waited for."""

    timeout_s: float = 30  # apart from what its bytes need at the least rate
    least_bytes_per_s: float = LEAST_BYTES_PER_S


@dataclass(frozen=True, slots=True)
class S3Options:
    """How to talk to one S3 server."""

    region: str = "us-east-1"
    addressing: Literal["path", "virtual"] = "path"
    ca_file: str | None = None  # PEM; None: the system's
    pool: int = 32  # connections kept open for each credential
    connect_timeout_s: float = 3
    read_timeout_s: float = 10  # of silence
    request_timeout_s: float = 30  # of a whole request, apart from what its bytes need at the least rate
    least_bytes_per_s: float = LEAST_BYTES_PER_S
    page: int = 1000  # keys of a listing in one answer
    attempts: int = 3  # of what is safe to repeat
    max_single_put_bytes: int = 1024**3
    multipart_ok: bool = False  # the probe found that multipart keeps the lock
    far_dates_ok: bool = False  # the probe found that dates past 2106 hold

    @property
    def largest_object(self) -> int:
        """Bytes; more than this of one object is never read."""
        return 2**40 if self.multipart_ok else max(self.max_single_put_bytes, 1024**3)

    @property
    def latest_retain_until(self) -> datetime | None:
        """Ceph 16 counts seconds in 32 bits: a later date, also by extension, ends the lock at once."""
        return None if self.far_dates_ok else datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class HealthRules:
    """When the health of a site changes (``replicas/health.py``)."""

    failures: int = 3  # of a suspect site, before it is out
    successes: int = 2  # in a row, before a suspect site is healthy, or one that was out comes back
    back_s: float = 3.0  # seconds of nothing but success before a site comes back


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """When intake closes a group of entries and commits it, and how many entries may wait."""

    linger_s: float = 0.015  # longest wait of an entry for others
    batch_bytes: int = 8 * 2**20  # originals in one batch object
    batch_rows: int = 2_000
    waiting_entries: int = 50_000  # more are refused as Busy


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """How much a search without a key field may read for one page."""

    rows: int = 5_000_000
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """What a search may use of the machine."""

    threads: int = 4  # row groups that are decoded at once
    cache_bytes: int = 192 * 2**20  # decoded rows and index blocks in memory
    scan: ScanLimits = ScanLimits()


@dataclass(frozen=True, slots=True)
class SegmentLimits:
    """Where the compactor ends one segment and begins the next."""

    rows: int = 50_000
    raw_bytes: int = 128 * 2**20  # originals and canonical events, as received


@dataclass(frozen=True, slots=True)
class LockPace:
    """When the lock keeper extends the lock of a batch that no proved segment holds, and for how long."""

    lock: timedelta = timedelta(days=45)  # first lock of a batch; an extended one lasts so long from now
    ahead: timedelta = timedelta(days=20)  # extend locks that end within this time
    alarm: timedelta = timedelta(days=10)  # report locks that end within this time


@dataclass(frozen=True, slots=True)
class ReconcilePace:
    """How often a node compares its sites, and how many objects it copies at once."""

    check_interval_s: float = 2.0  # between two checks whether a site lacks something that is known
    compare_interval_s: float = 21_600.0  # between two comparisons of all names and locks
    workers: int = 2


@dataclass(frozen=True, slots=True)
class ProbePolicy:
    """Which result of a probe makes a site trusted."""

    max_age: timedelta = timedelta(days=8)  # older results do not count
    accept_weak: bool = True  # also a site that the probe found weak, but not refused
