"""Every 5 s: read the sites' clocks, probe results and counts, so that no request waits for them.

A scrape, a readiness check and the availability ledger read the last sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.tasks import Signal, Task

_INTERVAL_S = 5.0
#: Counting reads the whole hot tail: at most this share of the time is spent on it.
_COUNTING_SHARE = 0.02
#: As intake treats a site.
SITE_STATES = ("healthy", "suspect", "out", "catching-up")


@dataclass(frozen=True, slots=True)
class SiteSample:
    """One site as it was a moment ago."""

    up: bool
    state: str  # one of SITE_STATES
    skew_s: float  # its clock less the host's; 0 when it gave none
    detail: str  # why it is not up
    verdict: str  # of its newest probe; "none" when it was never probed
    probe_age_s: float | None


@dataclass(frozen=True, slots=True)
class ArchiveSample:
    """Everything that was looked at."""

    sites: Mapping[str, SiteSample] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


class Sampler:
    """Takes a sample every few seconds; ``last`` is the newest."""

    def __init__(self, archive: Archive, *, every_s: float = _INTERVAL_S) -> None:
        self._archive = archive
        self._every_s = every_s
        self._sites = ThreadPoolExecutor(len(archive.sites), thread_name_prefix="sample")
        self._count_again = 0.0
        self.last = ArchiveSample()

    @property
    def task(self) -> Task:
        """One sample a round; ``close`` comes after it."""
        return Task("sampler", self.round, every_s=self._every_s, at_once=True, stop_s=5.0)

    def close(self) -> None:
        """Stop the threads, without waiting for one that waits for its site."""
        self._sites.shutdown(wait=False, cancel_futures=True)

    def round(self, stop: Signal) -> None:
        """Take a sample."""
        self.last = self._sample()

    def _sample(self) -> ArchiveSample:
        # One thread for each site: one that hangs does not age what is known of the others.
        sites = dict(zip(self._archive.sites, self._sites.map(self._site, self._archive.sites), strict=True))
        counts = self.last.counts
        started = self._archive.stopwatch.seconds()
        if started >= self._count_again:
            tail, segments = self._archive.tail.counts(), self._archive.catalogue.counts()
            entries = tail["entries"] + segments["rows"]
            counts = {**tail, "entries": entries, "segments": segments["segments"]}
            spent = self._archive.stopwatch.seconds() - started
            self._count_again = self._archive.stopwatch.seconds() + spent / _COUNTING_SHARE
        return ArchiveSample(sites, counts)

    def _site(self, name: str) -> SiteSample:
        archive = self._archive
        try:
            probe = archive.trust.probe_of(name)
            verdict = probe.verdict if probe else "none"
            age = (archive.clock.now() - probe.finished_at).total_seconds() if probe else None
        except VanVaultError:
            verdict, age = "unreadable", None
        before = archive.clock.host.now()
        try:
            there = archive.sites[name].now()
        except VanVaultError as error:
            return SiteSample(False, self._state(name, "out"), 0.0, error.message, verdict, age)
        middle = before + (archive.clock.host.now() - before) / 2
        skew_s = (there - middle).total_seconds()
        return SiteSample(True, self._state(name, "healthy"), skew_s, "", verdict, age)

    def _state(self, name: str, seen: str) -> str:
        """What is decided about a site; one that is not known is what it is seen to be."""
        return next((one.state for one in self._archive.health.snapshot() if one.site == name), seen)
