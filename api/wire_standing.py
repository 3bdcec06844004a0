"""What answers about the standing of the archive hold, as models; ``wire.py`` has all others."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from vanvault.api.wire_types import Count, Time, absent

_SiteName = Literal["primary", "standby"]


class StandingCondition(BaseModel):
    """What somebody must see to."""

    id: str
    severity: Literal["error", "warning"]
    since: Time
    text: str
    remedy: str
    runbook: str


class StandingSite(BaseModel):
    """One site and its lock."""

    site: _SiteName
    url: str
    reachable: bool
    detail: str = Field(description="Why it cannot be reached.")
    lock: str
    lock_strength: str = Field(description="Whom the lock binds.")


class StatusAnswer(BaseModel):
    """As ``vanvault status --json``, without what only a listing of the sites tells."""

    at: Time = Field(description="When this node looked.")
    archive: str
    epoch: Count
    leader: _SiteName
    conditions: list[StandingCondition]
    sites: list[StandingSite]
    sites_together: str = Field(description="Why both may be lost at once; empty: nothing that can be seen.")
    third_copy: dict[str, Any]
    escrow: dict[str, Any]
    keys: dict[str, list[int]] = Field(description="Versions of each master key.")
    keys_missing: list[str]
    signing: dict[str, Any]
    hot_tail: dict[str, Any]
    segments: dict[str, Any] = Field(description="alarms: null before the keeper's first round.")
    retention: dict[str, Any]
    gateways: Count
    disposals: list[dict[str, Any]]
    set_aside: list[dict[str, Any]]
    drills: dict[str, list[str]]
    schedule: dict[str, list[str]]
    verification: dict[str, dict[str, str]]
    health: dict[str, Any]


class StandingJobRun(BaseModel):
    """The last run of a job."""

    started: Time
    finished: Time
    result: str
    exit_code: int | None
    seconds: float
    host: str


class StandingJobLease(BaseModel):
    """The run that goes on now."""

    host: str
    since: Time
    until: Time


class StandingJob(BaseModel):
    """One job of the schedule."""

    name: str
    on: bool
    why_off: str
    commands: list[str]
    every: str
    deadline: str
    missed: str
    last: StandingJobRun | None
    last_ok: Time | None
    due: bool
    next: Time | None
    failing: bool
    overdue_since: Time | None
    running: StandingJobLease | None


class ScheduleAnswer(BaseModel):
    """As ``vanvault schedule list --json``."""

    in_serve: bool = Field(description="A serving node starts the jobs.")
    jobs: list[StandingJob]
    failing: list[str]
    overdue: list[str]
    wrong: list[str]
    partial: bool = Field(description="Something may be missing.")


class AvailabilitySums(BaseModel):
    """Seconds of a year by what the service was."""

    up_s: float
    degraded_s: float
    planned_s: float
    unplanned_s: float
    before_s: float
    ahead_s: float
    down_percent: float


class AvailabilityMonth(AvailabilitySums):
    """The same of a month."""

    month: str = Field(pattern="^[0-9]{4}-[0-9]{2}$")


class AvailabilityProvisional(BaseModel):
    """The last part of the year, of which nothing is on record yet."""

    since: Time
    seconds: float


class AvailabilityAnswer(BaseModel):
    """As ``vanvault availability report --json``."""

    year: int
    months: list[AvailabilityMonth]
    total: AvailabilitySums
    limit_percent: float | None
    allowance_s: float | None
    used_s: float
    remaining_s: float | None
    forecast_s: float
    forecast_within_limit: bool | None
    provisional: AvailabilityProvisional | None
    profile: str
    partial: bool = Field(description="Something may be missing.")


class ForecastRestore(BaseModel):
    """A restore of the whole archive in so many years."""

    years: Count
    objects: Count
    bytes: Count
    seconds: float
    low: float
    high: float
    in_time: bool
    times: dict[str, float | None] = Field(description="When each milestone is reached.")


class ForecastAnswer(BaseModel):
    """As ``vanvault forecast --json``."""

    at: Time = Field(description="When the sites were listed.")
    growth: dict[str, Any]
    measured: Count = Field(description="Drills and restores on record.")
    cost: dict[str, float] | None = Field(description="Null: nothing was measured, so nothing is forecast.")
    limit_seconds: Count = absent()
    restores: list[ForecastRestore]
    breaks_on: str | None
    breaks_earliest: str | None = absent()
    breaks_latest: str | None = absent()
    remedies: list[dict[str, Any]]


class CoverageAnswer(BaseModel):
    """As ``vanvault coverage --json``."""

    at: Time = Field(description="When the sites were listed.")
    max_age_days: float
    overdue: bool
    runs: Count
    last_run: Time | None
    sites: dict[str, dict[str, Any]]
    away: list[str]
    damaged: dict[str, dict[str, Any]]
    next: str = Field(description="The subset that is read next.")


class FailoverMissing(BaseModel):
    """What was acknowledged and does not lie at a site, as far as is known."""

    batches: Count
    entries: Count
    oldest: Time | None


class FailoverSite(BaseModel):
    """One site, as this node knows it."""

    site: _SiteName
    role: Literal["leads", "follows"]
    reachable: bool
    detail: str
    last_entry: Time | None
    missing: FailoverMissing


class FailoverStand(BaseModel):
    """What a step starts from."""

    epoch: Count
    leader: _SiteName


class FailoverPlan(BaseModel):
    """A promotion as it could be made now."""

    id: str = Field(pattern="^[0-9a-f]{16}$")
    action: Literal["promote", "failback"]
    stand: FailoverStand
    epoch: Count
    leader: _SiteName
    blockers: list[str] = Field(description="Why it is refused.")
    effects: list[str]
    done: bool


class PromotionRequestAnswer(BaseModel):
    """One request for the approval of this plan."""

    request: str
    state: Literal["open", "approved"]
    needed: Count
    approved: Count
    until: Time | None
    own: bool = Field(description="The caller asked for it.")
    reason: str = Field(description="Empty where somebody else asked.")


class FailoverApproval(BaseModel):
    """What a promotion needs before it."""

    by_table: bool = Field(description="The table of acts asks for approval.")
    second_person: bool = Field(description="The settings ask for another person's.")
    requests: list[PromotionRequestAnswer]
    partial: bool = Field(description="Something may be missing.")


class FailoverAnswer(BaseModel):
    """As ``vanvault failover status --json``, by what this node knows, with the approval."""

    at: Time
    epoch: Count
    leader: _SiteName
    alone: bool
    sites: list[FailoverSite]
    conflicts: Count
    writers_open: list[str]
    promotion: FailoverPlan
    approval: FailoverApproval
    command: str = Field(description="What an operator runs at a host.")


class AskPromotionBody(BaseModel):
    """A promotion that others are to approve."""

    plan: str = Field(description="Id of its plan.")
    reason: str = Field(min_length=1, max_length=1000)


class AskedPromotionAnswer(BaseModel):
    """The request, which others approve by ``/v1/approvals``."""

    request: str


MODELS: tuple[type[BaseModel], ...] = (
    StatusAnswer,
    ScheduleAnswer,
    AvailabilityAnswer,
    ForecastAnswer,
    CoverageAnswer,
    FailoverAnswer,
    AskPromotionBody,
    AskedPromotionAnswer,
)
