"""Where an object lies now, locked until when and held or not, as its sites say; asked once in a while.

Many objects are asked for side by side. A site that gives no answer is waited for once, not once for each
object, and then left alone for a while: what the others say is what there is to say. One object that a site
does not tell of, although it tells the time, says nothing of the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue

from vanvault.archiver.core.caches import BoundedCache
from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.model import Placement
from vanvault.archiver.core.ports import Stopwatch
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.replicas import Readable, answers
from vanvault.archiver.stores import Site, StoredVersion

_CACHED = 20_000
_SECONDS = 600.0
#: How long a site that gave no answer is not asked again.
_SILENT_SECONDS = 30.0
#: Questions to one site at once. Each site has threads of its own: one that hangs holds up no other.
_THREADS = 8


@dataclass(frozen=True, slots=True)
class ObjectVersions:
    """An object, and by site which version of it is meant; of a site that is not named, the newest."""

    key: str
    versions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CopyState:
    """What the sites that answered say of one object."""

    placements: tuple[Placement, ...] = ()  # one for each site that has it
    held: bool | None = None  # does a legal hold lie on one of the copies? None: no site could be asked
    stored_at: datetime | None = None  # when the last of the copies was stored; None: none is known of


_Answer = tuple[ObjectVersions, str, StoredVersion | None]  # the site's name; None: it has no copy


class CopyLookup:
    """Answers from memory for ten minutes: a lock only becomes longer, and a hold shows within that time.

    Safe to use from many threads.
    """

    def __init__(
        self,
        sites: Mapping[str, Site],
        stopwatch: Stopwatch,
        *,
        there: Callable[[], Mapping[str, Site]] | None = None,
        patience_s: float = Readable.PATIENCE_S,
    ) -> None:
        """``there``: those of the sites that are worth asking at this moment; None: always all."""
        self._sites = sites
        self._there = there or (lambda: sites)
        self._stopwatch = stopwatch
        self._patience_s = patience_s
        self._known: BoundedCache[ObjectVersions, tuple[float, CopyState]] = BoundedCache(_CACHED)
        self._silent: dict[str, float] = {}  # site -> when it is asked again
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Stop the threads; a request that hangs ends by itself."""
        with self._lock:
            for threads in self._threads.values():
                threads.shutdown(wait=False, cancel_futures=True)

    def of(self, wanted: Iterable[ObjectVersions]) -> dict[ObjectVersions, CopyState]:
        """What is known of each object, after those sites were asked that are there."""
        now, known, new = self._stopwatch.seconds(), {}, []
        for one in dict.fromkeys(wanted):
            found = self._known.get(one)
            if found is not None and now - found[0] < _SECONDS:
                known[one] = found[1]
            else:
                new.append(one)
        if new:
            known |= self._ask(new, now)
        return known

    def _ask(self, new: list[ObjectVersions], now: float) -> dict[ObjectVersions, CopyState]:
        sites = {name: site for name, site in self._there().items() if self._silent.get(name, now) <= now}
        said: dict[ObjectVersions, dict[str, StoredVersion | None]] = {one: {} for one in new}
        for one, name, found in self._answers(new, sites, now):
            said[one][name] = found
        states = {one: _state(one, [*sites], said[one]) for one in new}
        for one, state in states.items():
            if said[one].keys() == self._sites.keys():
                self._known.put(one, (now, state))
        return states

    def _answers(self, new: list[ObjectVersions], sites: Mapping[str, Site], now: float) -> Iterator[_Answer]:
        """Yield answers as they arrive; stop when all sites answered or the time is up."""
        given_up = threading.Event()
        failed: set[str] = set()

        def ask(one: ObjectVersions, name: str, site: Site) -> _Answer | None:
            if given_up.is_set() or name in failed:
                return None
            try:
                return one, name, _look(site, one.key, dict(one.versions).get(name))
            except VanVaultError as error:  # whatever keeps it from answering, the others still do
                if not _is_of_object(site, error):
                    failed.add(name)
                return None

        done: SimpleQueue[tuple[str, Future[_Answer | None]]] = SimpleQueue()
        waiting = dict.fromkeys(sites, len(new))
        for name, site in sites.items():
            threads = self._threads_of(name)
            for one in new:
                future = threads.submit(ask, one, name, site)
                future.add_done_callback(lambda ended, name=name: done.put((name, ended)))  # type: ignore[misc]
        while any(waiting.values()):
            try:
                name, future = done.get(timeout=self._patience_s)
            except Empty:
                given_up.set()
                with self._lock:
                    self._silent |= {name: now + _SILENT_SECONDS for name, left in waiting.items() if left}
                return
            waiting[name] -= 1
            answer = None if future.cancelled() else future.result()
            if answer is not None:
                yield answer

    def _threads_of(self, site: str) -> ThreadPoolExecutor:
        with self._lock:
            if site not in self._threads:
                self._threads[site] = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"copies-{site}")
            return self._threads[site]


def _is_of_object(site: Site, error: VanVaultError) -> bool:
    """Does an error say something of one object only?"""
    if not isinstance(error, SiteUnavailable):
        return isinstance(error, Damaged)
    with suppress(VanVaultError):
        return answers(site)
    return False


def _look(site: Site, key: str, version: str | None) -> StoredVersion | None:
    """The version that is meant, or where a restored site has another, the newest."""
    for which in dict.fromkeys((version, None)):
        try:
            return site.stat(key, which)
        except NotFound:
            continue
    return None


def _state(one: ObjectVersions, order: list[str], said: Mapping[str, StoredVersion | None]) -> CopyState:
    copies = [(name, found) for name in order if (found := said.get(name)) is not None]
    return CopyState(
        tuple(
            Placement(
                name,
                one.key,
                found.version,
                rfc3339_seconds(found.retain_until) if found.retain_until is not None else "",
            )
            for name, found in copies
        ),
        any(found.held for _, found in copies) if said else None,
        max((found.stored_at for _, found in copies), default=None),
    )
