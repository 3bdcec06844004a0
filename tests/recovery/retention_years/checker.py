"""What must be true after each month, by the ledger and by what lies at the sites.

Of the archive only this is asked: where an entry lies, its original, its receipt, and what a search finds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.recovery.retention_years.model import Case, Paper
from tests.recovery.retention_years.office import Office
from tests.support.archives import SITES
from vanvault.archiver.catalogue import Query
from vanvault.archiver.catalogue.originals import Originals
from vanvault.archiver.catalogue.segments.files import SegmentFiles
from vanvault.archiver.catalogue.segments.locate import Locator
from vanvault.archiver.core.errors import EntryDisposed, VanVaultError
from vanvault.archiver.core.format.encrypted import opened
from vanvault.recovery.disposal import signed_certificate
from vanvault.recovery.disposal_record import known_disposals
from vanvault.recovery.documents import public_keys_of

#: Nothing that is needed may run out sooner: then somebody must be told.
_ALARM = timedelta(days=60)
#: So long after its lock a batch that a segment holds is left.
_AFTER_ITS_LOCK = timedelta(days=30)


class Broken(AssertionError):
    """Something that must never be is."""


@dataclass
class Checker:
    """Looks at one office."""

    office: Office
    _places: dict[str, tuple[str, str]] = field(default_factory=dict)
    _first: dict[str, datetime] = field(default_factory=dict)  # by place, the lock that it began with
    _left: set[tuple[str, str]] = field(default_factory=set)  # site and key of copies that a lock keeps
    _known: frozenset[str] = frozenset()  # segments, when places were asked for

    def monthly(self) -> None:
        """Nothing that is open, held or owed could be removed, or was; locks cover the clocks."""
        locks = self._locks()
        for case in self.office.ledger.cases.values():
            if not self.office.ledger.is_needed(case, self.office.now):
                continue
            for paper in case.papers:
                self._is_safe(case, paper, locks)

    def whole(self) -> None:
        """What is kept comes back to the byte; what is gone is gone."""
        self.monthly()
        self.either_way()
        for paper in self.office.ledger.papers():
            if paper.gone:
                self._is_gone(paper)
            else:
                self._comes_back(paper)

    def may_go(self) -> set[str]:
        """Ids of what may be disposed of now, as the ledger and the first locks of segments say."""
        self._locks()
        now = self.office.now

        def is_unlocked(paper: Paper) -> bool:
            segment, _ = self._place(paper)
            return bool(segment) and self._first[f"segment/{segment}"] < now

        return self.office.ledger.may_go(now, is_unlocked)

    def certified(self, disposal: str) -> None:
        """Its certificate is signed, and names exactly what went."""
        archive = self.office.archive
        key = archive.signing.active()
        known = known_disposals(archive).get(disposal)
        told = signed_certificate(archive, known, public_keys_of({key.key_id: key.public()}))
        gone = sorted([one.id, "entry"] for one in self.office.ledger.papers() if one.gone == disposal)
        if told["entries"] != gone:
            raise Broken(f"the certificate of {disposal} names {told['entries']}, and {gone} went")
        for left in told["remaining"]:
            key, _, version = left["what"].partition(" ")
            until = archive.sites[left["where"]].stat(key, version).retain_until
            if until is None or until <= self.office.now:
                raise Broken(f"{key} was left at {left['where']}, and nothing locks it")
            self._left.add((left["where"], key))
        named = [told["planned_by"], *told["approved_by"], told["ran_by"]]
        if named != [self.office.name(one) for one in ("lan", "binh", "hoa", "minh")]:
            raise Broken(f"the certificate of {disposal} names other people")

    def nothing_left(self, at: Sequence[str] = SITES) -> None:
        """Of what is gone none of these sites holds an object, and no object a word."""
        papers = self.office.ledger.all_gone()
        stay = {one for paper in self.office.ledger.papers() if not paper.gone for one in paper.lay_in}
        stay |= {f"segment/{self._place(paper)[0]}" for paper in papers}
        places = {one for paper in papers for one in paper.lay_in} - stay
        bodies = {paper.body for paper in papers if paper.body is not None}
        kept = {paper.case.employer for paper in self.office.ledger.papers() if not paper.gone}
        employers = {paper.case.employer for paper in papers} - kept
        for site in at:
            for version in self.office.archive.sites[site].list():
                if (site, version.key) in self._left:
                    continue
                if _place_of(version.key) in places:
                    raise Broken(f"{version.key} at {site} held something that is gone")
                self._says_nothing_of(site, version.key, bodies, employers)

    def spent(self) -> set[str]:
        """Batches that a segment holds, whose locks ended more than thirty days ago at both sites."""
        limit, locks = self.office.now - _AFTER_ITS_LOCK, self._locks()
        return {
            paper.batch
            for paper in self.office.ledger.papers()
            if self._place(paper)[0] and all(locks[site].get(paper.batch, limit) <= limit for site in SITES)
        }

    def cleared(self, spent: set[str]) -> None:
        """What was spent lies at no site any more, and what was not is there still."""
        for paper in self.office.ledger.papers():
            for site in SITES:
                found = self.office.archive.sites[site].versions(paper.batch)
                if found and paper.batch in spent:
                    raise Broken(f"{paper.batch} was spent, and lies at {site}")

    def either_way(self) -> None:
        """Each site alone has what is needed to read every original: whole in a segment, or in its batch."""
        archive = self.office.archive
        for site in SITES:
            only = {site: archive.sites[site]}
            locator = Locator(archive.catalogue, SegmentFiles(only, archive.parquet))
            originals = Originals(only, archive.parquet, locator)
            for paper in self.office.ledger.papers():
                if paper.gone or paper.body is None or archive.sites[site].versions(paper.batch):
                    continue
                try:
                    found = originals.read(archive.search.entry(paper.id))
                except VanVaultError as error:
                    raise Broken(f"{paper.id} cannot be read at {site}: {error.message}") from error
                if found != paper.body:
                    raise Broken(f"{paper.id} came back from {site} with other bytes")

    # Each raises Broken.

    def _is_safe(self, case: Case, paper: Paper, locks: dict[str, dict[str, datetime]]) -> None:
        now = self.office.now
        segment, batch = self._place(paper)
        place = f"segment/{segment}" if segment else batch
        for site in SITES:
            lock = locks[site].get(place)
            if lock is None:
                raise Broken(f"{paper.id} does not lie at {site}, and is needed")
            if lock <= now:
                raise Broken(f"{paper.id} could be removed at {site} since {lock}, and is needed")
            ends = case.ends() or now + _ALARM
            if segment and lock < min(ends, now + _ALARM):
                raise Broken(f"the lock of {paper.id} at {site} ends {lock}, and it is owed until {ends}")

    def _comes_back(self, paper: Paper) -> None:
        archive = self.office.archive
        item = archive.search.entry(paper.id)
        if item["entry"] != ("event" if paper.body is None else "message"):
            raise Broken(f"{paper.id} is {item['entry']}, and was never let go of")
        if paper.body is not None and archive.original(item) != paper.body:
            raise Broken(f"{paper.id} came back with other bytes")
        if json.dumps(archive.receipts.of(paper.id)) != paper.receipt:
            raise Broken(f"{paper.id} has another receipt than was given first")

    def _is_gone(self, paper: Paper) -> None:
        archive = self.office.archive
        item = archive.search.entry(paper.id)
        if item["entry"] != "disposed" or item["disposed"]["certificate"] != paper.gone:
            raise Broken(f"{paper.id} is {item['entry']}, and was let go of by {paper.gone}")
        query = Query.parse([("employer_code", paper.case.employer)], archive.search.cursor_key)
        if paper.id in [one["id"] for one in archive.search.page(query).items]:
            raise Broken(f"{paper.id} is found by what it said")
        asked: list[Callable[[], object]] = [lambda: archive.receipts.of(paper.id)]
        if paper.body is not None:
            asked.append(lambda: archive.original(item))
        for ask in asked:
            try:
                answer = ask()
            except EntryDisposed as error:
                if error.certificate != paper.gone:
                    raise Broken(f"{paper.id} names {error.certificate}") from error
            else:
                raise Broken(f"{paper.id} is gone, and {answer!r} was given")

    def _says_nothing_of(self, site: str, key: str, bodies: set[bytes], employers: set[str]) -> None:
        if not key.endswith((".messages.parquet", ".log.parquet", ".originals.parquet")):
            return
        archive = self.office.archive
        data = archive.sites[site].get(key)
        with opened(data, archive.parquet, key) as file:
            for name, found in (("body", bodies), ("employer_code", employers)):
                if name not in file.schema_arrow.names:
                    continue
                if set(file.read([name], use_threads=False).column(name).to_pylist()) & found:
                    raise Broken(f"{key} at {site} says something of what is gone")

    # What lies at the sites.

    def _locks(self) -> dict[str, dict[str, datetime]]:
        """By site and batch or ``segment/ID``, the first lock that ends of all objects there."""
        found: dict[str, dict[str, datetime]] = {}
        last: dict[str, datetime] = {}
        for site in SITES:
            ends: dict[str, datetime] = {}
            for version in self.office.archive.sites[site].list():
                place = _place_of(version.key)
                until = version.retain_until
                if until is None:
                    raise Broken(f"{version.key} at {site} has no lock")
                ends[place] = min(ends.get(place, until), until)
                last[place] = max(last.get(place, until), until)
            found[site] = ends
        self._first = {**last, **self._first}
        return found

    def _place(self, paper: Paper) -> tuple[str, str]:
        """Its segment, else its batch."""
        known = frozenset(one.key for one in self.office.archive.catalogue.segments())
        if known != self._known:
            self._known = known
            self._places.clear()
        if paper.id not in self._places:
            item = self.office.archive.search.entry(paper.id)
            self._places[paper.id] = (item["segment"], item["object"])
            paper.lay_in |= {paper.batch, f"segment/{item['segment']}"}
        return self._places[paper.id]


def _place_of(key: str) -> str:
    """What is locked and goes together: all of a segment, else the object alone."""
    family, _, rest = key.partition("/")
    return f"segment/{rest.partition('/')[0]}" if family == "segment" else key
