"""One archive as a program holds it: settings, keys, sites, hot tail and search, put together.

Reading needs nothing more. Writing needs ``open_intake``, of which a home has at most one at a time
in each process.
"""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Self

from vanvault.archiver.appliance.home import INDEX_WORK, KEYS_FOLDER, hot_tail_of
from vanvault.archiver.appliance.search_room import open_search_room
from vanvault.archiver.catalogue import (
    FirstReceipts,
    FoldReport,
    HotTail,
    Item,
    KnownBatch,
    SearchKeys,
    SearchRoom,
    fold_batches,
    fold_segments,
    follow,
    merge_reports,
    search_secrets,
)
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.model import Commit, EventDraft, Placement
from vanvault.archiver.core.names import BatchKind
from vanvault.archiver.core.ports import (
    Clock,
    ClockStopwatch,
    Entropy,
    Ports,
    Stopwatch,
    SystemClock,
    SystemEntropy,
    SystemStopwatch,
)
from vanvault.archiver.core.retention import profile, retain_until, rounded_up, with_years
from vanvault.archiver.core.settings import SITE_NAMES, Settings, load_settings
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.intake import (
    Archived,
    ChainSteps,
    CommittedBatch,
    Fault,
    Hooks,
    Intake,
    TrustChecks,
    Writer,
    WriterParts,
    no_fault,
    system_event,
)
from vanvault.archiver.journal import ConflictRecord, FailoverListener, Trust, TrustRules
from vanvault.archiver.keys import ParquetKeys, SigningKeys, open_masters
from vanvault.archiver.people import Gateways
from vanvault.archiver.replicas import (
    AckPolicy,
    HealthBoard,
    LeadershipState,
    Readable,
    SteadyClock,
    place_everywhere,
    place_whole,
)
from vanvault.archiver.stores import S3Url, Site, open_site, parse_site_url
from vanvault.archiver.stores import no_fault as no_store_fault


class Archive:
    """An open home. Close it when done."""

    def __init__(
        self,
        home: Path,
        *,
        clock: Clock | None = None,
        stopwatch: Stopwatch | None = None,
        entropy: Entropy | None = None,
        fault: Fault = no_fault,
        store_fault: Fault = no_store_fault,
    ) -> None:
        """Open keys, sites and hot tail; touches no network beyond the sites.

        Raises SettingsError, KeyUnavailable. A site that is away does not stop this: its use does.
        """
        self.home = home
        self.stopwatch = stopwatch or (ClockStopwatch(clock) if clock else SystemStopwatch())
        self.clock = SteadyClock(clock or SystemClock(), self.stopwatch)
        self.entropy: Entropy = entropy or SystemEntropy()
        self._fault = fault
        self.settings: Settings = load_settings(home)
        self.profile = with_years(
            profile(self.settings.retention.profile), originals=self.settings.retention.originals_years
        )
        self.gateways = Gateways(home)
        self.keys = open_masters(
            home, home / KEYS_FOLDER, self.settings.keys, self.settings.archive, self.entropy
        )
        self.signing = SigningKeys(home / KEYS_FOLDER)
        self.parquet = ParquetKeys(self.keys)
        self.sites: dict[str, Site] = {
            name: open_site(
                name,
                getattr(self.settings.sites, name).url,
                home=home,
                archive=self.settings.archive,
                clock=self.clock.host,
                immutable=getattr(self.settings.sites, name).immutable,
                fault=store_fault,
                s3=getattr(self.settings.sites, name).s3.options(),
            )
            for name in SITE_NAMES
        }
        secrets = search_secrets(self.keys)
        self.tail = HotTail(
            hot_tail_of(home, secrets.key_id), secrets, self.entropy, archive=self.settings.archive
        )
        self.health = HealthBoard(
            SITE_NAMES, clock=self.clock, stopwatch=self.stopwatch, rules=self.settings.health.rules()
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
        self._room = self._open_search(secrets.cursors)
        self.search = self._room.search
        self.histograms = self._room.histograms
        self._failovers = FailoverListener(self.lead, self.health, self.tail, self.search)
        self.catalogue = self._room.catalogue
        self.claims = self._room.claims
        self.index = self._room.index
        self.locator = self._room.locator
        self.conflict_record = ConflictRecord(self.tail, self.catalogue, self.search)
        self._spoiled: frozenset[str] = frozenset()  # log parts that could not be indexed
        self.receipts = FirstReceipts(self.tail, self.signing, self._confirm, self.locator)
        self.trust = Trust(
            sites=self.readable,
            search=self.search,
            tail=self.tail,
            signing=self.signing,
            clock=self.clock,
            rules=TrustRules(
                probed=self._to_be_probed(),
                policy=self.settings.probe.policy(),
                max_skew=timedelta(seconds=self.settings.clock.max_skew_s),
            ),
        )

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
        """Bring catalogue and hot tail level with the sites. Raises SiteUnavailable, KeyUnavailable.

        Where degraded receipts are possible, with those sites that are there.
        """
        segments = self.catch_up_segments()
        indexed = self.index.catch_up()
        folded = self.policy.reaching(
            self.sites, lambda sites: self._fold(sites, frozenset(indexed.unreadable), settle=settle)
        )
        return merge_reports(segments, indexed, folded)

    def look(self, *, whole: bool = False) -> FoldReport:
        """Fold, for reading, what those sites hold that answer within seconds, whatever the policy.

        What is folded without a site is confirmed before anything is signed about it (``receipts.py``).
        Raises KeyUnavailable, SiteUnavailable (no site answers; ``whole``: one of those waited for does not).
        """
        away = self.readable.away()
        there = {name: self.readable[name] for name in self.sites if name not in away}
        if not there:
            raise next(iter(away.values()))
        segments = fold_segments(there, self.catalogue, self.signing.public, archive=self.settings.archive)
        indexed = self.index.catch_up()
        if whole and away and not self.policy.may_degrade():
            raise next(iter(away.values()))
        folded = self._fold(there, frozenset(indexed.unreadable), settle=False)
        return merge_reports(segments, indexed, folded)

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

    def follow(self, *, own: str) -> FoldReport:
        """Fold what writers other than ``own`` committed lately, at the sites that answer soon.

        Raises SiteUnavailable (none does), KeyUnavailable.
        """
        partial = self.policy.may_degrade()
        waited = self.lead.superseded  # by an earlier look: what was acknowledged before is folded now
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
        there = self.readable.there()
        return fold_segments(there, self.catalogue, self.signing.public, archive=self.settings.archive)

    def entry_id_at(self, position: bytes) -> str:
        """The archive's id of the entry at a position. Raises as ``Search.at`` does."""
        return str(self.search.at(position)["id"])

    def original(self, item: Item) -> bytes:
        """The exact bytes of a search item. Raises as ``Originals.read`` does."""
        return self._room.originals.read(item)

    def _open_search(self, cursor_key: bytes) -> SearchRoom:
        return open_search_room(
            self.settings,
            self.home,
            work=self.home / INDEX_WORK,
            tail=self.tail,
            sites=self.readable,
            keys=SearchKeys(self.keys, self.parquet, cursor_key),
            ports=Ports(self.clock, self.stopwatch, self.entropy),
        )

    def _confirm(self, batch: KnownBatch) -> tuple[Placement, ...]:
        """Copies of a batch without a commit record, each right and locked now; mended where one was not."""
        until = parse_rfc3339(batch.header.retain_until)
        found = self.policy.reaching(self.sites, lambda sites: place_everywhere(sites, batch.key, until))
        self.tail.correct(batch.key, found)
        return found

    def batch_until(self, kind: BatchKind, start: datetime) -> datetime:
        """The first lock of a batch: short, as a segment or the keeper takes over long before its end."""
        short = self.settings.compaction.lock_pace().lock
        return min(self.retain_until(kind, start), rounded_up(start + short))

    def upgrade(self, key: str) -> Commit:
        """See that every site holds a degraded batch and its large objects; then its receipts say so.

        Returns the commit record for a writer to put on record. Raises SiteUnavailable, Damaged, NotFound,
        KeyUnavailable.
        """
        header = self.tail.batch_of(key).header
        until = parse_rfc3339(header.retain_until)
        return self.receipts.upgrade(key, place_whole(self.sites, key, until, header.large))

    def retain_until(self, kind: BatchKind, start: datetime) -> datetime:
        """How long entries that came at ``start`` are kept: the lock of segments and large objects."""
        return retain_until(self.profile.originals if kind == "messages" else self.profile.log, start)

    def record(self, type: str, detail: dict[str, object]) -> None:
        """Archive one log line of VanVault itself, through a short-lived writer.

        It goes to sites that are not (yet) trusted too, because it may be what says so.
        Raises SiteUnavailable, KeyUnavailable.
        """
        writer, opened = self.open_writer(trusted=False)
        try:
            event = self.system_event(type, detail)
            last = writer.commit([event], final=True, degraded=self.policy.may_degrade())
            self.tail.apply([batch.folded for batch in (*opened, *last)])
        finally:
            writer.close()

    def open_writer(self, *, trusted: bool = True) -> tuple[Writer, list[CommittedBatch]]:
        """Recover what a crash left, then open a new chain. Raises SiteUnavailable, KeyUnavailable.

        Clocks must agree. ``trusted``, for intake: sites must have been probed, too, and this process writes
        in the newest epoch from now on. Any other writer leaves one that is superseded as it is.
        """
        self.tail.ensure_sound()  # a broken one would answer retries wrongly, or not at all
        self._look_first()
        away = self.catch_up(settle=True).away
        leadership = self.lead.leadership
        self.lead.check_reached(away)
        self.trust.check_clocks()
        if trusted:
            self.trust.check_probes()
            self.lead.rejoin()
        writer = Writer(
            WriterParts(self.sites, self.parquet, self.signing, self.clock, self.entropy),
            archive=self.settings.archive,
            retention=self.batch_until,
            compression_level=self.settings.intake.compression_level,
            last_us=self.tail.last_received_us(),
            policy=self.policy,
            fault=self._fault,
        )
        try:
            unrecorded = [self.receipts.commit_of(batch.n) for batch in self.tail.uncommitted()]
            detail: dict[str, object] = {"host": socket.gethostname(), "writer": writer.id}
            if leadership.epoch:
                detail["epoch"] = leadership.epoch
            event = self.system_event("writer.opened", detail)
            heads = self.tail.unrecorded_heads()
            degraded = self.policy.may_degrade()
            return writer, writer.open(event, heads=heads, unrecorded=unrecorded, degraded=degraded)
        except BaseException:
            writer.close()
            raise

    def open_intake(self, hooks: Hooks | None = None) -> Intake:
        """This node's intake; somebody must run its tasks."""
        return Intake(
            Archived(self.tail, self.claims, self.receipts),
            ChainSteps(
                open_writer=self.open_writer,
                before_commit=self._before_commit,
                closing_event=partial(self.system_event, "writer.closed", {}),
            ),
            TrustChecks(
                catch_up=partial(self.look, whole=True),
                check=self.trust.check,
                every_s=self.settings.clock.check_interval_s,
            ),
            policy=self.policy,
            limits=self.settings.intake.pool_limits(),
            hooks=replace(hooks or Hooks(), fault=self._fault),
        )

    def _look_first(self) -> None:
        """Fold for readers while a site is away; also to learn of a promotion. Raises SiteUnavailable."""
        away = self.readable.away()
        if away:
            self.look()
            if not self.policy.may_degrade():
                raise next(iter(away.values()))

    def _before_commit(self) -> None:
        self.lead.check()
        self.trust.check_step()

    def endpoint(self, site: str) -> str:
        """Where a site is, as probes name it. Raises InvalidInput (no such site)."""
        if site not in SITE_NAMES:
            raise InvalidInput(f"there is no site {site[:40]!r}", field="site", hint="primary or standby")
        return str(getattr(self.settings.sites, site).url)

    def _to_be_probed(self) -> dict[str, str]:
        every = self.settings.probe.file_sites
        urls = {name: self.endpoint(name) for name in SITE_NAMES}
        return {name: url for name, url in urls.items() if every or isinstance(parse_site_url(url), S3Url)}

    def system_event(self, type: str, detail: dict[str, object]) -> EventDraft:
        """A log line of VanVault itself, as of now."""
        return system_event(type, detail, now=self.clock.now(), nonce=self.entropy.token(8).hex())
