"""The page of sites and recovery: their states, who leads, keys, jobs, and stops by month. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from vanvault.api.console.views.plot import PlotBar, plot_bars
from vanvault.api.console.views.recovery import (
    CoverageShown,
    ForecastShown,
    LastResortShown,
    LocksShown,
)
from vanvault.api.failover_routes import FailoverStanding
from vanvault.archiver.journal.availability import Totals, YearReport
from vanvault.archiver.replicas import Leadership, SiteStatus
from vanvault.archiver.upkeep.periodic import SiteSample
from vanvault.recovery.schedule import ScheduleOverview

_MS_US = 1000


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """One site, as this node saw it last."""

    name: str
    state: str
    since: datetime | None
    reason: str  # in the program's words
    leads: bool
    lacks: int | None  # objects; None: not compared yet
    lacks_bytes: int
    lag_s: float  # age of the oldest object that it lacks
    clock_ms: int | None  # its clock less the host's; None: it gave none
    verdict: str  # of its last probe; "none", "unreadable", "" where the node has not looked yet
    probe_age_s: float | None


@dataclass(frozen=True, slots=True)
class JobFacts:
    """One job of the schedule."""

    name: str
    every: str
    why_off: str  # "": it is on
    last: datetime | None
    result: str
    next: datetime | None
    alarm: str  # what is wrong, in the program's words


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """One month of the ledger, milliseconds."""

    name: str  # 2026-11
    up: int
    degraded: int
    planned: int
    unplanned: int

    @property
    def down(self) -> int:
        return self.planned + self.unplanned

    @property
    def down_percent(self) -> float:
        """Of what is measured of the month; nothing is shown of which nothing is."""
        return 100 * self.down / (self.up + self.degraded + self.down or 1)


@dataclass(frozen=True, slots=True)
class SitesEvidence:
    """What was read from the record, and when; it is shown for a minute."""

    at: datetime
    jobs: tuple[JobFacts, ...]
    in_serve: bool  # does a serving node start the jobs?
    months: tuple[MonthFacts, ...]  # those of which anything is measured
    year: int
    limit_percent: float | None
    left_ms: int | None  # of the year's allowance; None: the profile knows no limit
    forecast_ms: int  # stops at the end of the year, if all goes on as it did
    masters: Mapping[str, int]  # purpose of a master key -> how many versions are here
    signing: str  # id of the key that signs
    revoked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SitesView:
    """The page."""

    now: datetime
    sites: tuple[SiteFacts, ...]
    leadership: Leadership
    evidence: SitesEvidence
    forecast: ForecastShown = field(default_factory=ForecastShown)
    coverage: CoverageShown = field(default_factory=CoverageShown)
    locks: LocksShown = field(default_factory=LocksShown)
    last_resort: LastResortShown | None = None  # None: the node has not looked yet
    failover: FailoverStanding | None = None  # None: it could not be read
    failover_trouble: str = ""  # why, in the program's words
    operates: bool = False  # may this person ask for a promotion?
    operate_roles: tuple[str, ...] = ()  # which roles may

    @property
    def bars(self) -> tuple[PlotBar, ...]:
        """Stops by month, in milliseconds."""
        return plot_bars([(month.name, month.down) for month in self.evidence.months])

    @property
    def site_away(self) -> bool:
        """Is a site out, so that people think of a promotion?"""
        return any(site.state == "out" for site in self.sites)

    @property
    def stood_still(self) -> bool:
        """Is there a stop in what is measured of the year?"""
        return any(month.down for month in self.evidence.months)

    @property
    def read_s(self) -> float:
        """Seconds since the evidence was read."""
        return self.age_s(self.evidence.at)

    @property
    def used_ms(self) -> int:
        """Stops in what is measured of the year."""
        return sum(month.down for month in self.evidence.months)

    @property
    def used_percent(self) -> float:
        """The same, of the time that is measured."""
        measured = sum(month.up + month.degraded + month.down for month in self.evidence.months)
        return 100 * self.used_ms / (measured or 1)

    def age_s(self, moment: datetime) -> float:
        """Seconds since then."""
        return max(0.0, (self.now - moment).total_seconds())


def site_facts(
    sites: Sequence[SiteStatus], samples: Mapping[str, SiteSample], leader: str
) -> tuple[SiteFacts, ...]:
    """The sites by what is decided about each, and what the last sample saw."""
    return tuple(_site(one, samples.get(one.site), leader) for one in sites)


def job_facts(found: ScheduleOverview) -> tuple[JobFacts, ...]:
    """The jobs, those that are on first."""
    jobs = sorted(found.jobs, key=lambda one: one.standing is None)
    facts = []
    for one in jobs:
        standing = one.standing
        last = standing.last if standing else None
        facts.append(
            JobFacts(
                name=one.job.name,
                every=one.every,
                why_off=one.why_off,
                last=last.finished if last else None,
                result=last.result if last else "",
                next=standing.next_at if standing else None,
                alarm=one.alarm(),
            )
        )
    return tuple(facts)


def month_facts(found: YearReport) -> tuple[MonthFacts, ...]:
    """The months of which anything is measured."""
    months = enumerate(found.months, 1)
    return tuple(_month(f"{found.year}-{at:02}", one) for at, one in months if one.measured)


def _month(name: str, found: Totals) -> MonthFacts:
    sums = (found.up, found.degraded, found.planned, found.unplanned)
    return MonthFacts(name, *(one // _MS_US for one in sums))


def _site(status: SiteStatus, sample: SiteSample | None, leader: str) -> SiteFacts:
    lag = status.lag
    return SiteFacts(
        name=status.site,
        state=status.state,
        since=status.since,
        reason=status.reason,
        leads=status.site == leader,
        lacks=None if lag is None else lag.objects,
        lacks_bytes=0 if lag is None else lag.bytes,
        lag_s=0.0 if lag is None else lag.seconds,
        clock_ms=round(sample.skew_s * 1000) if sample and sample.up else None,
        verdict=sample.verdict if sample else "",
        probe_age_s=sample.probe_age_s if sample else None,
    )
