"""Locks that need not be asked for one by one, at sites whose listings do not show them.

Of a batch whose commit is on record, the lock was read back when it was put, and the record names the version
and the date. Of any other version, and of a lock that the keeper extended, this home remembers what the site
said when it was asked. Nothing that obeys the port makes a lock shorter; a store that does it all the same is
found by a sample, which goes on where the last one ended: a round of the keeper asks for ``KEEPER_SAMPLE``
known locks of each site, a look (``vanvault status``) for ``LOOK_SAMPLE``. One that is shorter than known
makes the round ask for every lock of that site.

The memory is a file in the cache folder. Where it is of no use, more is asked.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson

from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.disk import read_plain, replace_file
from vanvault.archiver.stores import SiteReader
from vanvault.archiver.upkeep.compaction.plan import HeldBatch

_log = logging.getLogger("vanvault.locks")

KEEPER_SAMPLE, LOOK_SAMPLE = 500, 20
#: Bytes; some 200 for each remembered lock.
_LARGEST = 256 * 2**20

#: The lock of a version (site, key, version) that is on record, None: it is not.
OnRecord = Callable[[str, str, str], datetime | None]


@dataclass(slots=True)
class SiteLocks:
    """What is known of the locks at one site, for one round."""

    site: str
    on_record: OnRecord
    sample: int
    remembered: dict[str, int] = field(default_factory=dict)  # _mark -> seconds since 1970
    after: str = ""  # the key at which the last sample ended
    _seen: dict[str, int] = field(default_factory=dict)
    _vouched: list[HeldBatch] = field(default_factory=list)

    def known(self, key: str, version: str) -> datetime | None:
        """The lock of a version as it is known without asking; None: the site must be asked."""
        mark = _mark(key, version)
        seconds = self.remembered.get(mark)
        if seconds is None:
            return self.on_record(self.site, key, version)
        self._seen[mark] = seconds
        return datetime.fromtimestamp(seconds, UTC)

    def vouched(self, held: HeldBatch) -> None:
        """This one was not asked for: it may come into the sample."""
        self._vouched.append(held)

    def learn(self, key: str, version: str, until: datetime | None) -> None:
        """The site said so; not remembered where it is what stands on record anyway."""
        mark = _mark(key, version)
        self._seen.pop(mark, None)
        if until is not None and until != self.on_record(self.site, key, version):
            self._seen[mark] = int(until.timestamp())

    def check(self, site: SiteReader) -> list[HeldBatch]:
        """Ask for the sample; what is locked shorter than it is known to be, as the site says now.

        Where any is, all that was vouched for is asked. Raises SiteUnavailable.
        """
        sample = self._next()
        shorter = self._shorter(site, sample)
        if shorter:
            taken = {(one.key, one.version) for one in sample}
            rest = [one for one in self._vouched if (one.key, one.version) not in taken]
            shorter += self._shorter(site, rest)
        return shorter

    def whole(self) -> None:
        """The site was listed to its end: what it lists no more, or a segment holds, is forgotten."""
        self.remembered = {}

    def memory(self) -> dict[str, object]:
        """What the next round is to know."""
        return {"after": self.after, "locks": self.remembered | self._seen}

    def _next(self) -> list[HeldBatch]:
        """The next ones in the order of keys, from the first again after the last."""
        start = bisect_right(self._vouched, self.after, key=lambda one: one.key)
        found = (self._vouched[start:] + self._vouched[:start])[: self.sample]
        if found:
            self.after = found[-1].key
        return found

    def _shorter(self, site: SiteReader, asked: Iterable[HeldBatch]) -> list[HeldBatch]:
        found = []
        for one in asked:
            try:
                until = site.stat(one.key, one.version).retain_until
            except NotFound:
                continue
            if until is None or one.retain_until is None or until < one.retain_until:
                self.learn(one.key, one.version, until)
                found.append(replace(one, retain_until=until))
        return found


class KnownLocks:
    """The locks of all sites, for one round; ``remember`` at its end."""

    def __init__(self, path: Path | None, on_record: OnRecord, sample: int) -> None:
        """``path``: where it is remembered; None: nowhere."""
        self._path = path
        self._on_record = on_record
        self._sample = sample
        self._sites: dict[str, SiteLocks] = {}
        self._read = self._stored()

    def of(self, site: str) -> SiteLocks:
        """What is known of one site."""
        if site not in self._sites:
            after, locks = self._read.get(site, ("", {}))
            self._sites[site] = SiteLocks(site, self._on_record, self._sample, dict(locks), after)
        return self._sites[site]

    def remember(self) -> None:
        """For the next round, also of another process."""
        if self._path is None or not self._sites:
            return
        now = {name: {"after": after, "locks": locks} for name, (after, locks) in self._read.items()}
        after = now | {name: one.memory() for name, one in self._sites.items()}
        if after == now:
            return
        try:
            replace_file(self._path, orjson.dumps(after))
        except OSError as error:
            _log.info("not remembered how long locks last: %s", error)

    def _stored(self) -> dict[str, tuple[str, dict[str, int]]]:
        if self._path is None:
            return {}
        try:
            if self._path.stat().st_size > _LARGEST:
                return {}
            stored = orjson.loads(read_plain(self._path))
            return {
                str(site): (str(one["after"]), {str(at): int(until) for at, until in one["locks"].items()})
                for site, one in stored.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, KeyError, TypeError, OverflowError) as error:
            _log.info("not known how long locks last: %s", error)
            return {}


def nothing_known() -> KnownLocks:
    """Every lock is asked for."""
    return KnownLocks(None, lambda site, key, version: None, 0)


def _mark(key: str, version: str) -> str:
    return f"{key} {version}"
