"""``/v1/jobs``: what was run on this archive and what came of it; on record before it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi_jobs
from vanvault.api.context import node_of
from vanvault.api.freshness import Freshness
from vanvault.api.looks import looked, parsed, reader_of, shows
from vanvault.api.node import Node
from vanvault.api.people import person_of, signed_on
from vanvault.api.purpose import without_purpose
from vanvault.api.reading import read_fresh, run_read
from vanvault.api.session_routes import json_object, short_body
from vanvault.api.urls import query_of
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import to_us
from vanvault.recovery.approvals import check_fresh
from vanvault.recovery.job_record import JobsPage, OneJob, before_of, jobs_page, one_job
from vanvault.recovery.schedule import JobWish, RunningJobs, StartedJob, running_jobs
from vanvault.recovery.sign_on import SignedOn

router = APIRouter()


@router.get("/v1/jobs", **openapi_jobs.JOBS)
@looked("results", "verify-results", of="jobs", gateways=False)
async def jobs(request: Request) -> Response:
    """Jobs that ended, the newest first; exports and extractions only with the permission ``see-access``."""
    return _json((await shown_jobs(request)).as_json())


@router.post("/v1/jobs", **openapi_jobs.ASK_JOB)
async def ask(request: Request) -> Response:
    """Start a verification or a drill, as a person with ``operate`` who signed on just now."""
    node = node_of(request)
    person = await signed_on(request, node)
    body = await short_body(request, node, "application/json")
    started = await start_job(node, person, json_object(body))
    asked = started.asked
    told = {"asked": asked.id, "who": asked.who, "already": started.already, **asked.wish.as_json()}
    answer = _json(told)
    answer.status_code = 200 if started.already else 202
    return answer


async def start_job(node: Node, person: SignedOn, given: Mapping[str, Any]) -> StartedJob:
    """Start what a body or a form asks for.

    Raises AccessDenied, SignOnTooWeak, InvalidInput, Conflict (this node starts no jobs), Busy,
    SiteUnavailable, KeyUnavailable.
    """
    now, session = node.archive.clock.now(), person.session
    roles = person.authority("operate", now)
    check_fresh(session, node.archive.settings, now, "starts a job")
    wish = JobWish.parse(given)
    said = {
        "id": person.account.id,
        "roles": list(roles),
        "method": session.method,
        "session": session.id,
    }
    return await run_read(node, lambda: node.duties.asked_jobs.start(wish, person.account.name, said))


@router.get("/v1/jobs/running", **openapi_jobs.RUNNING_JOBS)
async def running(request: Request) -> Response:
    """What runs now in this node's home and how far it is, and what other hosts run. It shows no entry and no
    result, and is asked for every few seconds: it is no look.
    """
    node = node_of(request)
    _check_none(request)
    person = await person_of(request, node)
    person.authority("verify-results", node.archive.clock.now())
    return _json((await shown_running(node)).as_json())


@router.get("/v1/jobs/{job_id}", **openapi_jobs.JOB)
@looked("results", "verify-results", of="jobs", gateways=False)
async def job(request: Request, job_id: str) -> Response:
    """One job whole, with all that its event tells."""
    parsed(request, lambda: _check_none(request))
    return _json((await shown_job(request, job_id)).as_json())


async def shown_running(node: Node) -> RunningJobs:
    """What runs now, by the notes of this home and the leases on record. Raises Damaged, SiteUnavailable."""
    return await run_read(node, lambda: running_jobs(node.archive))


async def shown_jobs(request: Request) -> JobsPage:
    """A page of jobs, for a route that is ``looked``. Raises InvalidInput, Damaged, SiteUnavailable, Busy."""
    node, reader = node_of(request), reader_of(request)
    before = parsed(request, lambda: _before(request))
    to = to_us(node.archive.clock.now()) + 1 if before is None else before
    may = reader.sight.permissions.__contains__

    def read(fresh: Freshness) -> JobsPage:
        found = jobs_page(node.archive.search, may, to)
        return JobsPage(found.jobs, found.next, found.complete and not fresh.unread)

    page = await read_fresh(node, read)
    shows(request, [one.id for one in page.jobs])
    return page


async def shown_job(request: Request, job_id: str) -> OneJob:
    """One job, for a route that is ``looked``. Raises as ``one_job``, and Busy."""
    node, reader = node_of(request), reader_of(request)
    may = reader.sight.permissions.__contains__
    found = await read_fresh(
        node, lambda fresh: fresh.find(node, lambda: one_job(node.archive.search, job_id, may))
    )
    shows(request, [found.job.id])
    return found


def _before(request: Request) -> int | None:
    """Raises InvalidInput."""
    given = without_purpose(query_of(request.scope))
    if not given:
        return None
    if [name for name, _ in given] != ["before"]:
        raise InvalidInput("there is no other parameter than before, once", field=given[0][0][:40])
    return before_of(given[0][1])


def _check_none(request: Request) -> None:
    """Raises InvalidInput."""
    given = without_purpose(query_of(request.scope))
    if given:
        raise InvalidInput("this route has no parameters", field=given[0][0][:40])


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
