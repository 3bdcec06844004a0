"""When the objects behind search hits were last verified: what a search hit's ``verified_at`` may say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from vanvault.archiver.ports import Stopwatch
from vanvault.archiver.search.search import Search
from vanvault.recovery.coverage.model import VerifiedAt, VerifyRun, waiting
from vanvault.recovery.coverage.record import verify_runs

#: Seconds for which what is on record is taken as known. Runs come hours apart.
REFRESH_S = 60.0


class HitVerifiedAt:
    """Answers for single objects, from the runs on record of the last while, read again each minute.

    One thread at a time may look; a second one that comes meanwhile gets the same answer or an older one.
    """

    def __init__(
        self, load: Callable[[], Iterable[VerifyRun]], sites: Iterable[str], stopwatch: Stopwatch
    ) -> None:
        self._load = load
        self._sites = tuple(sites)
        self._stopwatch = stopwatch
        self._at: tuple[VerifiedAt, ...] = ()
        self._read_at = float("-inf")

    def __call__(self, digest: bytes, stored_at: datetime, *, by: bytes | None = None) -> datetime | None:
        """Since when the object is known to be whole at every site; None: it is not.

        Args:
            digest: of the object's name.
            stored_at: when it was stored, or a little later: of a batch its commit, of a segment its making.
            by: for a part of a segment, the digest of its part that is last by name: its manifest.
        """
        if self._stopwatch.seconds() - self._read_at > REFRESH_S:
            runs = list(self._load())
            self._at = tuple(VerifiedAt(runs, site) for site in self._sites)
            self._read_at = self._stopwatch.seconds()
        return waiting([at(digest, stored_at, by=by) for at in self._at])


def hit_verified_at(
    search: Search,
    sites: Iterable[str],
    stopwatch: Stopwatch,
    *,
    now: Callable[[], datetime],
    window: timedelta,
) -> HitVerifiedAt:
    """For an open archive; runs older than ``window`` are left out, as they are too old to rely on."""
    return HitVerifiedAt(lambda: verify_runs(search, since=now() - window), sites, stopwatch)
