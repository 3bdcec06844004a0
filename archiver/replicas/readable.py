"""The sites in the order in which to read them, so that one that hangs or refuses holds up no reader.

A store that hangs (a blackholed route, a frozen server) is noticed only when its client gives up, which
takes half a minute. Whatever is read has a copy elsewhere, so a read that has no answer after a few seconds
is given up here. A store that refuses says so sooner, but each time after some tries with pauses. Either
comes last until it answers again (``late_sites.py``), so it costs that once, and not once for each object.
The last one is waited for as long as its client does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as NoAnswer
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import ClassVar, TypeVar

from vanvault.archiver.core.errors import (
    MachineLimit,
    NotFound,
    SettingsError,
    SiteUnavailable,
    VanVaultError,
)
from vanvault.archiver.replicas.health_board import HealthBoard
from vanvault.archiver.replicas.late_sites import LateSites
from vanvault.archiver.stores import Capabilities, DaemonThreads, Site, StoredVersion, Stray

_PATIENCE_S = 3.0
#: A site that gave no answer lately gets so long to tell the time, so that not every question costs seconds.
_LATE_PATIENCE_S = 0.3
_THREADS = 32
_CHUNK = 500  # versions of a listing that one thread fetches at once
_RANKS = {"healthy": 0, "catching-up": 1, "suspect": 2, "out": 3}

#: What a site raises that does not tell the time, or that this node cannot ask.
_NO_TIME = (SiteUnavailable, NotFound, SettingsError)

_T = TypeVar("_T")


class Readable(Mapping[str, Site]):
    """A live view of ``sites``; safe to share between threads. Iterates best first."""

    PATIENCE_S: ClassVar = _PATIENCE_S  # how long a read waits for a site while another may answer

    def __init__(
        self,
        sites: Mapping[str, Site],
        health: HealthBoard,
        patience_s: float = _PATIENCE_S,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sites = sites
        self._health = health
        self.patience_s = patience_s
        self._late_patience_s = min(_LATE_PATIENCE_S, patience_s)
        self._timer = timer
        self._late = LateSites(timer)
        self._probes: dict[str, tuple[float, Future[datetime]]] = {}  # the last of each site, and since when
        self._lock = threading.Lock()
        self._threads = DaemonThreads(_THREADS, "read")

    def __getitem__(self, name: str) -> Site:
        return _Patient(self._sites[name], self)

    def __len__(self) -> int:
        return len(self._sites)

    def __iter__(self) -> Iterator[str]:
        self._look_again()
        return iter(
            sorted(self._sites, key=lambda name: (name in self._late, _RANKS[self._health.state(name)]))
        )

    def close(self) -> None:
        """Stop the threads; a read that hangs ends by itself."""
        self._threads.close()

    def there(self) -> dict[str, Site]:
        """Sites that are neither out nor late; all of them when every one is."""
        found = {
            name: self[name] for name in self if name not in self._late and self._health.state(name) != "out"
        }
        return found or {name: self[name] for name in self}

    def reaching(self, work: Callable[[dict[str, Site]], _T]) -> tuple[_T, frozenset[str]]:
        """``work`` with the sites that are there, without those that fail at it, and which those were.

        Raises SiteUnavailable when none is left.
        """
        self._ask_silent()
        there, failed = self.there(), set[str]()
        while True:
            try:
                return work(there), frozenset(there)
            except SiteUnavailable as error:
                if error.site not in there:
                    raise
                self._health.saw(error.site, "look", error)
                failed.add(error.site)
                there = {name: site for name, site in there.items() if name not in failed}
                # Where only what is out or late is left, that is asked after all.
                there = there or {name: self[name] for name in self if name not in failed}
                if not there:
                    raise

    def away(self) -> dict[str, VanVaultError]:
        """Sites that do not tell the time soon, and why. Asks all of them at once."""
        asked = {name: self._probe(name) for name in self._sites}
        silent = {name for name in asked if self._late.is_silent(name)}
        wait([asked[name] for name in silent], self._late_patience_s)
        wait([asked[name] for name in asked if name not in silent], self.patience_s)
        found: dict[str, VanVaultError] = {}
        for name, future in asked.items():
            try:
                future.result(0)
            except NoAnswer:
                found[name] = self._no_answer(name)
            except _NO_TIME as error:
                self._late.was_silent(name)
                found[name] = error
        return found

    def is_late(self, name: str) -> bool:
        """Is the site asked last, because it refuses or gives no answer?"""
        return name in self._late

    def ask(self, name: str, work: Callable[[], _T], *, key: str | None = "") -> _T:
        """What ``work`` gives, which asks the site.

        Args:
            key: of the object whose bytes are asked for; "": it is something else; None: that it succeeds
                says nothing about the site.

        Raises SiteUnavailable: also when it takes too long while another site is there, or when this node
        cannot ask the site.
        """
        try:
            result = self._answer(name, work, wait_for_last=True)
        except SiteUnavailable:
            self._refused(name, key)
            raise
        except SettingsError as error:
            self._late.was_silent(name)
            if not self._has_better_than(name):
                raise
            raise SiteUnavailable(error.message, site=name, may_be_stored=False, hint=error.hint) from error
        if key:
            self._late.gave(name)
        elif key is not None:
            self._late.told_time(name)
        return result

    def time_of(self, name: str) -> datetime:
        """The time of a site; it is not waited for long, whatever the others do. Raises SiteUnavailable."""
        try:
            now = self._answer(name, self._sites[name].now, wait_for_last=False)
        except (SiteUnavailable, SettingsError):
            self._late.was_silent(name)
            raise
        self._late.told_time(name)
        return now

    def _answer(self, name: str, work: Callable[[], _T], *, wait_for_last: bool) -> _T:
        late = name in self._late
        if wait_for_last and (late or not self._has_better_than(name)):
            return work()
        future = self._threads.submit(work)
        try:
            return future.result(self._late_patience_s if late else self.patience_s)
        except NoAnswer as error:
            if future.done():
                raise
            future.add_done_callback(lambda done: self._heard(name, done))
            raise self._no_answer(name) from error

    def _refused(self, name: str, key: str | None) -> None:
        """A request was not carried out. Is it the site that refuses, or this one object?"""
        if name in self._late:
            return
        with suppress(MachineLimit):  # no thread is left: nothing was learnt about the site
            probe = self._probe(name)
            wait([probe], self._late_patience_s)
            if not probe.done() or _refuses(probe):
                self._late.was_silent(name)
            elif key and _told(probe):
                self._late.refused(name, key)

    def _ask_silent(self) -> None:
        """Ask silent sites that are not out for the time, and wait a little, so that whoever follows sites
        reads one that is back.
        """
        silent = [name for name in self._sites if self._late.is_silent(name)]
        with suppress(MachineLimit):
            asked = {name: self._probe(name) for name in silent if self._health.state(name) != "out"}
            wait(asked.values(), self._late_patience_s)
            for name, probe in asked.items():
                if probe.done() and _told(probe):
                    self._late.told_time(name)  # ``_heard_time`` may run only after ``wait`` has returned

    def _look_again(self) -> None:
        """Ask silent sites for the time, once in a while; nobody waits for that."""
        for name in self._late.to_be_probed():
            with suppress(MachineLimit):
                self._probe(name)

    def _probe(self, name: str) -> Future[datetime]:
        """Asks for the time, unless a question of the last seconds has no answer yet."""
        with self._lock:
            began, future = self._probes.get(name, (0.0, None))
            if future is None or future.done() or self._timer() - began >= self.patience_s:
                future = self._threads.submit(self._sites[name].now)
                self._probes[name] = (self._timer(), future)
            else:
                return future
        future.add_done_callback(lambda done: self._heard_time(name, done))
        return future

    def _has_better_than(self, name: str) -> bool:
        return any(other != name and other not in self._late for other in self._sites)

    def _no_answer(self, name: str) -> SiteUnavailable:
        self._late.was_silent(name)
        return SiteUnavailable(
            f"site {name} gives no answer for {self.patience_s:g} s", site=name, may_be_stored=False
        )

    def _heard(self, name: str, future: Future[_T]) -> None:
        if _told(future):
            self._late.told_time(name)

    def _heard_time(self, name: str, future: Future[datetime]) -> None:
        if _told(future):
            self._late.told_time(name)
        elif _refuses(future):
            self._late.was_silent(name)


def _told(future: Future[_T]) -> bool:
    return not future.cancelled() and future.exception() is None


def _refuses(future: Future[_T]) -> bool:
    return not future.cancelled() and isinstance(future.exception(), _NO_TIME)


class _Patient:
    """One site through ``Readable``: reads have a time limit, writes go straight to it."""

    def __init__(self, site: Site, among: Readable) -> None:
        self._site = site
        self._among = among

    @property
    def site(self) -> str:
        return self._site.site

    @property
    def is_late(self) -> bool:
        """See ``Readable.is_late``; ``read_anywhere`` asks for it."""
        return self._among.is_late(self._site.site)

    @property
    def capabilities(self) -> Capabilities:
        return self._ask(lambda: self._site.capabilities, None)

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        return self._ask(lambda: self._site.get(key, version, most=most), key)

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        return self._ask(lambda: self._site.get_range(key, offset, length, version), key)

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        return self._ask(lambda: self._site.get_locked(key, version, most=most), key)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        return self._ask(lambda: self._site.stat(key, version))

    def versions(self, key: str) -> list[StoredVersion]:
        return self._ask(lambda: self._site.versions(key))

    def now(self) -> datetime:
        return self._among.time_of(self._site.site)

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        listing, size = self._site.list(prefix, after), 1  # whoever wants the next name only gets no page
        while chunk := self._ask(lambda size=size: tuple(islice(listing, size))):  # type: ignore[misc]
            yield from chunk
            size = _CHUNK

    def strays(self) -> Iterator[Stray]:
        return self._site.strays()

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        return self._site.put(key, data, sha256=sha256, retain_until=retain_until)

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        return self._site.extend(key, version, retain_until)

    def close(self) -> None:
        """The site belongs to whoever opened it."""

    def _ask(self, work: Callable[[], _T], key: str | None = "") -> _T:
        return self._among.ask(self._site.site, work, key=key)
