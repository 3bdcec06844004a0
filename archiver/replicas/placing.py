"""Putting one object at every site, and settling what a failed put left open.

A put fails in one of two ways: not stored, or stored all the same. Names carry the digest of the
bytes, so both are mended alike: look whether the site holds the right bytes, and put them only
if it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from vanvault.archiver.core.errors import MachineLimit, SiteUnavailable, VanVaultError
from vanvault.archiver.core.machine import limit_of, machine_limit
from vanvault.archiver.core.model import Placement
from vanvault.archiver.core.names import sha256_of
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds
from vanvault.archiver.replicas.guarded import GuardedSite
from vanvault.archiver.replicas.promised import holds, read_anywhere, read_whole, serves_others
from vanvault.archiver.stores import BegunPut, Site, SiteReader, SiteWriter, StoredVersion

_FRESH_LOCK = timedelta(days=30)
#: Told of every put: the site, and the error with which it failed, or None.
PutListener = Callable[[str, VanVaultError | None], None]
#: Asked of a site whose put hangs: may it be done without by now? The seconds are those since another site
#: has the object; 0 while none has.
MaySkip = Callable[[str, float], bool]
#: Seconds between two such questions.
_ASK_S = 0.1


#: The latest date that a lock may have which is set at a time.
LongestLock = Callable[[datetime], datetime]


def nobody(site: str, error: VanVaultError | None) -> None:
    """Default callback: does nothing."""


@dataclass(slots=True)
class Placing:
    """One object on its way to all sites; ``put`` may be called until nothing is missing."""

    key: str
    data: bytes
    sha256: bytes
    retain_until: datetime
    placements: dict[str, Placement] = field(default_factory=dict)  # by site: read back and locked
    failures: dict[str, VanVaultError] = field(default_factory=dict)  # by site: the last failure
    in_doubt: set[str] = field(default_factory=set)  # sites where any attempt may have stored it
    on_put: PutListener = nobody  # is told how each put went
    may_skip: MaySkip | None = None  # None: every put is waited for
    now: Callable[[], datetime] | None = None  # the node's time; a site's own may be wrong
    longest: LongestLock | None = None  # of a copy that is made later

    def put(self, sites: Mapping[str, Site], executor: Executor) -> bool:
        """Put at every site that does not hold it yet, in parallel; true when all hold it.

        ``executor``: has a thread for each put, also while others hang; a site with threads of its own needs
        none of it.
        """
        missing = [site for name, site in sites.items() if name not in self.placements]
        # What must be waited for anyway may take the caller's own thread: one hand-over less.
        here = 1 if self.may_skip is None else 0
        waiting = [(site.site, self._begin(executor, site)) for site in missing[here:]]
        for site in missing[:here]:
            self._note(site.site, partial(self.put_one, site))
        puts = [put for _, put in waiting]
        for name, put in waiting:
            self._note(name, partial(self._await, name, put, puts))
        return not self.failures

    def _begin(self, executor: Executor, site: SiteWriter) -> _Put:
        until = self.retain_until
        try:
            if isinstance(site, GuardedSite) and site.site not in self.failures:
                begun = site.begin_put(self.key, self.data, sha256=self.sha256, retain_until=until)
                if begun is not None:
                    return _Put(begun.future, partial(placement_of, site.site, retain_until=until), begun)
            return _Put(executor.submit(self.put_one, site))
        except VanVaultError as error:
            return _failed(error)
        except RuntimeError as error:  # no more threads; what was submitted may still be done by another one
            return _failed(machine_limit(error, may_be_stored=True) or error)

    def _await(self, name: str, put: _Put, puts: Sequence[_Put]) -> Placement:
        waited_s = 0.0
        while self.may_skip is not None or put.begun is not None:
            try:
                return put.placement(put.future.result(_ASK_S))
            except TimeoutError as error:
                if put.future.done():
                    raise
                if put.begun is not None:
                    put.begun.check()
                waited_s += _ASK_S if self.placements or any(one.is_placed for one in puts) else 0.0
                if self.may_skip is not None and self.may_skip(name, waited_s):
                    if put.begun is not None:
                        put.begun.give_up()
                    raise SiteUnavailable(
                        f"a put at site {name} hangs, and is not waited for any longer",
                        site=name,
                        may_be_stored=True,
                    ) from error
        return put.placement(put.future.result())

    def _note(self, name: str, outcome: Callable[[], Placement]) -> None:
        try:
            self.placements[name] = outcome()
            self.failures.pop(name, None)
            self.on_put(name, None)
        except VanVaultError as error:
            self._fail(name, error)
        except MemoryError as error:
            self._fail(name, limit_of("memory", may_be_stored=True).with_traceback(error.__traceback__))

    def _fail(self, name: str, error: VanVaultError) -> None:
        self.failures[name] = error
        self.on_put(name, error)
        # A later attempt that surely stored nothing does not undo one that may have.
        if not isinstance(error, (SiteUnavailable, MachineLimit)) or error.may_be_stored:
            self.in_doubt.add(name)

    def put_one(self, site: SiteWriter, *, look_first: bool = False) -> Placement:
        """Put at one site; after a failure there, or on request, look first what it holds already."""
        until = self.retain_until
        if look_first and self.longest is not None and self.now is not None:
            until = min(until, self.longest(self.now()))  # a clock ahead asked for it
        if look_first or site.site in self.failures:
            found = find_held(site, self.key, self.sha256, until)
            if found is not None:
                return placement_of(site.site, found, until)
        if look_first:  # whoever gives no clock goes by the site's
            until = still_to_come(until, self.now() if self.now is not None else site.now())
        stored = site.put(self.key, self.data, sha256=self.sha256, retain_until=until)
        return placement_of(site.site, stored, until)

    @property
    def surely_nowhere(self) -> bool:
        """True when every attempt was refused before it stored anything, so that it may be forgotten."""
        return not self.placements and not self.in_doubt


def _as_it_is(placement: Any) -> Placement:
    return cast("Placement", placement)


@dataclass(frozen=True, slots=True)
class _Put:
    """One put that is under way."""

    future: Future[Any]
    placement: Callable[[Any], Placement] = _as_it_is  # of what the future gives
    begun: BegunPut | None = None  # on a thread of its site, which may give it up

    @property
    def is_placed(self) -> bool:
        future = self.future
        return future.done() and not future.cancelled() and future.exception() is None


def _failed(error: Exception) -> _Put:
    failed: Future[Any] = Future()
    failed.set_exception(error)
    return _Put(failed)


def still_to_come(retain_until: datetime, now: datetime) -> datetime:
    """The lock of a copy that is made long after the first: batches are locked for a while only.

    What is copied after that is kept at least as long as the keeper needs to take over.
    """
    return max(retain_until, (now + _FRESH_LOCK).replace(microsecond=0))


def placement_of(site: str, stored: StoredVersion, retain_until: datetime) -> Placement:
    """The placement of a version, with the date that was asked for (a later lock is no less true)."""
    return Placement(site, stored.key, stored.version, rfc3339_seconds(retain_until))


def find_held(site: SiteReader, key: str, sha256: bytes, retain_until: datetime) -> StoredVersion | None:
    """The oldest version of ``key`` with this digest and at least this lock, or None.

    The oldest, because a receipt may have named it already. A version that the site refuses to read, while it
    gives other objects, is not held. Raises SiteUnavailable.
    """
    for version in reversed(site.versions(key)):
        if version.retain_until is None or version.retain_until < retain_until:
            continue
        try:
            if holds(site, version, sha256):
                return version
        except SiteUnavailable:
            if not serves_others(site, key):
                raise
    return None


def place_everywhere(
    sites: Mapping[str, Site],
    key: str,
    retain_until: datetime,
    large: Sequence[Placement] = (),
    *,
    now: Callable[[], datetime],
    longest: LongestLock | None = None,
) -> tuple[Placement, ...]:
    """See that every site holds the right bytes under this lock, and put them where one does not.

    A listing shows that a key is there, not that its bytes are right or locked; before anything is signed
    about an object that another process put, each site is asked.

    Args:
        large: copies of the large objects of a batch: those that lack a copy are placed, too.
        now: the node's time, from which the lock of a copy is counted.
        longest: no copy gets a later lock than this allows.

    The copies of the object come in the order of the sites, then likewise those of each such large object.
    Raises NotFound, Damaged (no site has the right bytes), SiteUnavailable.
    """
    placements = _place_one(sites, key, retain_until, now, longest)
    for name in dict.fromkeys(placement.key for placement in large):
        copies = [placement for placement in large if placement.key == name]
        if len({placement.site for placement in copies}) < len(sites):
            until = max(parse_rfc3339(placement.retain_until) for placement in copies)
            placements += _place_one(sites, name, until, now, longest)
    return tuple(placements)


def _place_one(
    sites: Mapping[str, Site],
    key: str,
    retain_until: datetime,
    now: Callable[[], datetime],
    longest: LongestLock | None,
) -> list[Placement]:
    data = read_anywhere(sites, key)
    placing = Placing(key, data, sha256_of(key), retain_until, now=now, longest=longest)
    return [placing.put_one(site, look_first=True) for site in sites.values()]


def copy_object(
    source: SiteReader,
    target: SiteWriter,
    key: str,
    *,
    retain_until: datetime,
    now: Callable[[], datetime],
    longest: LongestLock | None = None,
) -> Placement:
    """Copy one object with its lock, checking the bytes against its name on the way; idempotent.

    ``now``: the node's time, from which the lock is counted. ``longest``: the copy gets no later lock.

    Raises NotFound, Damaged (the source's copy is bad), SiteUnavailable.
    """
    return put_copy(target, key, read_whole(source, key), retain_until=retain_until, now=now, longest=longest)


def put_copy(
    target: SiteWriter,
    key: str,
    data: bytes,
    *,
    retain_until: datetime,
    now: Callable[[], datetime],
    longest: LongestLock | None = None,
) -> Placement:
    """Put an object whose bytes were checked against its name, unless the target holds it; idempotent.

    ``now``, ``longest``: as ``copy_object`` takes them. Raises Damaged (the target took other bytes),
    SiteUnavailable.
    """
    placing = Placing(key, data, sha256_of(key), retain_until, now=now, longest=longest)
    return placing.put_one(target, look_first=True)
