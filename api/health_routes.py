"""``/v1/health/live`` and ``/v1/health/ready``, for GET, HEAD and OPTIONS."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vanvault.api import openapi
from vanvault.api.context import is_known
from vanvault.api.health import has_failed, health_of, site_as_json, task_as_json
from vanvault.api.node import Node
from vanvault.api.observe import request_id_of
from vanvault.api.problems import problem_response

router = APIRouter()

_ALLOWED = {"Allow": "GET, HEAD, OPTIONS"}


@router.head("/v1/health/live", response_model=None, include_in_schema=False)
@router.get("/v1/health/live", **openapi.LIVE)
async def live(request: Request) -> Response:
    """The process answers, and can be of use without a new start; says nothing about sites."""
    node: Node | None = getattr(request.app.state, "node", None)
    if has_failed(node):
        health = health_of(node)
        body = health.body() if is_known(request, node) else health.public_body()
        return problem_response(body, retry_after=health.retry_after, request_id=request_id_of(request.scope))
    return JSONResponse({"status": "live"})


@router.head("/v1/health/ready", response_model=None, include_in_schema=False)
@router.get("/v1/health/ready", **openapi.READY)
async def ready(request: Request) -> Response:
    """200 when a message would be accepted now, else 503; either says what is not as it should be.

    Reasons, which may hold paths, are for callers with a token and for the node's own address.
    """
    node: Node | None = getattr(request.app.state, "node", None)
    health, public = health_of(node), not is_known(request, node)
    sites = [site_as_json(site, public=public) for site in node.archive.health.snapshot()] if node else []
    tasks = [task_as_json(task) for task in node.supervisor.status()] if node else []
    body = {**(health.public_body() if public else health.body()), "sites": sites, "tasks": tasks}
    if health.ready:
        return JSONResponse(body)
    return problem_response(body, retry_after=health.retry_after, request_id=request_id_of(request.scope))


@router.options("/v1/health/live", response_model=None, include_in_schema=False)
@router.options("/v1/health/ready", response_model=None, include_in_schema=False)
async def options(request: Request) -> Response:
    """Which methods there are."""
    return Response(status_code=204, headers=_ALLOWED)
