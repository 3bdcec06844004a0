"""``/console/sites``: how the sites stand, who leads, jobs, keys and stops; no site is asked for the page."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.console.answers import page_answer
from vanvault.api.console.kept import kept_evidence
from vanvault.api.console.looks_on_page import look_on_page
from vanvault.api.console.pages import SITES, roles_with
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.views.recovery import (
    CoverageShown,
    ForecastShown,
    LastResortShown,
    LocksShown,
    coverage_shown,
    forecast_shown,
    last_resort_shown,
    locks_shown,
)
from vanvault.api.console.views.sites import SitesEvidence, SitesView, job_facts, month_facts, site_facts
from vanvault.api.console.visits import visit_of
from vanvault.api.context import node_of
from vanvault.api.failover_routes import FailoverStanding, failover_standing
from vanvault.api.node import Node
from vanvault.api.remembered import remembered
from vanvault.api.standing_routes import COVERAGE, FORECAST
from vanvault.archiver.core.errors import Busy, VanVaultError
from vanvault.archiver.core.key_port import PURPOSES
from vanvault.archiver.journal.availability import read_year
from vanvault.archiver.people.accounts import Permission
from vanvault.recovery.schedule import overview
from vanvault.recovery.status import lock_strength

router = APIRouter(route_class=ConsoleRoute)

_NEEDS: Permission = "verify-results"
_MS_US = 1000
#: How long a page waits for the first listing of the sites.
_PATIENCE_S = 1.0


@router.get(SITES.path)
async def sites(request: Request) -> Response:
    """The page, by what this node saw last and what is on record."""
    node = node_of(request)
    visit = await visit_of(request, node)
    visit.person.authority(_NEEDS, visit.now)
    evidence, expected, verified, (standing, trouble) = await asyncio.gather(
        kept_evidence(request, node, read_sites),
        _forecast(request, node),
        _coverage(request, node),
        _failover(request, node, visit.person.account.id),
    )
    await look_on_page(request, node, visit, "results", _NEEDS, asked={"of": "sites"}, count=1)
    leadership = node.archive.lead.leadership
    samples = node.duties.sampler.last.sites
    view = SitesView(
        now=visit.now,
        sites=site_facts(node.archive.health.snapshot(), samples, leadership.leader),
        leadership=leadership,
        evidence=evidence,
        forecast=expected,
        coverage=verified,
        locks=_locks(node),
        last_resort=_last_resort(node),
        failover=standing,
        failover_trouble=trouble,
        operates=visit.may("operate"),
        operate_roles=roles_with("operate"),
    )
    return page_answer(request, SITES, view=view)


async def _failover(request: Request, node: Node, account: str) -> tuple[FailoverStanding | None, str]:
    """As ``/v1/failover`` tells it, or why that cannot be read now."""
    try:
        return await failover_standing(request, node, account), ""
    except VanVaultError as error:
        return None, error.message


async def _forecast(request: Request, node: Node) -> ForecastShown:
    """As ``/v1/forecast`` tells it; while it is made for the first time the page says so."""
    try:
        found = await remembered(request, node, FORECAST, _PATIENCE_S)
    except Busy:
        return ForecastShown()
    except VanVaultError as error:
        return ForecastShown(trouble=error.message)
    return forecast_shown(found.value, found.at)


async def _coverage(request: Request, node: Node) -> CoverageShown:
    """As ``/v1/coverage`` tells it; the same."""
    try:
        found = await remembered(request, node, COVERAGE, _PATIENCE_S)
    except Busy:
        return CoverageShown()
    except VanVaultError as error:
        return CoverageShown(trouble=error.message)
    return coverage_shown(found.value, found.at)


def _locks(node: Node) -> LocksShown:
    """Whom the locks bind, of sites that answer, and those that end soon by the keeper's last round."""
    strengths, keeper = {}, node.duties.maintenance.snapshot.keeper
    for name, sample in node.duties.sampler.last.sites.items():
        if sample.up:
            with suppress(VanVaultError):  # its state is told beside it
                strengths[name] = lock_strength(node.archive.sites[name].capabilities)
    alarms = None if keeper is None else [(one.site, one.key, one.retain_until) for one in keeper.alarms]
    return locks_shown(strengths, alarms)


def _last_resort(node: Node) -> LastResortShown | None:
    archive, facts = node.archive, node.duties.conditions.facts
    if facts is None:
        return None
    newest: dict[str, int] = {purpose: max(archive.keys.versions(purpose), default=0) for purpose in PURPOSES}
    return last_resort_shown(facts, newest, archive.signing.active().key_id)


def read_sites(node: Node) -> SitesEvidence:
    """As ``schedule list``, ``availability`` and ``status`` read it. Raises Damaged, SiteUnavailable."""
    archive, now = node.archive, node.archive.clock.now()
    jobs = overview(archive)
    limit = archive.profile.downtime_limit_percent
    year = read_year(archive.search, archive.tail, None, now=now, limit_percent=limit)
    return SitesEvidence(
        at=now,
        jobs=job_facts(jobs),
        in_serve=jobs.in_serve,
        months=month_facts(year),
        year=year.year,
        limit_percent=limit,
        left_ms=None if year.remaining is None else year.remaining // _MS_US,
        forecast_ms=year.forecast // _MS_US,
        masters={purpose: len(archive.keys.versions(purpose)) for purpose in PURPOSES},
        signing=archive.signing.active().key_id,
        revoked=tuple(sorted(archive.signing.trust().revoked)),
    )
