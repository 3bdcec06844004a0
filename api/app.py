"""The HTTP application of one node."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vanvault import __version__
from vanvault.api import intake_routes, read_routes
from vanvault.api.context import start_node
from vanvault.api.problems import http_problem, problem_of, problem_response, retry_after_of
from vanvault.api.shortcut import Handler, Shortcut
from vanvault.archiver.archive import Archive
from vanvault.archiver.errors import VanVaultError
from vanvault.recovery.schedule.in_serve import start_scheduler

_log = structlog.get_logger("vanvault.api")

_DESCRIPTION = """\
Write-once archive for electronic social-insurance transactions. An answer of 201 means: the original
lies, locked until the date in the receipt, at both sites. The same message id with the same bytes may
be sent again at any later time and gets the first receipt.
"""


def create_app(open_archive: Callable[[], Archive]) -> Shortcut:
    """The ASGI application; the archive is opened when it starts and closed when it has drained."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        archive = await run_in_threadpool(open_archive)
        node = start_node(archive, asyncio.get_running_loop())
        scheduler = start_scheduler(archive, node.draining)
        app.state.node = node
        yield
        if scheduler is not None:
            await run_in_threadpool(scheduler.stop)
        if not await run_in_threadpool(node.stop):
            _log.error("the node did not drain in time")

    app = FastAPI(
        title="VanVault",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    app.include_router(intake_routes.router)
    app.include_router(read_routes.router)
    app.add_api_route("/v1/health/live", _live, methods=["GET"])
    app.add_api_route("/v1/health/ready", _ready, methods=["GET"], response_model=None)
    app.add_exception_handler(VanVaultError, _vanvault_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)
    _describe_security(app)
    handlers: dict[str, Handler] = {
        "/v1/messages": intake_routes.push_message,
        "/v1/messages:batch": intake_routes.push_batch,
        "/v1/events": intake_routes.push_events,
    }
    return Shortcut(app, handlers, _vanvault_error, _bug)


async def _live() -> dict[str, str]:
    """The process answers; says nothing about sites."""
    return {"status": "live"}


async def _ready(request: Request) -> Response:
    """200 when a message would be accepted now, else 503 with the reason."""
    node = getattr(request.app.state, "node", None)
    if node is None or node.draining.is_set():
        return JSONResponse({"status": "draining" if node else "starting"}, status_code=503)
    state = node.intake.committer.state
    refusal = node.intake.committer.refusal
    if refusal is not None:
        problem = {**problem_of(refusal), "status": 503}
        return problem_response({**problem, "state": state}, retry_after=retry_after_of(refusal) or 1)
    return JSONResponse({"status": "ready"})


async def _vanvault_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, VanVaultError)  # noqa: S101 - what the handler is registered for
    problem = problem_of(error)
    request_id = secrets.token_hex(8)
    if problem["status"] >= 500:
        _log.warning(
            "refused",
            request=request_id,
            route=request.scope.get("path"),
            status=problem["status"],
            kind=type(error).__name__,
        )
    return problem_response(problem, retry_after=retry_after_of(error), request_id=request_id)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    return problem_response(http_problem(error.status_code, str(error.detail)))


async def _bug(request: Request, error: Exception) -> Response:
    request_id = secrets.token_hex(8)
    _log.error("unexpected error", request=request_id, kind=type(error).__name__, exc_info=error)
    return problem_response(
        http_problem(500, "Unexpected error; the node's log has more under this request id."),
        request_id=request_id,
    )


def _describe_security(app: FastAPI) -> None:
    plain = app.openapi

    def openapi() -> dict[str, object]:
        document = plain()
        document.setdefault("components", {})["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "description": "A gateway's token."}
        }
        # FastAPI adds its own 422 to routes with parameters; none of these routes ever gives it.
        for methods in document["paths"].values():
            for route in methods.values():
                route["responses"].pop("422", None)
        for unused in ("HTTPValidationError", "ValidationError"):
            document["components"].get("schemas", {}).pop(unused, None)
        return document

    app.openapi = openapi  # type: ignore[method-assign]
