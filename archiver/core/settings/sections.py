"""The sections of ``vanvault.toml``; every name is explained in docs/settings.md."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vanvault.archiver.core.health_rules import HealthRules
from vanvault.archiver.core.s3_options import S3Options


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class S3Settings(_Section):
    """How to talk to the S3 server of a site. Credentials come from the environment, never from here."""

    region: str = Field(default="us-east-1", description="region name of the bucket")
    addressing: Literal["path", "virtual"] = Field(default="path", description="style of bucket addresses")
    ca_file: str | None = Field(default=None, description="PEM file of the server's own CA")
    pool: int = Field(default=32, ge=1, le=1024, description="connections kept open for each credential")
    connect_timeout: float = Field(default=3, gt=0, description="seconds to wait for a connection")
    read_timeout: float = Field(default=10, gt=0, description="seconds of silence to wait for an answer")
    page: int = Field(default=1000, ge=1, le=1000, description="lines of a listing in one answer")
    attempts: int = Field(default=3, ge=1, le=20, description="tries of what is safe to repeat")
    max_single_put: int = Field(default=2**30, ge=5 * 2**20, description="largest object put in one request")

    def options(self) -> S3Options:
        """The same as the store takes it, without multipart: no object of the archive is that large."""
        return S3Options(**self.model_dump())


class SiteSettings(_Section):
    """One site."""

    url: str = Field(description="file:PATH (relative to the home) or s3+http(s)://host:port/bucket")
    immutable: bool = Field(
        default=False,
        description="file sites: set the immutable flag on every object (ext4, xfs; needs root)",
    )
    s3: S3Settings = S3Settings()


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
        default=512 * 2**20, ge=2**20, description="bytes of requests in flight before intake answers 503"
    )
    linger_ms: float = Field(default=15, ge=0, le=1000, description="longest wait of an entry for company")
    group_bytes: int = Field(
        default=8 * 2**20, ge=2**16, le=2**30, description="originals in one batch object"
    )
    group_entries: int = Field(default=2_000, ge=1, le=100_000, description="rows in one batch object")
    body_timeout_s: float = Field(default=30, gt=0, description="longest silence while a body is received")
    follow_s: float = Field(
        default=0.5, gt=0, le=60, description="seconds between two looks for what other nodes wrote"
    )
    compression_level: int = Field(default=3, ge=1, le=19, description="zstd level of batch objects")


class RetentionSettings(_Section):
    """How long objects are locked."""

    profile: str = Field(default="QD08-2015", description="dated legal profile")
    originals_years: int | None = Field(default=None, description="other period for originals, in years")


class CompactionSettings(_Section):
    """When batches become segments, and how long they are locked until then."""

    in_serve: bool = Field(default=True, description="a serving node compacts and keeps locks by itself")
    every_s: float = Field(default=900, gt=0, description="seconds between two looks of a serving node")
    settle_hours: float = Field(
        default=6, ge=0, le=720, description="hours after the end of a day (UTC) until it is compacted"
    )
    segment_bytes: int = Field(
        default=128 * 2**20, ge=2**20, le=2**30, description="originals and events in one segment"
    )
    segment_rows: int = Field(default=200_000, ge=1_000, le=5_000_000, description="rows in one segment")
    level: int = Field(default=6, ge=1, le=19, description="zstd level of segments")
    batch_lock_days: float = Field(
        default=45, ge=7, le=3650, description="lock of a batch; the keeper extends it while it is needed"
    )
    keep_ahead_days: float = Field(
        default=20, ge=1, description="locks of uncompacted batches are extended this long before their end"
    )
    alarm_days: float = Field(
        default=10, ge=0, description="an uncompacted batch this close to the end of its lock is an alarm"
    )

    @model_validator(mode="after")
    def _in_order(self) -> CompactionSettings:
        if not self.alarm_days < self.keep_ahead_days < self.batch_lock_days:
            raise ValueError("alarm_days must be below keep_ahead_days, and that below batch_lock_days")
        return self


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
        default=5_000_000, ge=10_000, description="rows that one page looks at when no key field is given"
    )
    scan_seconds: float = Field(default=5, gt=0, le=300, description="seconds of such a page")
    threads: int = Field(default=4, ge=1, le=64, description="row groups decoded at once for one page")
    cache_bytes: int = Field(
        default=192 * 2**20, ge=2**20, description="decoded rows and index blocks in memory"
    )


class JobsSettings(_Section):
    """Where whole-archive jobs are done."""

    workers: int = Field(
        default=0, ge=0, le=1024, description="processes; 0: one for each CPU, 1: none of their own"
    )
    dask: str | None = Field(default=None, description="address of a Dask scheduler; unset: this machine")
    worker_bytes: int = Field(
        default=128 * 2**20, ge=2**20, description="objects that each worker of a verification has in memory"
    )


class ProbeSettings(_Section):
    """When a site is trusted to lock what it stores."""

    max_age_days: float = Field(
        default=8, gt=0, description="age at which a probe's result is no longer taken"
    )
    accept_weak: bool = Field(default=True, description="take sites whose probe found weak, but not refused")
    file_sites: bool = Field(default=False, description="ask for a probe of file sites too")


class ClockSettings(_Section):
    """When clocks are too far apart to lock anything."""

    max_skew_s: float = Field(default=60, gt=0, description="seconds that host and sites may differ")
    check_s: float = Field(default=30, gt=0, description="seconds between two comparisons of the clocks")


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
    """How verification goes round, and how long an object may go without it."""

    shares: int = Field(
        default=30, ge=1, le=100_000, description="parts of the archive, of which verify --next reads one"
    )
    max_age_days: float = Field(
        default=90, gt=0, description="age of an object's last verification that is an alarm"
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
    look_s: float = Field(default=30, gt=0, description="seconds between two looks for jobs that are due")
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
    keep_days_min: int = Field(default=30, ge=1, description="no backup younger than this is forgotten")
    max_age_days: float = Field(default=2, gt=0, description="age at which the last good run is too old")
    stage: str = Field(default="cache/backup", min_length=1, description="folder for slices on their way")
    stage_bytes: int = Field(default=2**30, ge=4096, description="most bytes of one slice")
    program: str = Field(default="restic", min_length=1, description="restic's name or path")


class MetricsSettings(_Section):
    """Who may read ``/metrics`` besides this very host."""

    public: bool = Field(default=False, description="anybody who reaches the node may read the metrics")
    token_file: str | None = Field(default=None, description="file with the bearer token of the scraper")


class LogSettings(_Section):
    """The log on stderr."""

    format: Literal["json", "console"] = Field(
        default="console", description="one JSON object a line, or text"
    )
    access: bool = Field(default=True, description="one line for each request")


class AvailabilitySettings(_Section):
    """The availability ledger."""

    heartbeat_s: int = Field(
        default=600, ge=1, le=86_400, description="seconds between two heartbeats that a node puts on record"
    )


class HealthSettings(_Section):
    """When a site is taken out, and when it comes back."""

    failures: int = Field(default=3, ge=1, le=1000, description="failures after which a site is out")
    successes: int = Field(default=2, ge=1, le=1000, description="successes in a row before it comes back")
    back_s: float = Field(default=3, ge=0, description="seconds of nothing but success before that")
    look_s: float = Field(default=2, gt=0, description="seconds between two looks at each site")

    def rules(self) -> HealthRules:
        """The same as the state machine takes it."""
        return HealthRules(self.failures, self.successes, self.back_s)


class ReconcileSettings(_Section):
    """How a node keeps the sites level."""

    check_s: float = Field(default=2, gt=0, description="seconds between two looks for what a site lacks")
    compare_s: float = Field(
        default=21_600, gt=0, description="seconds between two comparisons of everything at both sites"
    )
    workers: int = Field(default=2, ge=1, le=64, description="objects that are copied at once")


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
