"""Parts of the page of sites and recovery: forecast, coverage, keys, escrow and the third copy. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from vanvault.api.console.views.plot import LinePlot, plot_lines
from vanvault.archiver.core.errors import KeyUnavailable
from vanvault.archiver.core.key_port import parse_key_id
from vanvault.recovery.backup import BackupStanding
from vanvault.recovery.conditions import ArchiveFacts
from vanvault.recovery.coverage import CoverageReport
from vanvault.recovery.custody import EscrowStanding
from vanvault.recovery.forecast import ForecastReport

#: Batches whose lock ends soon that a page names; the API names all.
_MOST_ALARMS = 10
#: The purpose of keys that are no masters.
SIGNING = "signing"


@dataclass(frozen=True, slots=True)
class RestoreFacts:
    """How long a restore of everything takes in so many years; seconds."""

    years: int
    bytes: int
    seconds: float
    low: float
    high: float
    in_time: bool


@dataclass(frozen=True, slots=True)
class ForecastShown:
    """The forecast; ``at``: when the sites were listed, None: that goes on now, or went wrong."""

    at: datetime | None = None
    trouble: str = ""  # why it could not be made, in the program's words
    restores: tuple[RestoreFacts, ...] = ()  # none: nothing was measured yet
    limit_s: int = 0
    breaks_on: str = ""
    breaks_earliest: str = ""
    breaks_latest: str = ""
    measured: int = 0  # drills and restores
    bytes_per_day: float = 0.0
    window_days: int = 0
    remedies: tuple[tuple[str, bool], ...] = ()  # what would mend it, and whether it suffices alone

    @property
    def plot(self) -> LinePlot:
        """The restores over the years, with the limit."""
        rows = [(one.years, one.low, one.seconds, one.high) for one in self.restores]
        return plot_lines(rows, self.limit_s)

    @property
    def late_now(self) -> bool:
        return bool(self.restores) and not self.restores[0].in_time


@dataclass(frozen=True, slots=True)
class CoveredSite:
    """How much of a site was verified lately enough."""

    name: str
    objects: int
    percent: float  # of the bytes
    young: int  # came lately, and was not verified yet
    overdue: int
    oldest: datetime | None  # since when the longest without a verification is without


@dataclass(frozen=True, slots=True)
class CoverageShown:
    """The coverage; ``at`` as in ``ForecastShown``."""

    at: datetime | None = None
    trouble: str = ""
    sites: tuple[CoveredSite, ...] = ()
    away: tuple[str, ...] = ()
    days: float = 0.0  # longer than this no object should go unverified
    last_run: datetime | None = None
    damaged: tuple[tuple[str, int], ...] = ()  # site, and how many things are wrong there
    next: str = ""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """One key in use, or one that is missing."""

    id: str
    purpose: str
    named: datetime | None  # when it was first on record; None: since before such things were
    active: bool  # wraps or signs what comes now
    missing: bool = False  # used by the archive, and not at this node


@dataclass(frozen=True, slots=True)
class LastResortShown:
    """What is left when both sites and the host are lost, by this node's last look."""

    at: datetime
    keys: tuple[KeyFacts, ...]
    escrow: EscrowStanding
    third_copy: BackupStanding
    together: str  # why both sites may be lost at once, in the program's words


@dataclass(frozen=True, slots=True)
class LockAlarmShown:
    """A batch in no segment whose lock ends soon."""

    site: str
    key: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class LocksShown:
    """Locks of the sites; ``alarms``: None before the keeper's first round."""

    strengths: Mapping[str, str] = field(
        default_factory=dict
    )  # site -> whom its lock binds, in the program's words
    alarms: tuple[LockAlarmShown, ...] | None = None
    more: int = 0  # alarms that are not shown


def forecast_shown(report: ForecastReport, at: datetime) -> ForecastShown:
    """A forecast as the page shows it."""
    grown, found = report.growth, report.forecast
    shown = ForecastShown(
        at, measured=report.measured, bytes_per_day=grown.bytes_per_day, window_days=grown.window_days
    )
    if found is None:
        return shown
    days = (found.breaks_on, found.breaks_earliest, found.breaks_latest)
    on, earliest, latest = (day.isoformat() if day else "" for day in days)
    return ForecastShown(
        at,
        restores=tuple(
            RestoreFacts(one.years, one.bytes, one.seconds, one.low, one.high, not one.late(found.limit_s))
            for one in found.restores
        ),
        limit_s=found.limit_s,
        breaks_on=on,
        breaks_earliest=earliest,
        breaks_latest=latest,
        measured=report.measured,
        bytes_per_day=grown.bytes_per_day,
        window_days=grown.window_days,
        remedies=tuple((one.kind, one.enough) for one in found.remedies),
    )


def coverage_shown(report: CoverageReport, at: datetime) -> CoverageShown:
    """A coverage as the page shows it."""
    return CoverageShown(
        at,
        sites=tuple(
            CoveredSite(
                one.site,
                one.total.objects,
                100 * one.verified.fraction_of(one.total),
                one.young.objects,
                one.overdue.objects,
                one.oldest[0] if one.oldest else None,
            )
            for one in report.sites
        ),
        away=tuple(sorted(report.away)),
        days=report.max_age_days,
        last_run=report.last_run,
        damaged=tuple((site, found.findings) for site, found in report.damaged.items()),
        next=str(report.turn),
    )


def last_resort_shown(facts: ArchiveFacts, active: Mapping[str, int], signing: str) -> LastResortShown:
    """Keys, escrow and third copy; ``active``: purpose -> newest version at this node."""
    known, keys = facts.record.keys, []
    for id in dict.fromkeys((*known.held, *known.missing)):
        purpose, version = _parts(id)
        is_active = id == signing if purpose == SIGNING else active.get(purpose) == version
        first = facts.record.began if version == 1 else None  # made when the archive was
        keys.append(KeyFacts(id, purpose, known.named.get(id, first), is_active, id in known.missing))
    return LastResortShown(
        facts.now, tuple(keys), facts.record.escrow, facts.record.backup, facts.seen.together
    )


def locks_shown(
    strengths: Mapping[str, str], alarms: Sequence[tuple[str, str, datetime | None]] | None
) -> LocksShown:
    """Locks as the page shows them, the first that end first."""
    if alarms is None:
        return LocksShown(strengths, None)
    rows = sorted((LockAlarmShown(*one) for one in alarms), key=_end)
    return LocksShown(strengths, tuple(rows[:_MOST_ALARMS]), len(rows[_MOST_ALARMS:]))


def _parts(id: str) -> tuple[str, int]:
    """Purpose and version of a master; a signing key has no version."""
    try:
        return parse_key_id(id)
    except KeyUnavailable:
        return SIGNING, 0


def _end(alarm: LockAlarmShown) -> tuple[str, str]:
    """Those without a lock come first."""
    return ("" if alarm.until is None else alarm.until.isoformat(), alarm.key)
