"""``/v1/failover``: who leads, what a promotion would mean, and the request for its approval.

A node promotes nothing: that is done at a host that reaches the site which is to lead, and its hook runs with
the rights of an operator. What others approve is asked for here, and approved by ``/v1/approvals``.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi_standing as openapi
from vanvault.api.context import node_of
from vanvault.api.looks import looked, parsed, reader_of, shows
from vanvault.api.node import Node
from vanvault.api.observe import RESERVATION
from vanvault.api.people import signed_on
from vanvault.api.purpose import without_purpose
from vanvault.api.reading import run_read
from vanvault.api.remembered import LongRead, remembered
from vanvault.api.session_routes import json_object, short_body
from vanvault.api.urls import query_of
from vanvault.archiver.core.errors import ApprovalNeeded, Busy, Conflict, InvalidInput
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.people.approvals import Requester
from vanvault.recovery.approvals import known_approvals, known_table, need
from vanvault.recovery.failover import Facts, Plan, check_reason, gather, plan_promotion, promotion_subject
from vanvault.recovery.sign_on import SignedOn

router = APIRouter()

_ACT = "promote"
_FRESH_S, _PATIENCE_S = 5.0, 3.0


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """One request for the approval of the plan that is shown."""

    id: str
    state: str  # open, approved
    needed: int
    approved: int
    until: str | None
    own: bool  # did who looks ask for it?
    reason: str  # "" where somebody else asked

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "request": self.id,
            "state": self.state,
            "needed": self.needed,
            "approved": self.approved,
            "until": self.until,
            "own": self.own,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class FailoverStanding:
    """Who leads, the plan of a promotion, and how its approval stands."""

    facts: Facts
    plan: Plan
    by_table: bool  # the table of acts asks for approval
    second_person: bool  # the settings ask for another person
    requests: tuple[PromotionRequest, ...]
    partial: bool  # a part of the record of approvals could not be read

    @property
    def approved(self) -> PromotionRequest | None:
        """The caller's own request that others have approved: the command goes on with its very reason."""
        return next((one for one in self.requests if one.own and one.state == "approved"), None)

    @property
    def command(self) -> str:
        """What an operator runs at a host, word for word."""
        reason = shlex.quote(self.approved.reason) if self.approved else "TEXT"
        return f"vanvault failover promote --site {self.plan.leader} --reason {reason}"

    def as_json(self) -> dict[str, Any]:
        """As ``failover status --json``, with how the approval stands."""
        approval = {
            "by_table": self.by_table,
            "second_person": self.second_person,
            "requests": [one.as_json() for one in self.requests],
            "partial": self.partial,
        }
        return {
            **self.facts.as_json(self.plan),
            "approval": approval,
            "command": self.command,
            "at": rfc3339_seconds(self.facts.now.replace(microsecond=0)),
        }


@router.get("/v1/failover", **openapi.FAILOVER)
@looked("results", "verify-results", of="failover", gateways=False)
async def failover(request: Request) -> Response:
    """As ``vanvault failover status``, by what this node knows of the sites."""
    node, reader = node_of(request), reader_of(request)
    given = without_purpose(query_of(request.scope))
    if given:
        parsed(request, lambda: _refuse(given[0][0]))
    standing = await failover_standing(request, node, reader.account)
    shows(request, (), 1)
    return Response(orjson.dumps(standing.as_json()), media_type="application/json")


@router.post("/v1/failover/requests", **openapi.ASK_PROMOTION)
async def ask(request: Request) -> Response:
    """Ask for the approval of a promotion, by the id of its plan and for a reason."""
    node = node_of(request)
    person = await signed_on(request, node)
    given = json_object(await short_body(request, node, "application/json"))
    if set(given) != {"plan", "reason"} or not all(isinstance(one, str) for one in given.values()):
        raise InvalidInput("the body is an object of plan and reason, both texts", field="body")
    id = await asked_promotion(request, node, person, str(given["plan"]), str(given["reason"]))
    body = orjson.dumps({"request": id})
    return Response(
        body, status_code=201, media_type="application/json", headers={"Cache-Control": "no-store"}
    )


async def failover_standing(request: Request, node: Node, account: str) -> FailoverStanding:
    """How it stands for who has this account. Raises Busy, SiteUnavailable, Damaged."""
    facts = (await remembered(request, node, _FACTS)).value
    return await run_read(node, lambda: _standing(node, facts, account))


async def asked_promotion(request: Request, node: Node, person: SignedOn, plan_id: str, reason: str) -> str:
    """The id of the request, which is put on record where none waits; needs the permission ``operate``.

    Raises AccessDenied, InvalidInput (reason, or the plan is another one), Conflict (something stands against
    the plan, or nobody has to approve it), and as ``recovery.approvals.need``.
    """
    person.authority("operate", node.archive.clock.now())
    check_reason(reason)

    def act() -> str:
        facts = _facts(node)
        plans = [plan_promotion(facts, site.site) for site in facts.sites]
        plan = next((one for one in plans if one.id == plan_id), None)
        if plan is None:
            raise InvalidInput(
                f"{plan_id[:40]} is not the plan of a promotion that can be made now",
                field="plan",
                hint="Look at it again: GET /v1/failover.",
            )
        if plan.blockers:
            raise Conflict("; ".join(plan.blockers))
        who = Requester(person.account.name, person.account.id)
        try:
            good = need(node.archive, _ACT, promotion_subject(plan, reason), who, use=False)
        except ApprovalNeeded as asked:
            return asked.request
        if good is None:
            raise Conflict(
                "the table of acts asks for no approval of a promotion",
                hint="See the plan at a host: vanvault failover promote --dry-run.",
            )
        return good.request

    request.scope[RESERVATION] = node.quotas.begin(person.account.id)
    return await run_read(node, act)


def _facts(node: Node) -> Facts:
    away = {
        one.site: one.reason or "it does not answer"
        for one in node.archive.health.snapshot()
        if one.state == "out"
    }
    return gather(node.archive, away)


def _health(node: Node) -> tuple[tuple[str, str], ...]:
    """What the node's watch has decided about each site."""
    return tuple((one.site, one.state) for one in node.archive.health.snapshot())


#: Conflicts are read from the sites, where there are any.
_FACTS = LongRead("the standing of the sites", _facts, _FRESH_S, _PATIENCE_S, follows=_health)


def _standing(node: Node, facts: Facts, account: str) -> FailoverStanding:
    archive = node.archive
    if archive.behind:
        raise Busy(archive.behind, retry_after=2)
    plan = plan_promotion(facts, facts.leadership.other)
    known = known_approvals(archive)
    requests = []
    for one in known.book:
        wish, standing = one.wish, known.standing(one)
        if wish.act != _ACT or wish.subject.get("plan") != plan.id:
            continue
        if standing.state not in ("open", "approved"):
            continue
        own = wish.requester == account
        requests.append(
            PromotionRequest(
                one.id,
                standing.state,
                standing.needed,
                len(standing.approvers),
                rfc3339_seconds(standing.until) if standing.until else None,
                own,
                str(wish.subject.get("reason", "")) if own else "",
            )
        )
    return FailoverStanding(
        facts,
        plan,
        by_table=known_table(archive).table.rule(_ACT).on,
        second_person=archive.settings.failover.approval,
        requests=tuple(requests),
        partial=bool(known.lacking),
    )


def _refuse(name: str) -> None:
    raise InvalidInput("there are no parameters here", field=name[:40])
