"""The sections of ``vanvault.toml``; every name is explained in docs/settings.md.

Names end in their unit: ``_ms``, ``_s``, ``_hours``, ``_days``, ``_years``, ``_bytes``. A number without a
unit is a count. Old names still work: ``renamed.py``. What a room takes as a whole has its defaults in
``core/options.py``, and a method here builds it.
"""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_network
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from vanvault.archiver.core.asked_times import VIETNAM_ZONE, CalendarZone
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.options import (
    FileOptions,
    HealthRules,
    LockPace,
    PoolLimits,
    ProbePolicy,
    ReconcilePace,
    S3Options,
    ScanLimits,
    SearchLimits,
    SegmentLimits,
)
from vanvault.archiver.core.settings.countries import COUNTRIES

_S3 = S3Options()
_FILE = FileOptions()
_HEALTH = HealthRules()
_POOL = PoolLimits()
_SEARCH = SearchLimits()
_SEGMENT = SegmentLimits()
_LOCK = LockPace()
_RECONCILE = ReconcilePace()
_PROBE = ProbePolicy()

_DAY = timedelta(days=1)

# Every number has a greatest value, so that it can be added to any date in use, given to any timer, and
# multiplied without leaving what 64 bits hold.
_MOST_S = 86_400  # of one wait, and between two looks: a day
_MOST_DAYS = 3_660  # an age: ten years
_MOST_YEARS = 200  # a period of retention
_MOST_BYTES = 2**40
_MOST_AT_ONCE = 1_000_000  # connections, requests


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _check_port(address: str | None) -> None:
    """Raises ValueError: the port at the end of an address is none."""
    if address is not None and int(address.rpartition(":")[2]) > 65_535:
        raise ValueError("a port is 0 to 65,535")


class S3Settings(_Section):
    """How to talk to the S3 server of a site. Credentials come from the environment, never from here."""

    region: str = Field(default=_S3.region, description="region name of the bucket")
    addressing: Literal["path", "virtual"] = Field(
        default=_S3.addressing, description="style of bucket addresses"
    )
    ca_file: str | None = Field(default=_S3.ca_file, description="PEM file of the server's own CA")
    pool: int = Field(
        default=_S3.pool, ge=1, le=1024, description="connections kept open for each credential"
    )
    connect_timeout_s: float = Field(
        default=_S3.connect_timeout_s, gt=0, le=_MOST_S, description="seconds to wait for a connection"
    )
    read_timeout_s: float = Field(
        default=_S3.read_timeout_s, gt=0, le=_MOST_S, description="seconds of silence to wait for an answer"
    )
    request_timeout_s: float = Field(
        default=_S3.request_timeout_s,
        gt=0,
        le=_MOST_S,
        description="seconds for a whole request, besides those of its bytes at the least rate",
    )
    least_bytes_per_s: float = Field(
        default=_S3.least_bytes_per_s,
        gt=0,
        le=_MOST_BYTES,
        description="bytes a second; a slower site counts as silent",
    )
    page: int = Field(default=_S3.page, ge=1, le=1000, description="keys of a listing in one answer")
    attempts: int = Field(default=_S3.attempts, ge=1, le=20, description="tries of what is safe to repeat")
    max_single_put_bytes: int = Field(
        default=_S3.max_single_put_bytes,
        ge=5 * 2**20,
        le=_MOST_BYTES,
        description="largest object put in one request",
    )

    def options(self) -> S3Options:
        """For the store; multipart stays off, as no object of the archive is that large."""
        return S3Options(**self.model_dump())


class SiteSettings(_Section):
    """One site."""

    url: str = Field(description="file:PATH (relative to the home) or s3+http(s)://host:port/bucket")
    immutable: bool = Field(
        default=False,
        description="file sites: set the immutable flag on every object (ext4, xfs; needs root)",
    )
    timeout_s: float = Field(
        default=_FILE.timeout_s,
        gt=0,
        le=_MOST_S,
        description="file sites: seconds to wait for an operation, besides those of its bytes",
    )
    index_url: str | None = Field(
        default=None, description="bucket without locks for the site's kept index; none: it keeps no index"
    )
    s3: S3Settings = S3Settings()

    @property
    def index_bucket(self) -> str:
        """URL of the bucket in which the site keeps the index; "": the settings name none."""
        return self.index_url if self.index_url and self.index_url != "none" else ""

    def file_options(self) -> FileOptions:
        """For a file site."""
        return FileOptions(self.timeout_s)


class SitesSettings(_Section):
    """The two sites of an archive."""

    primary: SiteSettings
    standby: SiteSettings
    policy: Literal["all", "any"] = Field(
        default="all", description="which sites must hold an entry before it is acknowledged"
    )
    fall_back: bool = Field(
        default=False, description="under all, acknowledge as under any while a site is out"
    )


class IntakeSettings(_Section):
    """Limits and pace of intake."""

    max_message_bytes: int = Field(default=64 * 2**20, ge=1, le=2**30, description="largest original")
    max_request_bytes: int = Field(default=64 * 2**20, ge=1, le=2**30, description="largest batch request")
    max_request_entries: int = Field(
        default=2_000, ge=1, le=100_000, description="entries of one batch request"
    )
    large_message_bytes: int = Field(
        default=2**20,
        ge=1024,
        le=2**26,
        description="originals of this size and more become their own objects",
    )
    memory_bytes: int = Field(
        default=512 * 2**20,
        ge=2**20,
        le=_MOST_BYTES,
        description="bytes of requests in flight before intake answers 503",
    )
    linger_ms: float = Field(
        default=_POOL.linger_s * 1000, ge=0, le=1000, description="longest wait of an entry for others"
    )
    batch_bytes: int = Field(
        default=_POOL.batch_bytes, ge=2**16, le=2**30, description="originals in one batch object"
    )
    batch_rows: int = Field(
        default=_POOL.batch_rows, ge=1, le=100_000, description="rows in one batch object"
    )
    body_timeout_s: float = Field(
        default=30, gt=0, le=_MOST_S, description="longest silence while a body is received"
    )
    follow_interval_s: float = Field(
        default=0.5, gt=0, le=60, description="seconds between two checks for what other nodes wrote"
    )
    compression_level: int = Field(default=3, ge=1, le=19, description="zstd level of batch objects")

    def pool_limits(self) -> PoolLimits:
        """For the pool of the group commit."""
        return PoolLimits(self.linger_ms / 1000, self.batch_bytes, self.batch_rows)


class HttpSettings(_Section):
    """How long a caller may take, and how many may come."""

    header_timeout_s: float = Field(
        default=10, gt=0, le=300, description="seconds for all headers of a request"
    )
    idle_timeout_s: float = Field(
        default=75, gt=0, le=3600, description="seconds without a request before a connection ends"
    )
    body_limit_s: float = Field(default=300, gt=0, le=86_400, description="longest duration of a body")
    body_bytes_per_s: float = Field(
        default=1024, ge=0, le=_MOST_BYTES, description="least rate of a body, once header_timeout_s is over"
    )
    connections: int = Field(
        default=4096, ge=16, le=60_000, description="connections at once, if open files allow so many"
    )
    address_connections: int = Field(
        default=1024,
        ge=1,
        le=_MOST_AT_ONCE,
        description="connections of one address on which no valid token came",
    )
    proxies: tuple[str, ...] = Field(
        default=(),
        description="networks of the reverse proxies whose X-Forwarded-For is believed",
    )

    @field_validator("proxies")
    @classmethod
    def _networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            ip_network(proxy)  # raises ValueError, which names it
        return proxies


class GatewayLimits(_Section):
    """What one gateway may have at once."""

    connections: int = Field(default=1024, ge=1, le=_MOST_AT_ONCE, description="connections")
    requests: int = Field(default=512, ge=1, le=_MOST_AT_ONCE, description="requests in flight")
    bytes: int | None = Field(
        default=None, ge=2**16, le=_MOST_BYTES, description="bytes in flight; unset: a fair quota"
    )


class LimitsSettings(GatewayLimits):
    """What each gateway may have at once, and what differs for single ones."""

    gateways: dict[str, GatewayLimits] = Field(default={}, description="by gateway, what differs for it")

    def of_gateways(self) -> dict[str, GatewayLimits]:
        """The whole limits of the gateways that have limits of their own."""
        return {
            gateway: self.model_copy(update=own.model_dump(exclude_unset=True))
            for gateway, own in self.gateways.items()
        }


class RetentionSettings(_Section):
    """How long objects are locked."""

    profile: str = Field(default="QD08-2015", description="dated legal profile")
    originals_years: int | None = Field(
        default=None, ge=1, le=_MOST_YEARS, description="other period for originals, in years"
    )
    closing: dict[str, str] = Field(
        default={}, description="by further type of log lines, what it does to a transaction"
    )
    open_too_long: int = Field(
        default=365, ge=1, le=36_500, description="days after which an open transaction is told"
    )
    segments_together: int = Field(
        default=100,
        ge=1,
        le=5_000,
        description="segments whose clocks are read in one pass over the archive; each takes memory",
    )


class DisposalSettings(_Section):
    """What one disposal may take."""

    most_entries: int = Field(
        default=50_000, ge=1, le=_MOST_AT_ONCE, description="entries of one plan; the rest is for the next"
    )


class CompactionSettings(_Section):
    """When batches become segments, and how long they are locked until then."""

    in_serve: bool = Field(default=True, description="a serving node compacts and keeps locks by itself")
    check_interval_s: float = Field(
        default=900,
        gt=0,
        le=_MOST_S,
        description="seconds between two checks of a serving node for days to compact",
    )
    settle_hours: float = Field(
        default=6, ge=0, le=720, description="hours after the end of a day (UTC) until it is compacted"
    )
    segment_bytes: int = Field(
        default=_SEGMENT.raw_bytes, ge=2**20, le=2**30, description="originals and events in one segment"
    )
    segment_rows: int = Field(
        default=_SEGMENT.rows, ge=1_000, le=5_000_000, description="rows in one segment"
    )
    compression_level: int = Field(default=6, ge=1, le=19, description="zstd level of segments")
    batch_lock_days: float = Field(
        default=_LOCK.lock / _DAY,
        ge=7,
        le=3650,
        description="lock of a batch; the lock keeper extends it while it is needed",
    )
    keep_ahead_days: float = Field(
        default=_LOCK.ahead / _DAY,
        ge=1,
        le=_MOST_DAYS,
        description="locks of uncompacted batches are extended this long before their end",
    )
    alarm_days: float = Field(
        default=_LOCK.alarm / _DAY,
        ge=0,
        le=_MOST_DAYS,
        description="an uncompacted batch this close to the end of its lock is an alarm",
    )

    def limits(self) -> SegmentLimits:
        """For the compactor."""
        return SegmentLimits(self.segment_rows, self.segment_bytes)

    def lock_pace(self) -> LockPace:
        """For the lock keeper, and for the first lock of a batch."""
        return LockPace(self.batch_lock_days * _DAY, self.keep_ahead_days * _DAY, self.alarm_days * _DAY)

    @model_validator(mode="after")
    def _in_order(self) -> CompactionSettings:
        if not self.alarm_days < self.keep_ahead_days < self.batch_lock_days:
            raise ValueError("alarm_days must be below keep_ahead_days, and that below batch_lock_days")
        return self


class ClearingSettings(_Section):
    """When a batch that a segment holds is removed, by a process that has a disposer's credentials."""

    scheduled: bool = Field(
        default=False, description="a timer of the host clears each day; a node never does"
    )
    after_days: float = Field(
        default=30, ge=1, le=_MOST_DAYS, description="days after the end of its lock until a batch is removed"
    )
    verified_days: float = Field(
        default=45,
        gt=0,
        le=_MOST_DAYS,
        description="every part of both sites was verified within so many days",
    )
    most_batches: int = Field(
        default=100_000, ge=1, le=10_000_000, description="batches that one run removes at each site"
    )
    batches_per_s: float = Field(
        default=20, gt=0, le=100_000, description="batches that are removed in a second, at most"
    )


class IndexSettings(_Section):
    """Where the ten-year index lies. It can be rebuilt, so it is not locked."""

    url: str = Field(
        default="file:index",
        description="file:PATH (relative to the home) or s3+http(s)://host:port/bucket without Object Lock",
    )
    s3: S3Settings = S3Settings()


class SearchSettings(_Section):
    """What a search may take."""

    scan_rows: int = Field(
        default=_SEARCH.scan.rows,
        ge=10_000,
        le=10**12,
        description="rows that one page reads when no key field is given",
    )
    scan_s: float = Field(default=_SEARCH.scan.seconds, gt=0, le=300, description="seconds of such a page")
    threads: int = Field(
        default=_SEARCH.threads, ge=1, le=64, description="row groups decoded at once for one page"
    )
    cache_bytes: int = Field(
        default=_SEARCH.cache_bytes,
        ge=2**20,
        le=_MOST_BYTES,
        description="decoded rows and index blocks in memory",
    )
    time_zone: str = Field(
        default=VIETNAM_ZONE,
        max_length=40,
        description="whose days are meant by dates without a zone: Asia/Ho_Chi_Minh, UTC or an offset",
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            return CalendarZone.of(value).name
        except InvalidInput as error:
            raise ValueError(f"{error.message}; {error.hint}") from error

    def calendar(self) -> CalendarZone:
        """For dates that are given without a zone."""
        return CalendarZone.of(self.time_zone)

    def limits(self) -> SearchLimits:
        """For searches."""
        return SearchLimits(self.threads, self.cache_bytes, ScanLimits(self.scan_rows, self.scan_s))


class JobsSettings(_Section):
    """Where whole-archive jobs are done."""

    workers: int = Field(
        default=0, ge=0, le=1024, description="processes; 0: one for each CPU, 1: none of their own"
    )
    dask: str | None = Field(
        default=None, description="tls:// address of a Dask scheduler; unset: this machine"
    )
    dask_ca: str | None = Field(
        default=None,
        validate_default=True,
        description="PEM file of the cluster's own CA; whoever has a certificate of it runs code on workers",
    )
    dask_certificate: str | None = Field(
        default=None, validate_default=True, description="PEM file of this node's certificate"
    )
    dask_key: str | None = Field(
        default=None, validate_default=True, description="PEM file of its private key, mode 0600"
    )
    worker_bytes: int = Field(
        default=128 * 2**20,
        ge=2**20,
        le=_MOST_BYTES,
        description="objects that each worker of a verification has in memory",
    )

    @field_validator("dask")
    @classmethod
    def _only_tls(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"tls://[^/\s@]+:[0-9]{1,5}", value):
            raise ValueError(
                "Dask is used over TLS only, since whoever reaches a scheduler without it runs code beside "
                'the master keys; write "tls://HOST:PORT"'
            )
        _check_port(value)
        return value

    @field_validator("dask_ca", "dask_certificate", "dask_key")
    @classmethod
    def _named_for_tls(cls, value: str | None, info: ValidationInfo) -> str | None:
        if not value and info.data.get("dask"):
            raise ValueError("jobs.dask asks for it; write the path of a PEM file")
        return value


class ProbeSettings(_Section):
    """When a site is trusted to lock what it stores."""

    max_age_days: float = Field(
        default=_PROBE.max_age / _DAY,
        gt=0,
        le=_MOST_DAYS,
        description="age at which a probe's result no longer counts",
    )
    accept_weak: bool = Field(
        default=_PROBE.accept_weak, description="trust sites that the probe found weak, but not refused"
    )
    file_sites: bool = Field(default=False, description="ask for a probe of file sites too")

    def policy(self) -> ProbePolicy:
        """For the check before intake opens."""
        return ProbePolicy(self.max_age_days * _DAY, self.accept_weak)


class ClockSettings(_Section):
    """When clocks are too far apart to lock anything."""

    max_skew_s: float = Field(
        default=60, gt=0, le=_MOST_S, description="seconds that host and sites may differ"
    )
    check_interval_s: float = Field(
        default=30, gt=0, le=_MOST_S, description="seconds between two comparisons of the clocks"
    )


class Pkcs11Settings(_Section):
    """The token that holds the master keys. The PIN itself never stands here."""

    module: str | None = Field(default=None, description="path of the token's PKCS#11 library")
    token_label: str | None = Field(default=None, description="label of the token")
    pin_file: str | None = Field(default=None, description="file that holds the user PIN, mode 0600")
    pin_command: str | None = Field(default=None, description="command that prints the user PIN")
    escrowable: bool = Field(
        default=False, description="make masters outside the token and put them in escrow as they are made"
    )


class KeysSettings(_Section):
    """Where the master keys are."""

    provider: Literal["files", "pkcs11"] = Field(default="files", description="key files, or a token")
    pkcs11: Pkcs11Settings = Pkcs11Settings()


class VerifySettings(_Section):
    """How much one verification reads, and how long an object may be without one."""

    parts: int = Field(
        default=30, ge=1, le=100_000, description="parts of the archive, of which verify --next reads one"
    )
    max_age_days: float = Field(
        default=90, gt=0, le=_MOST_DAYS, description="age of an object's last verification that is an alarm"
    )


class JobSettings(_Section):
    """What differs from the table of jobs, or all that there is to say about a job of one's own."""

    on: bool | None = Field(default=None, description="off keeps the job from being run by a schedule")
    every: str | None = Field(default=None, description="time between two runs, such as 12h or 7d")
    at: str | None = Field(default=None, description="hour of the first run of a day, such as 02:30 (UTC)")
    spread: str | None = Field(default=None, description="the job starts up to this much later than at")
    deadline: str | None = Field(default=None, description="longest duration; then the run is ended")
    missed: Literal["catch-up", "report"] | None = Field(
        default=None, description="run a missed job late, or wait for its next time"
    )
    commands: tuple[tuple[str, ...], ...] | None = Field(
        default=None, description="verbs with their arguments, one after the other"
    )


class ScheduleSettings(_Section):
    """Jobs that run again and again."""

    in_serve: bool = Field(default=True, description="a serving node starts the jobs that are due")
    check_interval_s: float = Field(
        default=30, gt=0, le=_MOST_S, description="seconds between two checks for jobs that are due"
    )
    jobs: dict[str, JobSettings] = Field(default={}, description="by name, what differs from the table")


class BackupSettings(_Section):
    """The third copy: a restic repository elsewhere. Its credentials come from the environment."""

    repository: str | None = Field(
        default=None, description="path, s3:https://HOST/BUCKET or rest:https://HOST/"
    )
    what: Literal["control", "control+objects"] = Field(
        default="control+objects", description="the control plane alone, or with every object of one site"
    )
    site: Literal["primary", "standby"] = Field(default="standby", description="whose objects are read")
    keys: bool = Field(default=False, description="save the key files themselves, too")
    escrow_bundle: str = Field(
        default="escrow-bundle.vve",
        min_length=1,
        description="bundle of the keys' escrow, saved if it exists",
    )
    password_file: str | None = Field(default=None, description="file with the repository's password")
    password_command: str | None = Field(default=None, description="command that prints the password")
    min_keep_days: int = Field(
        default=30, ge=1, le=_MOST_DAYS, description="no backup younger than this is forgotten"
    )
    max_age_days: float = Field(
        default=2, gt=0, le=_MOST_DAYS, description="age at which the last good run is too old"
    )
    stage: str = Field(default="cache/backup", min_length=1, description="folder for slices on their way")
    stage_bytes: int = Field(default=2**30, ge=4096, le=_MOST_BYTES, description="most bytes of one slice")
    program: str = Field(default="restic", min_length=1, description="restic's name or path")
    country: str | None = Field(
        default=None, description="country in which the repository lies, ISO 3166, such as VN"
    )

    @field_validator("country")
    @classmethod
    def _real_country(cls, value: str | None) -> str | None:
        if value is not None and value not in COUNTRIES:
            raise ValueError("must be a code of ISO 3166, two capital letters, such as VN")
        return value


class MetricsSettings(_Section):
    """Who may read ``/metrics``: nobody, unless one of these is set."""

    public: bool = Field(default=False, description="anybody who reaches the node may read the metrics")
    token_file: str | None = Field(default=None, description="file with the bearer token of the scraper")
    address: str | None = Field(
        default=None,
        pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$",
        description="HOST:PORT of an address of its own for metrics and health",
    )

    @field_validator("address")
    @classmethod
    def _real_port(cls, value: str | None) -> str | None:
        _check_port(value)
        return value

    def own_address(self) -> tuple[str, int] | None:
        """Host and port of ``address``."""
        if self.address is None:
            return None
        host, _, port = self.address.rpartition(":")
        return host.strip("[]"), int(port)


class LogSettings(_Section):
    """The log on stderr."""

    format: Literal["json", "console"] = Field(
        default="console", description="one JSON object a line, or text"
    )
    access: bool = Field(default=True, description="one line for each request")


class AvailabilitySettings(_Section):
    """The availability ledger."""

    heartbeat_interval_s: int = Field(
        default=600, ge=1, le=86_400, description="seconds between two heartbeats that a node puts on record"
    )


class HealthSettings(_Section):
    """When a site is taken out, and when it comes back."""

    failures: int = Field(
        default=_HEALTH.failures, ge=1, le=1000, description="failures after which a site is out"
    )
    successes: int = Field(
        default=_HEALTH.successes, ge=1, le=1000, description="successes in a row before it comes back"
    )
    back_s: float = Field(
        default=_HEALTH.back_s, ge=0, le=_MOST_S, description="seconds of nothing but success before that"
    )
    check_interval_s: float = Field(
        default=2, gt=0, le=_MOST_S, description="seconds between two checks of each site"
    )

    def rules(self) -> HealthRules:
        """For the state machine of a site's health."""
        return HealthRules(self.failures, self.successes, self.back_s)


class ReconcileSettings(_Section):
    """How a node copies to each site what only the other one has."""

    check_interval_s: float = Field(
        default=_RECONCILE.check_interval_s,
        gt=0,
        le=_MOST_S,
        description="seconds between two checks whether a site is known to lack something",
    )
    compare_interval_s: float = Field(
        default=_RECONCILE.compare_interval_s,
        gt=0,
        le=31 * _MOST_S,
        description="seconds between two comparisons of everything at both sites",
    )
    workers: int = Field(
        default=_RECONCILE.workers, ge=1, le=64, description="objects that are copied at once"
    )

    def pace(self) -> ReconcilePace:
        """For the reconciliation of a running node."""
        return ReconcilePace(self.check_interval_s, self.compare_interval_s, self.workers)


class FailoverSettings(_Section):
    """What a promotion and a failback ask for, and what they run."""

    approval: bool = Field(
        default=False, description="a promotion needs a second person's approval on record"
    )
    promote_hook: tuple[str, ...] = Field(default=(), description="command that is run after a promotion")
    failback_hook: tuple[str, ...] = Field(default=(), description="command that is run after a failback")
    hook_timeout_s: float = Field(
        default=30, gt=0, le=3600, description="seconds after which a hook is killed"
    )
