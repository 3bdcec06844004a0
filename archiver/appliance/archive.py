"""One archive as a program holds it: what reads, and what writes, put together over its components.

Reading needs nothing more. Writing needs ``open_intake``, of which a home has at most one at a time
in each process; what writes is imported then, so that a command that only reads starts without it.
"""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from vanvault.archiver.appliance.components import Components, open_components
from vanvault.archiver.appliance.reader import ArchiveReader
from vanvault.archiver.catalogue import KeptLevel, KnownBatch
from vanvault.archiver.core.errors import Busy, Damaged, InvalidInput
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.model import Commit, EventDraft, Placement
from vanvault.archiver.core.names import BatchKind
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.core.retention import retain_until, rounded_up
from vanvault.archiver.core.settings import SITE_NAMES
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.journal import Trust, TrustRules
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.replicas import AckPolicy, place_everywhere
from vanvault.archiver.stores import S3Url, Site, parse_site_url, read_only

if TYPE_CHECKING:
    from vanvault.archiver.intake import CommittedBatch, Hooks, Intake, Writer

_log = Logger("vanvault.archive")
_NO_END_US = 2**62


class Archive(ArchiveReader):
    """An open archive that may be written to. Close it when done."""

    def __init__(self, components: Components) -> None:
        """``Archive.open`` and ``Archive.of`` say where components come from."""
        super().__init__(components)
        self.profile = self.rules.locks.profile
        self.lets_back = True  # a node has a site monitor for that, and a promotion leaves a site out
        self._policy_aside = AckPolicy(
            "any", fall_back=False, gateways=self.gateways, health=self.health, lead=self.lead
        )
        self.trust = Trust(
            sites=self.readable,
            search=self.search,
            tail=self.tail,
            signing=self.signing,
            clock=self.clock,
            judge=self.policy,
            rules=TrustRules(
                probed=self._to_be_probed(),
                policy=self.settings.probe.policy(),
                max_skew=timedelta(seconds=self.settings.clock.max_skew_s),
            ),
        )

    @classmethod
    def of(cls, components: Components) -> Self:
        """The archive over these components, which it closes. Raises KeyUnavailable."""
        return cls(components)

    @classmethod
    def open(
        cls,
        home: Path,
        *,
        ports: Ports | None = None,
        sites: Mapping[str, Site] | None = None,
        fault: Fault = no_fault,
        store_fault: Fault = no_fault,
    ) -> Self:
        """The archive of a home. Arguments and errors: ``open_components``."""
        return cls(open_components(home, ports=ports, sites=sites, fault=fault, store_fault=store_fault))

    def reader(self) -> ArchiveReader:
        """The same archive through sites that cannot be written to; it shares this home's caches.

        To be closed by itself. Raises KeyUnavailable.
        """
        return ArchiveReader(replace(self.components, sites=read_only(self.sites)))

    def batch_until(self, kind: BatchKind, start: datetime) -> datetime:
        """First lock of a batch; short, because its segment or the lock keeper takes over."""
        short = self.settings.compaction.lock_pace().lock
        return min(self.retain_until(kind, start), rounded_up(start + short))

    def upgrade(self, key: str) -> Commit:
        """Copy a degraded batch and its large objects to each site that lacks them; upgrade its receipts.

        Returns the commit record for a writer to put on record. Raises SiteUnavailable, Damaged, NotFound,
        KeyUnavailable.
        """
        header = self.tail.batch_of(key).header
        until = parse_rfc3339(header.retain_until)
        return self.receipts.upgrade(key, self._place(self.sites, key, until, header.large))

    def retain_until(self, kind: BatchKind, start: datetime) -> datetime:
        """How long entries that came at ``start`` are kept: the lock of segments and large objects."""
        return retain_until(self.profile.originals if kind == "messages" else self.profile.log, start)

    def record(self, type: str, detail: dict[str, object]) -> None:
        """Archive one log line of VanVault itself, through a short-lived writer.

        It goes to sites that are not (yet) trusted too, because it may be what says so.
        Raises SiteUnavailable, KeyUnavailable.
        """
        self.record_events(lambda: [self.system_event(type, detail)])

    def record_events(
        self, events: Callable[[], Sequence[EventDraft]], *, accepting_at: int | None = None
    ) -> None:
        """As ``record``, with several lines, which are made once the clocks were found right.

        ``accepting_at``: they accept a clock that was ahead, as of this time (microseconds since 1970).
        """
        writer, opened = self.open_writer(trusted=False, accepting_at=accepting_at)
        try:
            last = writer.commit(list(events()), final=True, degraded=self.policy.may_degrade())
            self.tail.apply([batch.folded for batch in (*opened, *last)])
        finally:
            writer.close()

    def record_aside(self, events: Sequence[EventDraft]) -> None:
        """Archive log lines that must not wait for a site, at the sites that take them: one is enough.

        For looks, sign-ons and what takes a right away: neither the appliance's policy nor a promotion keeps
        them from being recorded, so a chain of its own holds these lines and nothing else: one object, whose
        missing copies reconciliation makes. Safe beside a running intake, from any thread.

        Raises SiteUnavailable (no site took them, or the host's clock is ahead), KeyUnavailable,
        MachineLimit.
        """
        self.trust.check_not_ahead()
        writer = self._new_writer(self._policy_aside, last_us=0)
        try:
            committed = writer.commit(events, final=True, degraded=True)
        finally:
            writer.close()
        try:
            self.tail.apply([batch.folded for batch in committed])
        except (Busy, sqlite3.Error) as error:  # they are on record; a later fold finds them
            _log.warning("the hot tail does not hold the last lines aside yet", reason=str(error))

    def keep_index(self) -> tuple[KeptLevel, ...]:
        """Bring the index files that sites keep level with this node's index; what was done, by site.

        Raises SiteUnavailable (the index store), KeyUnavailable.
        """

        def sign(statement: bytes) -> tuple[str, bytes]:
            key = self.signing.active()
            return key.key_id, key.sign(statement)

        return self.index.keep(sign)

    def open_writer(
        self, *, trusted: bool = True, accepting_at: int | None = None
    ) -> tuple[Writer, list[CommittedBatch]]:
        """Recover what a crash left, then open a new chain. Raises SiteUnavailable, KeyUnavailable.

        Clocks must agree. ``trusted``, for intake: sites must have been probed, too, and this process writes
        in the newest epoch from now on. Any other writer leaves one that is superseded as it is.
        ``accepting_at``: as ``record_events`` takes it; clocks must agree with each other only.
        """
        self.tail.ensure_sound(looked_at=True)  # a broken one would answer retries wrongly, or not at all
        self._refresh_first()
        away = self.catch_up(settle=True).away
        leadership = self.lead.leadership
        self.lead.check_reached(away)
        self.trust.check_clocks(accepting=accepting_at is not None)
        if trusted:
            self.trust.check_probes()
            self.lead.rejoin()
        elif self.lets_back:
            self._let_back()
        last_us = min(self.tail.last_received_us(), accepting_at or _NO_END_US)
        writer = self._new_writer(self.policy, last_us=last_us)
        try:
            unrecorded = [commit for one in self.tail.uncommitted() if (commit := self._commit_of(one))]
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

    def _new_writer(self, policy: AckPolicy, *, last_us: int) -> Writer:
        from vanvault.archiver.intake import Writer, WriterParts

        return Writer(
            WriterParts(self.sites, self.parquet, self.signing, self.object_signer, self.clock, self.entropy),
            archive=self.settings.archive,
            retention=self.batch_until,
            compression_level=self.settings.intake.compression_level,
            last_us=last_us,
            policy=policy,
            fault=self.components.fault,
        )

    def open_intake(self, hooks: Hooks | None = None) -> Intake:
        """This node's intake; somebody must run its tasks."""
        from vanvault.archiver.intake import Archived, ChainSteps, Hooks, Intake, TrustChecks

        return Intake(
            Archived(self.tail, self.claims, self.receipts),
            ChainSteps(
                open_writer=self.open_writer,
                before_commit=self._before_commit,
                closing_event=partial(self.system_event, "writer.closed", {}),
                is_ahead=self._is_ahead,
            ),
            TrustChecks(
                catch_up=partial(self.refresh, whole=True),
                check=self.trust.check,
                every_s=self.settings.clock.check_interval_s,
            ),
            policy=self.policy,
            limits=self.settings.intake.pool_limits(),
            hooks=replace(hooks or Hooks(), fault=self.components.fault),
        )

    def _commit_of(self, batch: KnownBatch) -> Commit | None:
        """None where no site holds the batch whole any more: it is put on record once it was repaired."""
        try:
            return self.receipts.commit_of(batch.n)
        except Damaged as error:
            _log.error("a batch without a commit is whole nowhere", key=batch.key, reason=error.message)
            return None

    def _let_back(self) -> None:
        """Write again to a site that a promotion took out, once it answers: a verb ends too soon."""
        leadership = self.lead.leadership
        other = leadership.other
        if leadership.alone and other in self.health.out() and other not in self.readable.away():
            self.health.saw(other, "put")

    def _refresh_first(self) -> None:
        """Fold for readers while a site is away; also to learn of a promotion. Raises SiteUnavailable."""
        away = self.readable.away()
        if away:
            self.refresh()
            if not self.policy.may_degrade():
                raise next(iter(away.values()))

    def _before_commit(self) -> None:
        self.lead.check()
        self.trust.check_step()

    def _is_ahead(self, writer: Writer) -> bool:
        """Did this writer write under a clock ahead? Its times rise, so no time of now could follow."""
        ahead = timedelta(microseconds=writer.last_us - to_us(self.clock.now()))
        return ahead > timedelta(seconds=self.settings.clock.max_skew_s)

    def endpoint(self, site: str) -> str:
        """Where a site is, as probes name it. Raises InvalidInput (no such site)."""
        if site not in SITE_NAMES:
            raise InvalidInput(f"there is no site {site[:40]!r}", field="site", hint="primary or standby")
        return str(getattr(self.settings.sites, site).url)

    def _place(
        self, sites: Mapping[str, Site], key: str, until: datetime, large: Sequence[Placement] = ()
    ) -> tuple[Placement, ...]:
        return place_everywhere(
            sites, key, until, large, now=self.clock.now, longest=self.rules.locks.longest
        )

    def _to_be_probed(self) -> dict[str, str]:
        every = self.settings.probe.file_sites
        urls = {name: self.endpoint(name) for name in SITE_NAMES}
        return {name: url for name, url in urls.items() if every or isinstance(parse_site_url(url), S3Url)}

    def system_event(self, type: str, detail: dict[str, object]) -> EventDraft:
        """A log line of VanVault itself, as of now."""
        from vanvault.archiver.intake import system_event

        return system_event(type, detail, now=self.clock.now(), nonce=self.entropy.token(8).hex())

    def _confirm(self, batch: KnownBatch) -> tuple[Placement, ...]:
        """Copies of a batch without a commit record, checked and locked; a wrong one is repaired."""
        until = parse_rfc3339(batch.header.retain_until)
        found = self.policy.reaching(self.sites, lambda sites: self._place(sites, batch.key, until))
        self.tail.correct(batch.key, found)
        return found
