"""An archive that answers questions: search, receipts and originals, and the fold that keeps them level.

It puts nothing at a site. A program that also writes uses ``Archive``, which is this and more; a drill uses
it over sites that cannot be written to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Self

from vanvault.archiver.appliance.components import Components
from vanvault.archiver.appliance.kept_sites import kept_sites
from vanvault.archiver.appliance.places import INDEX_WORK, hot_tail_of
from vanvault.archiver.catalogue import (
    FirstReceipts,
    FoldReport,
    HotTail,
    IndexStorage,
    Item,
    KnownBatch,
    SearchRoom,
    SiteFold,
)
from vanvault.archiver.core.errors import SiteFaulty, SiteUnavailable
from vanvault.archiver.core.model import Placement
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import ClockRecord, ConflictRecord, FailoverListener
from vanvault.archiver.keys import ObjectSigner
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.replicas import AckPolicy, HealthBoard, LeadershipState, Readable, SteadyClock
from vanvault.archiver.stores import Site

#: Seconds of indexing from segments before a question is answered; what is not indexed then is ``unread``.
_FIRST_S = 20.0


class ArchiveReader:
    """Close it when done. Many threads may ask it; one at a time may fold."""

    def __init__(self, components: Components) -> None:
        """Open hot tail and search over ``components``; they belong to it from now on.

        Raises KeyUnavailable (the index key), InvalidInput (URL of the index), SettingsError (its
        credentials, its folder).
        """
        self.components = components
        self.home, self.settings = components.home, components.settings
        self.stopwatch, self.entropy = components.ports.stopwatch, components.ports.entropy
        self.clock = SteadyClock(components.ports.clock, self.stopwatch)
        self.keys, self.signing = components.keys, components.signing
        self.object_trust = components.object_trust
        self.object_signer = ObjectSigner(self.signing, self.object_trust)
        self.gateways = components.gateways
        self.sites = components.sites
        self.rules, self.quarantine = components.rules, components.quarantine
        self.parquet = ParquetKeys(self.keys, self.object_trust)
        self.tail = HotTail.open(
            partial(hot_tail_of, self.home), self.keys, self.entropy, archive=self.settings.archive
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
        index = self.settings.index
        self._room = SearchRoom.open(
            self.tail,
            self.readable,
            self.parquet,
            IndexStorage.open(
                index.url,
                home=self.home,
                folder=self.home / INDEX_WORK,
                options=index.s3.options(),
                kept=kept_sites(components),
            ),
            Ports(self.clock, self.stopwatch, self.entropy),
            self.settings.search.limits(),
        )
        self.search, self.histograms = self._room.search, self._room.histograms
        self.catalogue, self.index = self._room.catalogue, self._room.index
        self.claims, self.locator = self._room.claims, self._room.locator
        self.columns = self._room.columns
        self._fold = SiteFold(
            self.settings.archive,
            self.tail,
            self.catalogue,
            self.parquet,
            public_key=self.signing.public,
            repeated=self.claims.repeated,
            longest=self.rules.locks.longest,
        )
        self._failovers = FailoverListener(self.lead, self.health, self.tail, self.search)
        self.conflict_record = ConflictRecord(self.tail, self.catalogue, self.search)
        self.clock_record = ClockRecord(self.tail, self.catalogue, self.search)
        self._spoiled: frozenset[str] = frozenset()  # log parts that could not be indexed
        self._folded = False
        self.receipts = FirstReceipts(self.tail, self.signing, self._confirm, self.locator)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close files, threads and connections."""
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
        if not self._folded:
            self.tail.ensure_sound(looked_at=True)  # what is decided now, and rows of this file, go together
        self._follow_trust()
        mark = self.tail.refolding_mark()
        segments = self.catch_up_segments()
        reports = [segments]
        within_s: float | None = _FIRST_S
        while True:
            # What is not compacted is found while the rest of the index is made.
            indexed = self.index.catch_up(within_s=within_s)
            spoiled = frozenset(indexed.unreadable)
            reports += [indexed, self._fold_everywhere(spoiled, settle=settle)]
            self._complete(mark)
            if within_s is None or not set(self.index.wanting()) - spoiled:
                return FoldReport.of(*reports)
            within_s = None

    def _fold_everywhere(self, spoiled: frozenset[str], *, settle: bool) -> FoldReport:
        return self.policy.reaching(
            self.sites, lambda sites: self._fold_batches(sites, spoiled, settle=settle)
        )

    def refresh(self, *, whole: bool = False) -> FoldReport:
        """Fold, for readers, what those sites hold that answer within seconds, whatever the policy.

        What is folded without a site is confirmed before an ``Archive`` signs anything about it.
        Raises KeyUnavailable, SiteUnavailable (no site answers; ``whole``: one of those waited for does not).
        """
        away = self.readable.away()
        there = {name: self.readable[name] for name in self.sites if name not in away}
        if not there:
            raise next(iter(away.values()))
        self._follow_trust()
        mark = self.tail.refolding_mark()
        segments = self._segments(there)
        indexed = self.index.catch_up(within_s=_FIRST_S)
        while True:
            if whole and away and not self.policy.may_degrade():
                raise next(iter(away.values()))
            try:
                folded = self._fold_batches(there, frozenset(indexed.unreadable), settle=False)
                break
            except SiteUnavailable as error:
                if error.site not in there or len(there) == 1:
                    raise
                if isinstance(error, SiteFaulty):
                    self.health.saw(error.site, "look", error)
                away[error.site] = error
                there = {name: site for name, site in there.items() if name != error.site}
        self._complete(mark)
        return FoldReport.of(segments, indexed, folded)

    @property
    def behind(self) -> str:
        """Why much may be missing from what is found: no fold is complete since the start; "" when one is."""
        if not self._folded:
            return "this node has not looked at its sites since it started"
        return "its hot tail is being filled again" if self.tail.is_refolding else ""

    def unfolded(self) -> tuple[int, int]:
        """When the entries that it lacks while it is ``behind`` were received, in microseconds since 1970."""
        return self._fold.unfolded(to_us(self.clock.now()))

    def follow(self, *, own: str) -> FoldReport:
        """Fold what writers other than ``own`` committed lately, at the sites that answer soon.

        Raises SiteUnavailable (none does), KeyUnavailable.
        """
        if self._follow_trust():
            return self.refresh()
        may_degrade = self.policy.may_degrade()
        waited = self.lead.superseded  # by an earlier fold: what was acknowledged before is folded now
        report, reached = self.readable.reaching(
            lambda sites: self._fold.follow(sites, own=own, now=self.clock.now(), partial=may_degrade)
        )
        self._failovers.learn()
        self.clock_record.learn()
        if waited:
            self._failovers.rejoin(own, reached)
        return report

    def catch_up_segments(self) -> FoldReport:
        """Bring the catalogue level with what any site lists. Raises SiteUnavailable: none can be listed."""
        return self._segments(self.readable.there())

    def entry_id_at(self, position: bytes) -> str:
        """The archive's id of the entry at a position. Raises as ``Search.at`` does."""
        return str(self.search.at(position)["id"])

    def original(self, item: Item) -> bytes:
        """The exact bytes of a search item. Raises as ``Originals.read`` does."""
        return self._room.originals.read(item)

    def _complete(self, mark: str) -> None:
        self.tail.refolded(mark)
        self._folded = True

    def _follow_trust(self) -> bool:
        """Forget what is believed no more after a change of trust in keys; True: fold everything anew."""
        self.object_trust.look()
        trust = self.signing.trust()
        accepted = sum(len(one.accepted) for one in trust.revoked.values())
        state = (trust.last, str(accepted), ",".join(sorted(trust.keys)))
        changed = self.tail.follow_trust(state, lambda key: self.object_trust.judge(key).reason is None)
        return changed or self.tail.is_refolding

    def _confirm(self, batch: KnownBatch) -> tuple[Placement, ...]:
        """Copies of a batch without a commit record: where the fold saw them. A reader repairs nothing."""
        return batch.placements

    def _segments(self, sites: Mapping[str, Site]) -> FoldReport:
        report = self._fold.segments(sites, now=self.clock.now())
        for name, error in self._fold.faulty.items():
            self.health.saw(name, "look", error)
        return report

    def _fold_batches(self, sites: dict[str, Site], spoiled: frozenset[str], *, settle: bool) -> FoldReport:
        away, may_degrade = tuple(name for name in self.sites if name not in sites), self.policy.may_degrade()
        report = self._fold.batches(
            sites,
            settle=settle,
            spoiled=spoiled,
            from_start=bool(spoiled - self._spoiled),
            now=self.clock.now,
            partial=may_degrade,
            some_away=bool(away),
        )
        self._spoiled = spoiled
        for name in sites:
            if name not in self._fold.faulty:  # it was listed to its end, in order
                self.health.unbar(name, "listing")
        self._failovers.learn()
        if self.policy.may_degrade() and not may_degrade:
            # A promotion came with it: what its leader alone holds counts, too.
            return self._fold_batches(sites, spoiled, settle=settle)
        if self.clock_record.learn():
            # What was written since a clock was right again may lie before all that the listing showed.
            return self._fold_batches(sites, spoiled, settle=settle)
        self.conflict_record.learn()
        return replace(report, away=away)
