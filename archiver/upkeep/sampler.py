"""The thread that looks at what costs a request to know: sites, their clocks, their probes, counts.

A scrape, a readiness check and the availability ledger read the last sample and wait for nobody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import VanVaultError

_INTERVAL_S = 5.0
#: Counting reads the whole hot tail: at most this share of the time is spent on it.
_COUNTING_SHARE = 0.02
#: As intake treats a site.
SITE_STATES = ("healthy", "suspect", "out", "catching-up")

_log = structlog.get_logger("vanvault.sampler")


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
class Sample:
    """Everything that was looked at."""

    sites: Mapping[str, SiteSample] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


class Sampler:
    """Takes a sample every few seconds; ``last`` is the newest."""

    def __init__(
        self,
        archive: Archive,
        interval_s: float = _INTERVAL_S,
        states: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """``states``: what is decided about sites; one that is not named is what it is seen to be."""
        self._archive = archive
        self._states = states
        self._interval_s = interval_s
        self._sites = ThreadPoolExecutor(len(archive.sites), thread_name_prefix="sample")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._count_again = 0.0
        self.last = Sample()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)
        self._sites.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while True:
            try:
                self.last = self._sample()
            except Exception:  # noqa: BLE001 - a thread that must go on; it is logged
                _log.exception("the node could not look at itself")
            if self._stop.wait(self._interval_s):
                return

    def _sample(self) -> Sample:
        # One thread for each site: one that hangs does not age what is known of the others.
        sites = dict(zip(self._archive.sites, self._sites.map(self._site, self._archive.sites), strict=True))
        counts = self.last.counts
        started = time.monotonic()
        if started >= self._count_again:
            tail, segments = self._archive.tail.counts(), self._archive.catalogue.counts()
            entries = tail["entries"] + segments["rows"]
            counts = {**tail, "entries": entries, "segments": segments["segments"]}
            spent = time.monotonic() - started
            self._count_again = time.monotonic() + spent / _COUNTING_SHARE
        return Sample(sites, counts)

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
        return self._states().get(name, seen)
