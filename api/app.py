"""The HTTP application of one node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache

import orjson
import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from vanvault import __version__
from vanvault.api import (
    access_route,
    accounts_route,
    approval_routes,
    authenticator_routes,
    disposal_routes,
    export_route,
    extraction_routes,
    failover_routes,
    health_routes,
    holds_route,
    intake_routes,
    jobs_route,
    keys_route,
    oidc_routes,
    openapi,
    read_routes,
    reports_route,
    results_route,
    session_routes,
    sessions_route,
    standing_routes,
)
from vanvault.api.console import console_router
from vanvault.api.metrics import ENTRIES, Metrics
from vanvault.api.metrics_route import metrics as metrics_route
from vanvault.api.node_metrics import NodeCollector
from vanvault.api.observe import Observed, request_id_of, route_of
from vanvault.api.problems import http_problem, problem_name, problem_of, problem_response, retry_after_of
from vanvault.api.saturation import NODE_LIMITS, Saturation
from vanvault.api.shortcut import Handler, Shortcut
from vanvault.api.start import start_node
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import MachineLimit, VanVaultError
from vanvault.archiver.core.machine import machine_limit
from vanvault.archiver.core.ports import SystemStopwatch

_log = structlog.get_logger("vanvault.api")

_DESCRIPTION = """\
Write-once archive for electronic social-insurance transactions. An answer of 201 means: the original
lies, locked until the date in the receipt, at both sites or, where the operator has allowed it and the
receipt says `"degraded": true`, at one. The same message id with the same bytes may be sent again at any
later time and gets the first receipt; after a degraded one, the whole one once both sites hold the message.
"""


def create_app(open_archive: Callable[[], Archive]) -> Observed:
    """The ASGI application; the archive is opened when it starts and closed when it has drained."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        archive = await run_in_threadpool(open_archive)
        node = start_node(archive, asyncio.get_running_loop(), metrics, saturation)
        observed.log = archive.settings.log.access
        app.state.node = node
        yield
        if not await run_in_threadpool(node.stop):
            _log.error("the node did not drain in time")

    app = FastAPI(
        title="VanVault",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.metrics = metrics = Metrics()
    app.state.saturation = saturation = Saturation(SystemStopwatch())
    metrics.registry.register(
        NodeCollector(
            lambda: getattr(app.state, "node", None), lambda: getattr(app.state, "connections", None)
        )
    )
    app.include_router(intake_routes.router)
    app.include_router(read_routes.router)
    app.include_router(keys_route.router)
    app.include_router(health_routes.router)
    app.include_router(session_routes.router)
    app.include_router(sessions_route.router)
    app.include_router(accounts_route.router)
    app.include_router(authenticator_routes.router)
    app.include_router(access_route.router)
    app.include_router(results_route.router)
    app.include_router(reports_route.router)
    app.include_router(jobs_route.router)
    app.include_router(standing_routes.router)
    app.include_router(failover_routes.router)
    app.include_router(approval_routes.router)
    app.include_router(export_route.router)
    app.include_router(disposal_routes.router)
    app.include_router(holds_route.router)
    app.include_router(extraction_routes.router)
    app.include_router(oidc_routes.router)
    app.include_router(console_router)
    app.add_api_route("/metrics", metrics_route, methods=["GET"], **openapi.METRICS)
    app.add_exception_handler(VanVaultError, _vanvault_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)
    _describe(app)
    _serve_description(app)
    handlers: dict[str, Handler] = {
        "/v1/messages": intake_routes.push_message,
        "/v1/messages:batch": intake_routes.push_batch,
        "/v1/events": intake_routes.push_events,
    }
    observed = Observed(Shortcut(app, handlers, _vanvault_error, _bug), app, metrics)
    return observed


async def _vanvault_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, VanVaultError)  # noqa: S101 - what the handler is registered for
    limit = machine_limit(error)
    if limit is not None:
        error = _reached(request, limit)
    problem = problem_of(error)
    route = route_of(request.scope)
    if route in ENTRIES:
        request.app.state.metrics.refused(ENTRIES[route], problem_name(error))
    if problem["status"] >= 500:
        _log.warning("refused", route=route, status=problem["status"], kind=type(error).__name__)
    return problem_response(
        problem, retry_after=retry_after_of(error), request_id=request_id_of(request.scope)
    )


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    answer = problem_response(
        http_problem(error.status_code, str(error.detail)), request_id=request_id_of(request.scope)
    )
    answer.headers.update(error.headers or {})  # such as Allow, without which 405 says too little
    return answer


def _reached(request: Request, limit: MachineLimit) -> MachineLimit:
    """A limit of the machine stands in the way: counted, and told in place of what failed for it."""
    if limit.resource in NODE_LIMITS:
        request.app.state.metrics.limited(limit.resource)
        request.app.state.saturation.reached(limit.resource)
    _log.error("the machine's limit is reached", limit=limit.resource, route=route_of(request.scope))
    return limit


async def _bug(request: Request, error: Exception) -> Response:
    limit = machine_limit(error)
    if limit is not None:
        return await _vanvault_error(request, limit)
    _log.error("unexpected error", kind=type(error).__name__, exc_info=error)
    return problem_response(
        http_problem(500, "Unexpected error; the node's log has more under this request id."),
        request_id=request_id_of(request.scope),
    )


def _serve_description(app: FastAPI) -> None:
    """``/v1/openapi.json``, written once: it is large, and anybody may ask for it."""

    @cache
    def written() -> bytes:
        return orjson.dumps(app.openapi())

    async def description(request: Request) -> Response:
        return Response(written(), media_type="application/json")

    app.add_route("/v1/openapi.json", description, include_in_schema=False)


def _describe(app: FastAPI) -> None:
    plain = app.openapi
    app.openapi = lambda: openapi.completed(plain())  # type: ignore[method-assign]
