"""Whether every promise was kept. The same questions for clusters and for archives in memory."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache

from tests.faults.chaos.history import History
from tests.faults.chaos.ledger import Ledger, Promise, Times
from vanvault.archiver.appliance import Archive, ArchiveReader
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.evidence import holders, verify_receipt
from vanvault.archiver.core.format.batches import decode_batch
from vanvault.archiver.core.model import Batch, Event
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.replicas import read_large
from vanvault.archiver.stores import Site, read_only


@dataclass
class Verdict:
    """What was found; good when all three are empty."""

    history: History
    lost: set[str] = field(default_factory=set)
    duplicated: set[str] = field(default_factory=set)
    unverified: set[str] = field(default_factory=set)
    twins: set[str] = field(
        default_factory=set
    )  # entries with two true receipts, of two nodes that could not know of each other

    @property
    def good(self) -> bool:
        return not (self.lost or self.duplicated or self.unverified)

    def counts(self) -> dict[str, int]:
        """For the report of a run."""
        return {
            "lost": len(self.lost),
            "duplicated": len(self.duplicated),
            "unverified": len(self.unverified),
            "twins": len(self.twins),
        }

    def is_lost(self, id: str, why: object) -> None:
        self.lost.add(id)
        self.history.note("checker", "lost", _said(why), id=id)

    def is_duplicated(self, id: str, why: object) -> None:
        self.duplicated.add(id)
        self.history.note("checker", "duplicated", _said(why), id=id)

    def is_unverified(self, id: str, why: object) -> None:
        self.unverified.add(id)
        self.history.note("checker", "unverified", _said(why), id=id)


def _said(why: object) -> str:
    return f"{type(why).__name__}: {why}" if isinstance(why, BaseException) else str(why)


class RawReader:
    """Reads promised entries from the objects of one site, as FORMAT.md tells, past all of the service."""

    def __init__(self, archive: Archive, site: Site) -> None:
        self._archive, self._site = archive, site
        self.batch = lru_cache(maxsize=256)(self._batch)

    def _batch(self, key: str) -> Batch:
        data, name = self._site.get(key), parse_key(key)
        if name is None or hashlib.sha256(data).digest() != name.sha256:
            raise AssertionError(f"{key} at {self._site.site} has other bytes than its name")
        return decode_batch(key, data, self._archive.parquet)

    def check(self, promise: Promise) -> None:
        """Raises AssertionError, VanVaultError unless the site holds exactly what was promised."""
        receipt = promise.receipt
        entry = self.batch(receipt["object"]).entries[receipt["row"]]
        assert (entry.id, entry.client_id) == (receipt["id"], promise.id), "the row is another entry's"
        assert entry.sha256.hex() == receipt["sha256"] == promise.sha256, "the row names another digest"
        if isinstance(entry, Event):
            return
        body = entry.body
        if entry.large_object:
            body = read_large({self._site.site: self._site}, self._archive.parquet, entry.large_object)
        assert body == promise.body, "other bytes than were pushed"


def check_stored(
    archive: Archive, ledger: Ledger, verdict: Verdict, *, named_only: bool = False, spared: str = ""
) -> None:
    """Every promise is kept at both sites, or (``named_only``) at those that its first receipt names."""
    for name, site in archive.sites.items():
        reader = RawReader(archive, site)
        for promise in (*ledger.promises(), *ledger.disputes()):
            if name == spared or (named_only and name not in holders(promise.receipt)):
                continue
            try:
                reader.check(promise)
            except (VanVaultError, AssertionError) as error:
                verdict.is_lost(promise.id, error)


def check_receipts(archive: Archive, ledger: Ledger, verdict: Verdict) -> None:
    """All first receipts verify offline, and the time in each is right, whatever clocks were."""
    skew = timedelta(seconds=archive.settings.clock.max_skew_s)
    for promise in (*ledger.promises(), *ledger.disputes()):
        try:
            verify_receipt(promise.receipt, archive.signing.public)
            assert promise.receipt["sha256"] == promise.sha256
            sent, acknowledged = ledger.taken_between(promise)
            received = parse_rfc3339(promise.receipt["received_at"])
            assert sent - skew <= received <= acknowledged + skew, f"received at {received}, sent at {sent}"
        except (VanVaultError, AssertionError) as error:
            verdict.is_unverified(promise.id, error)


@contextmanager
def with_only(archive: Archive, site: str) -> Iterator[ArchiveReader]:
    """The archive as if the other site had burnt down."""
    left = read_only({site: archive.sites[site]})
    with ArchiveReader(replace(archive.components, sites=left)) as only:
        only.index.catch_up()
        yield only


def check_found(archive: Archive, ledger: Ledger, verdict: Verdict) -> None:
    """A search for each id gives one entry, and its bytes come from each site alone."""
    for promise in ledger.promises():
        field_name = "event_id" if promise.kind == "event" else "message_id"
        query = Query(filters={field_name: promise.id, "gateway": promise.gateway}, limit=10)
        items = [item for item in archive.search.page(query).items if item["entry"] == promise.kind]
        if not items:
            verdict.is_lost(promise.id, "no search finds it")
            continue
        if len(items) > 1:
            verdict.is_duplicated(promise.id, f"a search finds {len(items)}")
        if any(item["sha256"] != promise.sha256 for item in items):
            verdict.is_duplicated(promise.id, "found with other content")
        if promise.kind == "message":
            _check_original(archive, promise, items[0], verdict)


def check_disputes(archive: Archive, ledger: Ledger, verdict: Verdict) -> None:
    """Each acknowledged content of an id with two is found under it, and its bytes come from each site."""
    for promise in ledger.disputes():
        query = Query(filters={"message_id": promise.id, "gateway": promise.gateway}, limit=10)
        items = [item for item in archive.search.page(query).items if item["id"] == promise.receipt["id"]]
        if not items:
            verdict.is_lost(promise.id, "no search finds what was acknowledged of it")
        for item in items:
            _check_original(archive, promise, item, verdict)


def _check_original(archive: Archive, promise: Promise, item: Mapping[str, object], verdict: Verdict) -> None:
    for site in list(archive.sites):
        with with_only(archive, site):
            try:
                assert archive.original(dict(item)) == promise.body
            except (VanVaultError, AssertionError) as error:
                verdict.is_lost(promise.id, error)


def check_order(ledger: Ledger, verdict: Verdict, timeline: Callable[[str, str], list[str]]) -> None:
    """An event that was acknowledged before another was sent stands before it in their transaction.

    ``timeline``: ids of the events of (transaction, gateway), oldest first.
    """
    for (gateway, transaction), events in ledger.transactions().items():
        found = [id for id in timeline(transaction, gateway) if id in events]
        if sorted(found) != sorted(events):
            verdict.is_lost(transaction, f"its timeline has {len(found)} events of {len(events)}")
        if wrong := out_of_order([events[id] for id in found]):
            verdict.is_unverified(transaction, f"{wrong} events stand before one that was promised earlier")


def out_of_order(events: Sequence[Times]) -> int:
    """How many stand before one that was promised before they were sent."""
    earliest, wrong = math.inf, 0
    for times in reversed(events):
        wrong += earliest < times.sent
        earliest = min(earliest, times.promised)
    return wrong
