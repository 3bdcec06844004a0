"""An archive that answers questions: search, receipts and originals, and the fold that keeps them level.

It puts nothing at a site. A program that also writes uses ``Archive``, which is this and more; a drill uses
it over sites that cannot be written to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from vanvault.archiver.appliance.components import Components
from vanvault.archiver.appliance.places import INDEX_WORK, hot_tail_of
from vanvault.archiver.appliance.search_room import open_search_room
from vanvault.archiver.catalogue import (
    FirstReceipts,
    FoldReport,
    HotTail,
    Item,
    KnownBatch,
    SearchKeys,
    fold_batches,
    fold_segments,
    follow,
    merge_reports,
    search_secrets,
)
from vanvault.archiver.core.model import Placement
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.journal import ConflictRecord, FailoverListener
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.replicas import AckPolicy, HealthBoard, LeadershipState, Readable, SteadyClock
from vanvault.archiver.stores import Site


class ArchiveReader:
    """Close it when done. Many threads may ask it; one at a time may fold."""

    def __init__(self, components: Components) -> None:
        """Open hot tail and search over ``components``; they belong to it from now on.

        Raises KeyUnavailable (the index key).
        """
        self.components = components
        self.home, self.settings = components.home, components.settings
        self.stopwatch, self.entropy = components.ports.stopwatch, components.ports.entropy
        self.clock = SteadyClock(components.ports.clock, self.stopwatch)
        self.keys, self.signing = components.keys, components.signing
        self.gateways = components.gateways
        self.sites = components.sites
        self.parquet = ParquetKeys(self.keys)
        secrets = search_secrets(self.keys)
        self.tail = HotTail(
            hot_tail_of(self.home, secrets.key_id), secrets, self.entropy, archive=self.settings.archive
        )
        self.health = HealthBoard(
            tuple(self.sites),
            clock=self.clock,
            stopwatch=self.stopwatch,
            rules=self.settings.health.rules(),
        )
        self.lead = LeadershipState()
        self.readable = Readable(self.sites, self.health)
        self.policy = AckPolicy(
            self.settings.sites.policy,
            fall_back=self.settings.sites.fall_back,
            gateways=self.gateways,
            health=self.health,
            lead=self.lead,
        )
        self._room = open_search_room(
            self.settings,
            self.home,
            work=self.home / INDEX_WORK,
            tail=self.tail,
            sites=self.readable,
            keys=SearchKeys(self.keys, self.parquet, secrets.cursors),
            ports=Ports(self.clock, self.stopwatch, self.entropy),
        )
        self.search, self.histograms = self._room.search, self._room.histograms
        self.catalogue, self.index = self._room.catalogue, self._room.index
        self.claims, self.locator = self._room.claims, self._room.locator
        self._failovers = FailoverListener(self.lead, self.health, self.tail, self.search)
        self.conflict_record = ConflictRecord(self.tail, self.catalogue, self.search)
        self._spoiled: frozenset[str] = frozenset()  # log parts that could not be indexed
        self.receipts = FirstReceipts(self.tail, self.signing, self._confirm, self.locator)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back files, threads and connections."""
        self._room.close()
        self.readable.close()
        self.tail.close()
        for site in self.sites.values():
            site.close()

    def catch_up(self, *, settle: bool = False) -> FoldReport:
        """Fold what every site holds, before something is decided or written that depends on it.

        Where degraded receipts are possible, with those sites that are there. ``settle``: complete, at every
        site, batches that a crash left at some of them.

        Raises SiteUnavailable, KeyUnavailable.
        """
        segments = self.catch_up_segments()
        indexed = self.index.catch_up()
        folded = self.policy.reaching(
            self.sites, lambda sites: self._fold(sites, frozenset(indexed.unreadable), settle=settle)
        )
        return merge_reports(segments, indexed, folded)

    def refresh(self, *, whole: bool = False) -> FoldReport:
        """Fold, for readers, what those sites hold that answer within seconds, whatever the policy.

        What is folded without a site is confirmed before anything is signed about it (``FirstReceipts``).
        Raises KeyUnavailable, SiteUnavailable (no site answers; ``whole``: one of those waited for does not).
        """
        away = self.readable.away()
        there = {name: self.readable[name] for name in self.sites if name not in away}
        if not there:
            raise next(iter(away.values()))
        segments = self._fold_segments(there)
        indexed = self.index.catch_up()
        if whole and away and not self.policy.may_degrade():
            raise next(iter(away.values()))
        folded = self._fold(there, frozenset(indexed.unreadable), settle=False)
        return merge_reports(segments, indexed, folded)

    def follow(self, *, own: str) -> FoldReport:
        """Fold what writers other than ``own`` committed lately, at the sites that answer soon.

        Raises SiteUnavailable (none does), KeyUnavailable.
        """
        partial = self.policy.may_degrade()
        waited = self.lead.superseded  # by an earlier fold: what was acknowledged before is folded now
        report, reached = self.readable.reaching(
            lambda sites: follow(
                sites, self.tail, self.parquet, own=own, now=self.clock.now(), partial=partial
            )
        )
        self._failovers.learn()
        if waited:
            self._failovers.rejoin(own, reached)
        return report

    def catch_up_segments(self) -> FoldReport:
        """Bring the catalogue level with what any site lists. Raises SiteUnavailable: none can be listed."""
        return self._fold_segments(self.readable.there())

    def entry_id_at(self, position: bytes) -> str:
        """The archive's id of the entry at a position. Raises as ``Search.at`` does."""
        return str(self.search.at(position)["id"])

    def original(self, item: Item) -> bytes:
        """The exact bytes of a search item. Raises as ``Originals.read`` does."""
        return self._room.originals.read(item)

    def _confirm(self, batch: KnownBatch) -> tuple[Placement, ...]:
        """Copies of a batch without a commit record: where the fold saw them. A reader mends nothing."""
        return batch.placements

    def _fold_segments(self, sites: dict[str, Site]) -> FoldReport:
        return fold_segments(sites, self.catalogue, self.signing.public, archive=self.settings.archive)

    def _fold(self, sites: dict[str, Site], spoiled: frozenset[str], *, settle: bool) -> FoldReport:
        self.tail.recheck(self.claims.repeated)
        away, partial = tuple(name for name in self.sites if name not in sites), self.policy.may_degrade()
        report = fold_batches(
            sites,
            self.tail,
            self.parquet,
            settle=settle,
            # Batches of a segment that nobody can read are the better copy, as long as they last.
            is_compacted=lambda key: self.catalogue.finds(key, spoiled),
            repeated=self.claims.repeated,
            from_start=bool(spoiled - self._spoiled),
            partial=partial,
            some_away=bool(away),
        )
        self._spoiled = spoiled
        self._failovers.learn()
        if self.policy.may_degrade() and not partial:
            # A promotion came with it: what its leader alone holds counts, too.
            return self._fold(sites, spoiled, settle=settle)
        self.conflict_record.learn()
        return replace(report, away=away)
