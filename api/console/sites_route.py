"""``/console/sites``: how the sites stand, who leads, jobs, keys and stops; no site is asked for the page."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.console.answers import page_answer
from vanvault.api.console.kept import kept_evidence
from vanvault.api.console.looks_on_page import look_on_page
from vanvault.api.console.pages import SITES
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.views.sites import SitesEvidence, SitesView, job_facts, month_facts, site_facts
from vanvault.api.console.visits import visit_of
from vanvault.api.context import node_of
from vanvault.api.node import Node
from vanvault.archiver.core.key_port import PURPOSES
from vanvault.archiver.journal.availability import read_year
from vanvault.archiver.people.accounts import Permission
from vanvault.recovery.schedule import overview

router = APIRouter(route_class=ConsoleRoute)

_NEEDS: Permission = "verify-results"
_MS_US = 1000


@router.get(SITES.path)
async def sites(request: Request) -> Response:
    """The page, by what this node saw last and what is on record."""
    node = node_of(request)
    visit = await visit_of(request, node)
    visit.person.authority(_NEEDS, visit.now)
    evidence = await kept_evidence(request, node, read_sites)
    await look_on_page(request, node, visit, "results", _NEEDS, asked={"of": "sites"}, count=1)
    leadership = node.archive.lead.leadership
    samples = node.duties.sampler.last.sites
    view = SitesView(
        now=visit.now,
        sites=site_facts(node.archive.health.snapshot(), samples, leadership.leader),
        leadership=leadership,
        evidence=evidence,
    )
    return page_answer(request, SITES, view=view)


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
