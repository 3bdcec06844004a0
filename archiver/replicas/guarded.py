"""A site behind the gate: what no trusted key has signed, and what is too large, does not come through.

Whoever has write access to a site and no key may put anything there. Listings and versions show only objects
whose names prove their writer and whose sizes their kind can have; the rest goes to the quarantine. Reads are
bounded before they begin, and nothing is put or locked that the archive's own rules do not ask for.

A name proves who wrote an object, not that the bytes at this site are the right ones: readers compare them
with the SHA-256 in the name, as ever (``promised.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from vanvault.archiver.core.errors import Damaged, InvalidInput, NotFound, SiteFaulty, TooLarge
from vanvault.archiver.core.names import ObjectName
from vanvault.archiver.core.object_limits import LockRules, ObjectSizes
from vanvault.archiver.core.ports import Clock
from vanvault.archiver.keys import Judged
from vanvault.archiver.replicas.quarantine import MOST, TOO_LARGE, Quarantine
from vanvault.archiver.stores import (
    BegunPut,
    Capabilities,
    Incoming,
    Oversize,
    Site,
    StoredVersion,
    Stray,
    TimedSite,
    able_to_pass,
    passing,
    printable,
)

#: Lines of one listing that prove nothing; one with more may go on for ever. The judge remembers about as
#: many, so that another listing of the same costs no signature.
MOST_UNPROVED = 250_000
#: Sorts after every key.
LAST = "~"
#: Dates outside of these years are no time of a clock: what is reckoned from them would leave the calendar.
_FIRST_YEAR, _LAST_YEAR = 2000, 9000
#: Bytes that are in memory while an object of unusual size is hashed.
PIECE_BYTES = 4 * 2**20

_T = TypeVar("_T")

#: Judges the key of an object without reading it. Raises KeyUnavailable: the key folder cannot be read.
NameJudge = Callable[[str], Judged]


@dataclass(frozen=True, slots=True)
class GateRules:
    """What comes through, besides proved names."""

    sizes: ObjectSizes
    locks: LockRules


@dataclass(frozen=True, slots=True)
class Gate:
    """What stands before each site of an archive."""

    judge: NameJudge
    rules: GateRules
    quarantine: Quarantine  # takes note of what does not come through
    clock: Clock  # the host's; no site's clock decides how long a lock may be


class GuardedSite:
    """``Site`` over another; safe to share between threads."""

    def __init__(self, site: Site, gate: Gate) -> None:
        self._site = site
        self._judge = gate.judge
        self._rules = gate.rules
        self._quarantine = gate.quarantine
        self._clock = gate.clock
        self._longest: tuple[datetime, datetime] | None = None  # when it was computed, and what came out

    @property
    def site(self) -> str:
        return self._site.site

    @property
    def capabilities(self) -> Capabilities:
        return self._site.capabilities

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        """See ``SiteReader.get``. Raises Damaged for a name that proves nothing, and for what is too large.

        An object above its usual size is hashed first, so that memory is taken for good bytes only: of
        others, Damaged is raised in place of giving the wrong bytes.
        """
        return self._bounded(key, version, most, lambda which, bound: self._site.get(key, which, most=bound))

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        """See ``SiteReader.get_locked``. Raises Damaged as ``get`` does."""
        return self._bounded(
            key, version, most, lambda which, bound: self._site.get_locked(key, which or version, most=bound)
        )

    def passes_on(self) -> bool:
        """See ``Passing.passes_on``."""
        return passing(self._site) is not None

    def open_locked(self, key: str, version: str, *, most: int | None = None) -> Incoming:
        """See ``Passing.open_locked``; no memory is taken for bytes before they are compared."""
        greatest = self._rules.sizes.of(self._proved(key)).greatest
        bound = greatest if most is None else min(most, greatest)
        return able_to_pass(self._site).open_locked(key, version, most=bound)

    def put_from(
        self, key: str, incoming: Incoming, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        """See ``Passing.put_from``. Raises InvalidInput, TooLarge as ``put`` does."""
        self._check_put(key, incoming.found.size, retain_until)
        return able_to_pass(self._site).put_from(key, incoming, sha256=sha256, retain_until=retain_until)

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        """See ``SiteReader.get_range``. Raises Damaged as ``get`` does."""
        greatest = self._rules.sizes.of(self._proved(key)).greatest
        if offset + length > greatest:
            raise Damaged(f"{key} is read beyond {greatest} bytes", key=key, site=self.site)
        return self._site.get_range(key, offset, length, version)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        """See ``SiteReader.stat``. Raises Damaged as ``get`` does."""
        greatest = self._rules.sizes.of(self._proved(key)).greatest
        found = self._site.stat(key, version)
        return found if found.size <= greatest else self._fitting(key, version, greatest)

    def versions(self, key: str) -> list[StoredVersion]:
        """See ``SiteReader.versions``; none of a name that proves nothing, and none that is too large."""
        verdict = self._judge(key)
        if verdict.name is None or verdict.reason is not None:
            return []
        return [found for found in self._site.versions(key) if self._fits(verdict.name, found)]

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        """See ``SiteReader.list``; the rest is set aside. What is there no more leaves the quarantine.

        Raises SiteFaulty: more than ``MOST_UNPROVED`` lines prove nothing, and there may be no end to them.
        """
        aside: dict[str, set[tuple[str, str]]] = {}  # by reason, as much as the quarantine remembers
        last, verdict, end, unproved = after, None, LAST, 0
        try:
            for found in self._in_order(prefix, after):
                if verdict is None or found.key != last:
                    last, verdict = found.key, self._judge(found.key)
                name, reason = verdict.name, str(verdict.reason or "junk")
                if name is not None and verdict.reason is None:
                    if self._fits(name, found):
                        yield found
                        continue
                    reason = TOO_LARGE
                else:
                    self._set_aside(found, reason)
                if len(seen := aside.setdefault(reason, set())) < MOST:
                    seen.add((found.key, found.version))
                if (unproved := unproved + 1) > MOST_UNPROVED:
                    raise SiteFaulty(
                        f"site {self.site} lists more than {MOST_UNPROVED} objects that prove nothing",
                        site=self.site,
                        hint="Remove what is not the archive's from its store; vanvault verify names some.",
                    )
        except GeneratorExit:
            end = last  # who listed wants no more: up to here, everything was seen
            raise
        except BaseException:
            end = after
            raise
        finally:
            self._quarantine.is_gone(
                self.site,
                lambda key: key.startswith(prefix) and after < key < end,
                (at for seen in aside.values() for at in seen),
            )

    def strays(self) -> Iterator[Stray]:
        """See ``SiteReader.strays``; the first ``MOST``, and then one that says that there are more.

        System files are counted apart: a storage box makes one in every folder, and they hide nothing else.
        """
        shown = {True: 0, False: 0}
        for number, stray in enumerate(self._site.strays()):
            if shown[stray.system] == MOST and stray.system and number < MOST_UNPROVED:
                continue
            if shown[stray.system] == MOST:
                yield Stray(f"and more than these {MOST}")
                return
            shown[stray.system] += 1
            yield stray

    def now(self) -> datetime:
        """See ``SiteReader.now``. Raises SiteFaulty: a time with which no date can be reckoned."""
        now = self._site.now()
        if not _FIRST_YEAR <= now.year <= _LAST_YEAR:
            raise SiteFaulty(
                f"the clock of site {self.site} says {now.year}", site=self.site, hint="Set its clock right."
            )
        return now

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        """See ``SiteWriter.put``. Raises InvalidInput, TooLarge: no archive writes such an object."""
        self._check_put(key, len(data), retain_until)
        return self._site.put(key, data, sha256=sha256, retain_until=retain_until)

    def begin_put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> BegunPut | None:
        """``put`` on a thread of the site, where it has such threads; else None. Raises as ``put`` does."""
        if not isinstance(self._site, TimedSite):
            return None
        self._check_put(key, len(data), retain_until)
        return self._site.begin_put(key, data, sha256=sha256, retain_until=retain_until)

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        """See ``RetentionKeeper.extend``. Raises InvalidInput for a lock beyond the retention rules."""
        self._proved(key)
        self._check_lock(key, retain_until)
        return self._site.extend(key, version, retain_until)

    def behind(self, judge: NameJudge) -> GuardedSite:
        """The same site through a gate with another judge, which tells the quarantine nothing."""
        gate = Gate(judge, self._rules, Quarantine(self._clock), self._clock)
        return GuardedSite(self._site, gate)

    def close(self) -> None:
        self._site.close()

    def _bounded(
        self,
        key: str,
        version: str | None,
        most: int | None,
        read: Callable[[str | None, int], _T],
    ) -> _T:
        """What ``read`` gives of a version (None: the newest) with its largest number of bytes."""
        name = self._proved(key)
        limit = self._rules.sizes.of(name)
        usual = min(limit.usual, most if most is not None else limit.usual)
        try:
            return read(version, usual)
        except Oversize as error:
            if most is not None and error.size is not None and most < error.size <= limit.greatest:
                raise
            found = self._fitting(key, version, limit.greatest)
        if found.size > usual:
            self._check_bytes(name, found)
        return read(found.version, min(found.size, most or found.size))

    def _in_order(self, prefix: str, after: str) -> Iterator[StoredVersion]:
        """The site's listing, as long as it is one: readers merge listings and go by their order.

        Raises SiteFaulty: another order, a version twice, keys that nobody asked for.
        """
        last, versions = after, set[str]()
        for found in self._site.list(prefix, after):
            if found.key > last and found.key.startswith(prefix):
                last, versions = found.key, set()
            elif found.key != last or not versions or found.version in versions or len(versions) >= MOST:
                raise SiteFaulty(
                    f"what site {self.site} lists is no listing: {printable(found.key)} stands in it"
                    f" after {printable(last)}",
                    site=self.site,
                    hint="Whoever runs this site's store must mend it. Until then the site counts as away.",
                )
            versions.add(found.version)
            yield found

    def _proved(self, key: str) -> ObjectName:
        verdict = self._judge(key)
        if verdict.name is None or verdict.reason is not None:
            raise Damaged(
                f"{printable(key)} at {self.site} is set aside: no trusted key has signed this name",
                key=printable(key),
                site=self.site,
            )
        return verdict.name

    def _fits(self, name: ObjectName, found: StoredVersion) -> bool:
        if found.size <= self._rules.sizes.of(name).greatest:
            return True
        self._set_aside(found, TOO_LARGE)
        return False

    def _set_aside(self, found: StoredVersion, reason: str) -> None:
        self._quarantine.note(self.site, found.key, found.version, reason, found.size)

    def _fitting(self, key: str, version: str | None, greatest: int) -> StoredVersion:
        """The version, or the newest, that is not too large. Raises NotFound, Damaged (there is none)."""
        for found in self.versions(key):
            if version in (None, found.version):
                return found
        listed = [one for one in self._site.versions(key) if version in (None, one.version)]
        if not listed:
            raise NotFound(f"site {self.site} holds no such version of {key}")
        raise Damaged(
            f"{key} at {self.site} is set aside: it has more than {greatest} bytes", key=key, site=self.site
        )

    def _check_bytes(self, name: ObjectName, found: StoredVersion) -> None:
        """Hash a version piece by piece. Raises Damaged: not the bytes of its name."""
        digest, offset = hashlib.sha256(), 0
        while offset < found.size:
            length = min(PIECE_BYTES, found.size - offset)
            piece = self._site.get_range(name.key, offset, length, found.version)
            digest.update(piece)
            offset += len(piece)
            if len(piece) != length:
                break
        if digest.digest() != name.sha256:
            raise Damaged(
                f"the {found.size} bytes of {name.key} at {self.site} are not those that its name promises",
                key=name.key,
                site=self.site,
                hint="Run: vanvault verify, then: vanvault repair.",
            )

    def _check_put(self, key: str, size: int, retain_until: datetime) -> None:
        verdict = self._judge(key)
        if verdict.name is None or verdict.reason is not None:
            raise InvalidInput(f"{printable(key)} is not the proved name of an object", field="key")
        greatest = self._rules.sizes.of(verdict.name).greatest
        if size > greatest:
            raise TooLarge(f"{key} has {size} bytes", limit=greatest)
        self._check_lock(key, retain_until)

    def _check_lock(self, key: str, retain_until: datetime) -> None:
        now = self._clock.now()
        known = self._longest
        if known is not None and known[0] <= now and retain_until <= known[1]:
            return  # it only grows, as long as the clock goes on
        longest = self._rules.locks.longest(now)
        self._longest = now, longest
        if retain_until > longest:
            raise InvalidInput(
                f"a lock of {key} until {retain_until.isoformat()} is beyond the retention rules,"
                f" which end at {longest.isoformat()}",
                field="retain_until",
                hint="If retention.originals_years was lowered, set it back.",
            )
