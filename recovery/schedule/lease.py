"""No two runs of one job at once: a lock in the home, and a lease on record for everybody else.

Within a home it is ``flock`` on ``cache/schedule/NAME.lock``, which the verb inherits, so that it is held for
as long as anything of the run lives, and no longer. Between homes it is an event: a run puts its lease on
record, then reads what is on record, and gives way when it sees the lease of another. As both sites hold what
was written before the reading, of two that come at the same moment at least one sees the other; it may happen
that both do and both give way, and then the next look tries again. A lease ends with the end of its run on
record, or at its time when a host died.

What this does not promise: between hosts whose clocks differ by more than ``planner.SKEW``, or in the moments
in which a site serves an outdated listing, a job may run twice. Every job bears that: it is waste, not harm.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Busy
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.disk import lock_file, read_plain, try_lock
from vanvault.recovery.schedule.model import Job, JobRun, Lease
from vanvault.recovery.schedule.planner import blocking
from vanvault.recovery.schedule.record import STARTED, ended_detail, ended_type, read_history, started_detail

FOLDER = Path("cache") / "schedule"

#: A lease outlives the deadline of its job by the time that ending the run and recording it may take.
GRACE = timedelta(minutes=10)


@contextmanager
def home_lock(home: Path, job: str) -> Iterator[int]:
    """Hold the job's lock in this home; gives its file descriptor. Raises Busy: a run has it."""
    lock = try_lock(_lock_file(home, job))
    if lock is None:
        raise Busy(f"the job {job} is running in this home already", retry_after=60)
    with lock:
        yield lock.descriptor


def _lock_file(home: Path, job: str) -> Path:
    """In the cache; in the home itself where the cache cannot be used."""
    return lock_file(home / FOLDER / f"{job}.lock", instead=home / f".schedule-{job}.lock")


def node_id(home: Path, entropy: Entropy) -> str:
    """What tells this home from any other, made at its first use; two hosts may have one name.

    Without a cache it is made of host and path.
    """
    try:
        return _kept_id(home / FOLDER / "node", entropy)
    except (OSError, UnicodeError) as error:
        raise_limit(error)
        place = f"{socket.gethostname()}:{home.resolve()}"
        return hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()[:16]


def _kept_id(path: Path, entropy: Entropy) -> str:
    try:
        return read_plain(path).decode("ascii")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"node.{entropy.token(8).hex()}")
        draft.write_text(entropy.token(8).hex(), encoding="ascii")
        try:
            os.link(draft, path)  # only the first of several has its way
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return read_plain(path).decode("ascii")


def take_lease(archive: Archive, job: Job) -> Lease:
    """Put on record that this node runs the job; the home's lock is held already.

    Raises Busy (another node runs it), SiteUnavailable, KeyUnavailable.
    """
    now = archive.clock.now()
    lease = Lease(
        run=archive.entropy.token(8).hex(),
        job=job.name,
        node=node_id(archive.home, archive.entropy),
        host=socket.gethostname(),
        since=now,
        until=now + job.deadline + GRACE,
        asked=job.asked,
    )
    _give_way(
        archive, lease, job
    )  # before anything is written: most often this is the only look that is needed
    archive.record(STARTED, started_detail(lease))
    archive.catch_up()
    try:
        _give_way(archive, lease, job)
    except Busy:
        end_lease(
            archive,
            JobRun(
                lease.run,
                job.name,
                lease.host,
                now,
                archive.clock.now(),
                "stopped",
                ExitCode.BUSY.value,
                0.0,
                asked=job.asked,
            ),
        )
        raise
    return lease


def end_lease(archive: Archive, run: JobRun) -> None:
    """Put the end of a run on record. Raises SiteUnavailable, KeyUnavailable."""
    archive.record(ended_type(run), ended_detail(run))


def _give_way(archive: Archive, own: Lease, job: Job) -> None:
    now = archive.clock.now()
    # A lease of another version's table may be longer than this one's, so the look goes further back.
    history = read_history(archive.search, now, 2 * (job.deadline + GRACE) + timedelta(days=2))
    other = blocking(job.name, history.leases, own.node, now)
    if other is not None:
        raise Busy(
            f"the job {job.name} is running on {other.host} since {rfc3339_seconds(other.since)}",
            retry_after=60,
            hint=f"If that host is gone, the lease ends at {rfc3339_seconds(other.until)}.",
        )
