"""A site whose answers are waited for in bounded time, whatever its own store does.

S3 sites bound each request themselves (``s3/bounded.py``). A folder cannot: a call into a file system that
hangs never comes back. Here every call is made on a thread of its own and given up after ``timeout_s``, plus
what its bytes need at the least rate. While a call that was given up still hangs and nothing else succeeded,
the next ones are given up after a second; with many that hang, none is begun. So a site that hangs costs its
callers one time-out, some threads, and no more. A put that its caller waits for no longer counts among those
that hang at once, since it has a thread; but it says that the site is late only when its time is over, too.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import TypeVar

from vanvault.archiver.core.errors import SiteUnavailable, VanVaultError
from vanvault.archiver.core.options import FileOptions
from vanvault.archiver.stores.daemon_threads import DaemonThreads, is_expendable
from vanvault.archiver.stores.port import AllRights, Capabilities, Site, StoredVersion, Stray

_THREADS = 64
#: Calls that were given up and hang; with so many no other is begun.
_MOST_HANGING = 16
#: How long a call is waited for while another one hangs.
_LATE_S = 1.0
_CHUNK = 500  # lines of a listing that one thread fetches at once
#: A listing of very many files gives its next line late. It is waited for so many time-outs, as long as the
#: site tells its time meanwhile.
_SCAN = 100

_T = TypeVar("_T")


class BegunPut:
    """A put that goes on by itself, on a thread of its site; who waits for it asks ``check`` meanwhile."""

    def __init__(
        self, future: Future[StoredVersion], until: float, given_up: Callable[[], SiteUnavailable]
    ) -> None:
        """``until``: by the monotonic clock, when it took too long."""
        self.future = future
        self._until = until
        self._given_up = given_up

    def check(self) -> None:
        """Raises SiteUnavailable when it took too long, and is given up."""
        if time.monotonic() >= self._until:
            raise self._given_up()

    def give_up(self) -> None:
        """Nobody waits for it any longer."""
        self._given_up()


#: Outside of the class, in which ``list`` is a method.
_Lines = list[Iterator[_T]]


class TimedSite:
    """``Site`` over a site whose calls may hang; safe to share between threads."""

    def __init__(self, site: Site, options: FileOptions | None = None) -> None:
        self._site = site
        self._options = options or FileOptions()
        self._threads = DaemonThreads(_THREADS, f"site-{site.site}")
        self._hanging: dict[Future[object], float] = {}  # and from when on it makes the site late
        self._late = False
        self._lock = threading.Lock()

    @property
    def site(self) -> str:
        return self._site.site

    @property
    def capabilities(self) -> Capabilities:
        return self._ask(lambda: self._site.capabilities)

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        # How long it may take is known when its size is: only a slow one is asked for it.
        return self._ask(
            lambda: self._site.get(key, version, most=most),
            size=lambda: self._ask_size(key, version),
            writes=False,
        )

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        return self._ask(
            lambda: self._site.get_range(key, offset, length, version),
            size=lambda: min(length, self._ask_size(key, version)),
        )

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        return self._ask(
            lambda: self._site.get_locked(key, version, most=most), size=lambda: self._ask_size(key, version)
        )

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        return self._ask(lambda: self._site.stat(key, version))

    def versions(self, key: str) -> list[StoredVersion]:
        return self._ask(lambda: self._site.versions(key))

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        return self._chunks(lambda: self._site.list(prefix, after))

    def strays(self) -> Iterator[Stray]:
        return self._chunks(self._site.strays)

    def now(self) -> datetime:
        return self._ask(self._site.now)

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        size = len(data)
        return self._ask(
            lambda: self._site.put(key, data, sha256=sha256, retain_until=retain_until),
            size=lambda: size,
            writes=True,
        )

    def begin_put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> BegunPut:
        """``put``, without a thread that waits. Raises SiteUnavailable, MachineLimit: it did not begin."""
        until = time.monotonic() + self._patience() + len(data) / self._options.least_bytes_per_s

        def work() -> StoredVersion:
            stored = self._site.put(key, data, sha256=sha256, retain_until=retain_until)
            self._late = False
            return stored

        future = self._threads.submit(work)

        def given_up() -> SiteUnavailable:
            self._given_up(future, until)
            return self._no_answer(writes=True)

        return BegunPut(future, until, given_up)

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        return self._ask(lambda: self._site.extend(key, version, retain_until), writes=True)

    @property
    def hanging(self) -> int:
        """Calls that were given up and have not come back."""
        return len(self._hanging)

    def close(self) -> None:
        """Close the site, unless it hangs; what hangs ends by itself or with the process. Once is enough."""
        if self._threads.closed:
            return
        with suppress(SiteUnavailable):
            self._ask(self._site.close)
        self._threads.close()

    def _chunks(self, listing: Callable[[], Iterator[_T]]) -> Iterator[_T]:
        if is_expendable():
            yield from listing()
            return
        lines: _Lines[_T] = []
        size = 1  # whoever wants the first line only does not wait for more

        def fetch() -> tuple[_T, ...]:
            if not lines:
                lines.append(iter(listing()))
            return tuple(islice(lines[0], size))

        while chunk := self._ask(fetch, scans=True):
            yield from chunk
            size = _CHUNK

    def _ask_size(self, key: str, version: str | None) -> int:
        return self._ask(lambda: self._site.stat(key, version)).size

    def _ask(
        self,
        work: Callable[[], _T],
        *,
        size: Callable[[], int] | None = None,
        writes: bool = False,
        scans: bool = False,
    ) -> _T:
        """What ``work`` gives. Raises SiteUnavailable when it takes too long.

        Args:
            size: bytes that it moves; asked for when it is not done after the time-out.
            writes: when it is given up, it may have been carried out.
            scans: it may take many time-outs, as long as the site answers others.
        """
        if is_expendable():
            return work()  # its caller waits no longer than he wants to
        wait_s = self._patience()
        future = self._threads.submit(work)
        try:
            result = self._wait(future, wait_s, size, scans=scans)
        except NoAnswer as error:
            if future.done():
                raise
            self._given_up(future)
            raise self._no_answer(writes=writes) from error
        finally:
            del future  # an error that it holds would keep it, and the frames of its call, alive
        self._late = False
        return result

    def _patience(self) -> float:
        """How long the next call is waited for. Raises SiteUnavailable: too many hang."""
        with self._lock:
            if len(self._hanging) >= _MOST_HANGING:
                raise self._no_answer(writes=False)
            self._look_late()
            timeout_s = self._options.timeout_s
            return min(_LATE_S, timeout_s) if self._late else timeout_s

    def _wait(self, future: Future[_T], wait_s: float, size: Callable[[], int] | None, *, scans: bool) -> _T:
        try:
            try:
                return future.result(wait_s)
            except NoAnswer:
                if future.done():
                    raise
            if size is not None:
                with suppress(VanVaultError):  # it does not even tell the size
                    return future.result(size() / self._options.least_bytes_per_s)
            for _ in range(_SCAN if scans else 0):
                try:
                    self._ask(self._site.now)
                except VanVaultError:
                    break
                with suppress(NoAnswer):
                    return future.result(wait_s)
            return future.result(0)
        finally:
            del future

    def _given_up(self, future: Future[_T], until: float = 0.0) -> None:
        def ended(done: Future[_T]) -> None:
            with self._lock:
                self._hanging.pop(done, None)  # type: ignore[arg-type]

        with self._lock:
            if future in self._hanging:
                return
            self._hanging[future] = until  # type: ignore[index]
            self._look_late()
        future.add_done_callback(ended)

    def _look_late(self) -> None:
        """Each call that hangs makes the site late once, when its time is over; under the lock."""
        now = time.monotonic()
        for future, until in self._hanging.items():
            if until <= now:
                self._late, self._hanging[future] = True, math.inf

    def _no_answer(self, *, writes: bool) -> SiteUnavailable:
        return SiteUnavailable(
            f"site {self.site} gives no answer for {self._options.timeout_s:g} s",
            site=self.site,
            may_be_stored=writes,
            hint="Its file system hangs: look at its mount and its disk. Nothing waits for it meanwhile.",
        )


class TimedDisposer(TimedSite):
    """``AllRights`` over a site whose calls may hang."""

    def __init__(self, site: AllRights, options: FileOptions | None = None) -> None:
        super().__init__(site, options)
        self._remove = site.delete

    def delete(self, key: str, version: str) -> None:
        """See ``Disposer.delete``."""
        self._ask(lambda: self._remove(key, version), writes=True)
