"""One archive as a program holds it: settings, keys, sites, hot tail and search, put together.

Reading needs nothing more. Writing needs ``open_intake``, of which a home has at most one at a time
in each process.
"""

from __future__ import annotations

import socket
import tomllib
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Self

from vanvault.archiver.access.gateways import Gateways
from vanvault.archiver.errors import InvalidInput, SettingsError, SiteUnavailable
from vanvault.archiver.format.names import BatchKind
from vanvault.archiver.intake.drafts import EventDraft
from vanvault.archiver.intake.intake import Intake, Release, release_here
from vanvault.archiver.intake.pool import PoolLimits
from vanvault.archiver.intake.receive import system_event
from vanvault.archiver.intake.writer import CommittedBatch, Fault, Writer, no_fault
from vanvault.archiver.keys.files import KeyFiles
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.keys.signing import SigningKeys
from vanvault.archiver.model.batch import Commit, Placement
from vanvault.archiver.model.times import parse_rfc3339
from vanvault.archiver.ports import (
    Clock,
    ClockStopwatch,
    Entropy,
    Stopwatch,
    SystemClock,
    SystemEntropy,
    SystemStopwatch,
)
from vanvault.archiver.probe.record import ProbePolicy
from vanvault.archiver.retention.profiles import profile, retain_until, with_years
from vanvault.archiver.search.fold import FoldReport, catch_up
from vanvault.archiver.search.folded import KnownBatch
from vanvault.archiver.search.hot_tail import HotTail
from vanvault.archiver.search.receipts import FirstReceipts
from vanvault.archiver.search.search import Search
from vanvault.archiver.search.secrets import search_secrets
from vanvault.archiver.settings import FILE_NAME, SITE_NAMES, Settings, initial_text, load_settings
from vanvault.archiver.sites.health_board import HealthBoard
from vanvault.archiver.sites.placing import place_everywhere, place_whole
from vanvault.archiver.sites.policy import AckPolicy
from vanvault.archiver.sites.trust import Trust
from vanvault.archiver.store.file_root import no_fault as no_store_fault
from vanvault.archiver.store.file_root import read_manifest
from vanvault.archiver.store.open import create_site, open_site
from vanvault.archiver.store.port import Site
from vanvault.archiver.store.url import FileUrl, S3Url, parse_site_url

KEYS_FOLDER = "keys"
HOT_TAIL = Path("cache") / "hot-tail.sqlite"  # with the index key in its name: hot_tail_of


def init_home(
    home: Path,
    *,
    primary: str = "file:sites/primary",
    standby: str = "file:sites/standby",
    gateway: str = "gateway-1",
    clock: Clock | None = None,
    entropy: Entropy | None = None,
) -> str:
    """Make a home: keys, two sites, settings, a first gateway. Returns the gateway's token.

    The settings file is written last, so a home that has one is complete; an attempt that failed
    may be repeated. Raises SettingsError (exists already, folder not writable), InvalidInput (URL).
    """
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    if (home / FILE_NAME).exists():
        raise SettingsError(f"{home} is a VanVault home already; nothing was changed")
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft, archive = _draft(home, primary, standby, entropy)
    except OSError as error:
        raise SettingsError(f"{home} cannot be made: {error.strerror}") from error
    for name, url in zip(SITE_NAMES, (primary, standby), strict=True):
        if not _is_made(name, url, home=home, archive=archive):
            create_site(name, url, home=home, archive=archive, clock=clock)
    if not any((home / KEYS_FOLDER).glob("*.key")):
        KeyFiles.create(home / KEYS_FOLDER, entropy)
    if not any((home / KEYS_FOLDER).glob("signing-*.pem")):
        SigningKeys.create(home / KEYS_FOLDER, entropy)
    gateways = Gateways(home)
    if gateway in gateways.names():
        gateways.remove(gateway)  # of an attempt that failed before anybody saw its token
    token = gateways.add(gateway, entropy, clock)
    draft.rename(home / FILE_NAME)
    return token


def _draft(home: Path, primary: str, standby: str, entropy: Entropy) -> tuple[Path, str]:
    """The settings under a name that no program takes for a home, and the archive's id in them.

    A draft that an attempt with the same sites left is used again, so that its sites fit.
    """
    draft = home / f"{FILE_NAME}.draft"
    try:
        fields = tomllib.loads(draft.read_text(encoding="utf-8"))
        archive = str(fields["archive"])
        if draft.read_text(encoding="utf-8") == initial_text(archive, primary, standby):
            return draft, archive
    except (FileNotFoundError, ValueError, KeyError):
        pass  # the first attempt, or one that died while it wrote the draft
    archive = str(uuid.UUID(bytes=entropy.token(16), version=4))
    draft.write_text(initial_text(archive, primary, standby), encoding="utf-8")
    return draft, archive


def _is_made(name: str, url: str, *, home: Path, archive: str) -> bool:
    """Did an earlier attempt at the same home make this file site?"""
    place = parse_site_url(url)
    if not isinstance(place, FileUrl):
        return False
    try:
        manifest = read_manifest(home / place.path)
    except SiteUnavailable:
        return False
    return (manifest.site, manifest.archive) == (name, archive)


def hot_tail_of(home: Path, key_id: str) -> Path:
    """The hot tail under one index key: a rotation makes another file and leaves a running node its own."""
    return home / HOT_TAIL.with_stem(f"{HOT_TAIL.stem}-{key_id.replace('/', '-')}")


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
        self.clock: Clock = clock or SystemClock()
        self.entropy: Entropy = entropy or SystemEntropy()
        self._fault = fault
        self.settings: Settings = load_settings(home)
        self.profile = with_years(
            profile(self.settings.retention.profile), originals=self.settings.retention.originals_years
        )
        self.gateways = Gateways(home)
        self.keys = KeyFiles(home / KEYS_FOLDER, self.entropy)
        self.signing = SigningKeys(home / KEYS_FOLDER)
        self.parquet = ParquetKeys(self.keys)
        self.sites: dict[str, Site] = {
            name: open_site(
                name,
                getattr(self.settings.sites, name).url,
                home=home,
                archive=self.settings.archive,
                clock=self.clock,
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
        stopwatch = stopwatch or (ClockStopwatch(clock) if clock else SystemStopwatch())
        self.health = HealthBoard(
            SITE_NAMES, clock=self.clock, stopwatch=stopwatch, rules=self.settings.health.rules()
        )
        self.policy = AckPolicy(
            self.settings.sites.policy,
            fall_back=self.settings.sites.fall_back,
            gateways=self.gateways,
            health=self.health,
        )
        self.search = Search(self.tail, secrets.cursors)
        self.receipts = FirstReceipts(self.tail, self.signing, self._confirm)
        self.trust = Trust(
            sites=self.sites,
            probed=self._to_be_probed(),
            search=self.search,
            tail=self.tail,
            signing=self.signing,
            clock=self.clock,
            stopwatch=stopwatch,
            policy=ProbePolicy(
                max_age=timedelta(days=self.settings.probe.max_age_days),
                accept_weak=self.settings.probe.accept_weak,
            ),
            max_skew=timedelta(seconds=self.settings.clock.max_skew_s),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back files and connections."""
        self.tail.close()
        for site in self.sites.values():
            site.close()

    def catch_up(self, *, settle: bool = False) -> FoldReport:
        """Bring the hot tail level with the sites. Raises SiteUnavailable, KeyUnavailable.

        Where degraded receipts are possible, with those sites that are there.
        """
        partial = self.policy.may_degrade()

        def fold(sites: dict[str, Site]) -> FoldReport:
            away = tuple(name for name in self.sites if name not in sites)
            report = catch_up(
                sites, self.tail, self.parquet, settle=settle, partial=partial, some_away=bool(away)
            )
            return replace(report, away=away)

        return self.policy.reaching(self.sites, fold)

    def _confirm(self, batch: KnownBatch) -> tuple[Placement, ...]:
        """Copies of a batch without a commit record, each right and locked now; mended where one was not."""
        until = parse_rfc3339(batch.header.retain_until)
        found = self.policy.reaching(self.sites, lambda sites: place_everywhere(sites, batch.key, until))
        self.tail.correct(batch.key, found)
        return found

    def upgrade(self, key: str) -> Commit:
        """See that every site holds a degraded batch and its large objects; then its receipts say so.

        Returns the commit record for a writer to put on record. Raises SiteUnavailable, Damaged, NotFound,
        KeyUnavailable.
        """
        header = self.tail.batch_of(key).header
        until = parse_rfc3339(header.retain_until)
        return self.receipts.upgrade(key, place_whole(self.sites, key, until, header.large))

    def retain_until(self, kind: BatchKind, start: datetime) -> datetime:
        """The lock of a batch of this kind whose youngest row came at ``start``."""
        return retain_until(self.profile.originals if kind == "messages" else self.profile.log, start)

    def check_trust(self) -> None:
        """Fold what others wrote, then raise SiteUnavailable when a site or clock must not be trusted."""
        self.catch_up()
        self.trust.check()

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

        Clocks must agree; ``trusted`` asks for sites that were probed, too.
        """
        self.tail.ensure_sound()  # a broken one would answer retries wrongly, or not at all
        self.catch_up(settle=True)
        self.trust.check_clocks()
        if trusted:
            self.trust.check_probes()
        writer = Writer(
            archive=self.settings.archive,
            sites=self.sites,
            keys=self.parquet,
            signing=self.signing,
            retention=self.retain_until,
            clock=self.clock,
            entropy=self.entropy,
            last_us=self.tail.last_received_us(),
            compression_level=self.settings.intake.compression_level,
            fault=self._fault,
            health=self.health,
        )
        try:
            unrecorded = [self.receipts.commit_of(batch.n) for batch in self.tail.uncommitted()]
            event = self.system_event("writer.opened", {"host": socket.gethostname(), "writer": writer.id})
            heads = self.tail.unrecorded_heads()
            degraded = self.policy.may_degrade()
            return writer, writer.open(event, heads=heads, unrecorded=unrecorded, degraded=degraded)
        except BaseException:
            writer.close()
            raise

    def open_intake(self, release: Release = release_here) -> Intake:
        """This node's intake, not yet started."""
        limits = self.settings.intake
        return Intake(
            tail=self.tail,
            receipts=self.receipts,
            open_writer=self.open_writer,
            check=self.check_trust,
            before_commit=self.trust.check_step,
            policy=self.policy,
            health=self.health,
            check_s=self.settings.clock.check_s,
            closing_event=partial(self.system_event, "writer.closed", {}),
            limits=PoolLimits(
                linger_s=limits.linger_ms / 1000,
                group_bytes=limits.group_bytes,
                group_entries=limits.group_entries,
            ),
            release=release,
            fault=self._fault,
        )

    def endpoint(self, site: str) -> str:
        """Where a site is, as probes name it. Raises InvalidInput (no such site)."""
        if site not in SITE_NAMES:
            raise InvalidInput(f"there is no site {site[:40]!r}", field="site", hint="primary or standby")
        url: str = getattr(self.settings.sites, site).url
        return url

    def _to_be_probed(self) -> dict[str, str]:
        every = self.settings.probe.file_sites
        urls = {name: self.endpoint(name) for name in SITE_NAMES}
        return {name: url for name, url in urls.items() if every or isinstance(parse_site_url(url), S3Url)}

    def system_event(self, type: str, detail: dict[str, object]) -> EventDraft:
        """A log line of VanVault itself, as of now."""
        return system_event(type, detail, now=self.clock.now(), nonce=self.entropy.token(8).hex())
