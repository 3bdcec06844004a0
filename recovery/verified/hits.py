"""When the objects behind search hits were last verified: what a search hit's ``verified_at`` may say."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Search
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.ports import Stopwatch
from vanvault.archiver.log_lines import Logger
from vanvault.recovery.verified.record import verify_runs
from vanvault.recovery.verified.runs import VerifyRun
from vanvault.recovery.verified.verified_at import VerifiedAt, waiting

_log = Logger("vanvault.coverage")

#: Seconds for which what is on record is taken as known. Runs come hours apart.
REFRESH_S = 60.0
#: A run may be folded this long after it was put on record, by a node that could not reach the sites.
_LATE = timedelta(days=1)


class HitVerifiedAt:
    """Answers for single objects, from the runs on record of the last while; new ones are read each minute.

    Safe to use from many threads: while one reads what is new, the others answer from what was known.
    """

    def __init__(
        self,
        load: Callable[[datetime], Iterable[VerifyRun]],
        sites: Iterable[str],
        stopwatch: Stopwatch,
        *,
        now: Callable[[], datetime],
        window: timedelta,
    ) -> None:
        """``load``: the runs since a moment; of those older than ``window`` nothing is said."""
        self._load = load
        self._sites = tuple(sites)
        self._stopwatch = stopwatch
        self._now = now
        self._window = window
        self._runs: tuple[VerifyRun, ...] = ()
        self._at: tuple[VerifiedAt, ...] = ()
        self._read_at: float | None = None
        self._known_to: datetime | None = None
        self._lock = threading.Lock()

    def __call__(self, digest: bytes, stored_at: datetime, *, by: bytes | None = None) -> datetime | None:
        """Since when the object is known to be whole at every site; None: it is not.

        Args:
            digest: of the object's name.
            stored_at: when it was stored, or a little later: of several copies, when the last one was.
            by: for a part of a segment, the digest of its part that is last by name: its manifest.
        """
        if self._is_stale() and self._lock.acquire(blocking=self._read_at is None):
            try:
                if self._is_stale():
                    self._read()
            finally:
                self._lock.release()
        return waiting([at(digest, stored_at, by=by) for at in self._at])

    def _is_stale(self) -> bool:
        return self._read_at is None or self._stopwatch.seconds() - self._read_at > REFRESH_S

    def _read(self) -> None:
        now = self._now()
        start = now - self._window
        since = max(start, self._known_to - _LATE) if self._known_to is not None else start
        try:
            new = [run for run in self._load(since) if run.finished >= since]
        except VanVaultError as error:
            # A search that cannot read the runs still finds entries; it says what was known, and in a
            # minute this is tried again.
            _log.warning("verifications are not known", reason=error.message)
            self._read_at = self._stopwatch.seconds()
            return
        kept = [run for run in self._runs if start <= run.finished < since]
        self._runs = (*new, *kept)
        self._at = tuple(VerifiedAt(self._runs, site) for site in self._sites)
        self._known_to = now
        self._read_at = self._stopwatch.seconds()


def hit_verified_at(
    search: Search,
    sites: Iterable[str],
    stopwatch: Stopwatch,
    *,
    now: Callable[[], datetime],
    window: timedelta,
) -> HitVerifiedAt:
    """For an open archive; runs older than ``window`` are left out, as they are too old to rely on."""
    return HitVerifiedAt(
        lambda since: verify_runs(search, since=since), sites, stopwatch, now=now, window=window
    )


def count_verifications(archive: Archive) -> None:
    """Let ``verified_at`` of every hit of an open archive count the verifications on record."""
    archive.search.count_verifications(
        hit_verified_at(
            archive.search,
            archive.sites,
            archive.stopwatch,
            now=archive.clock.now,
            window=timedelta(days=archive.settings.verify.max_age_days),
        )
    )
