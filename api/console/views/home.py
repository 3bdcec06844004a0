"""The first page: how the archive stands, with the age of each statement. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.replicas import SiteStatus
from vanvault.recovery.conditions import Condition


@dataclass(frozen=True, slots=True)
class HomeEvidence:
    """What was read for the page, and when; it is shown for a minute."""

    at: datetime
    entries: int
    bytes: int  # as received
    complete: bool  # nothing is missing in the two numbers for all that is known
    verified_at: datetime | None = None  # the last verification on record; None: there was none
    verified_whole: bool = False
    verified_part: str = ""  # "3/30": that run read the third of thirty parts; "": all
    drilled_at: datetime | None = None  # the last drill; None: there was none
    drilled_passed: bool = False
    drilled: str = ""  # its scenario
    drilled_ms: int = 0  # what recovered in it took
    up_percent: float | None = None  # of what was measured of the year; None: nothing was
    measured_ms: int = 0  # so much of the year
    left_ms: int | None = None  # of the year's allowance of stops; None: the profile knows no limit
    year: int = 0


@dataclass(frozen=True, slots=True)
class SiteLine:
    """One site."""

    name: str
    state: str
    lacks: int | None  # objects; None: not compared yet

    @property
    def whole(self) -> bool:
        return self.state == "healthy" and self.lacks == 0


@dataclass(frozen=True, slots=True)
class HomeView:
    """The page. ``evidence`` and ``conditions``: None where this person may not see them, or nobody knows."""

    now: datetime
    sees: bool  # may this person see how the archive stands?
    sees_roles: tuple[str, ...] = ()  # which roles may
    evidence: HomeEvidence | None = None
    sites: tuple[SiteLine, ...] = ()
    conditions: tuple[Condition, ...] | None = None

    @property
    def whole_everywhere(self) -> bool:
        return bool(self.sites) and all(site.whole for site in self.sites)

    def age_s(self, moment: datetime) -> float:
        """Seconds since then."""
        return max(0.0, (self.now - moment).total_seconds())


def site_lines(sites: Sequence[SiteStatus]) -> tuple[SiteLine, ...]:
    """The sites as the page shows them."""
    return tuple(SiteLine(one.site, one.state, None if one.lag is None else one.lag.objects) for one in sites)
