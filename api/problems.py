"""Errors as RFC 9457 problems. Types, titles and statuses stand in ``archiver/core/error_table.py``."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from vanvault.archiver.core.error_table import PROBLEM_PREFIX, row_of
from vanvault.archiver.core.errors import (
    ApprovalNeeded,
    BatchLost,
    Busy,
    EntryDisposed,
    InvalidInput,
    KeyUnavailable,
    MachineLimit,
    SiteUnavailable,
    TooSlow,
    VanVaultError,
)
from vanvault.archiver.core.machine import machine_limit

MEDIA_TYPE = "application/problem+json"


def problem_name(error: VanVaultError) -> str:
    """The last part of the problem's URN: one of few, fit for a label."""
    return str(problem_of(error)["type"]).rpartition(":")[2]


def problem_of(error: VanVaultError) -> dict[str, Any]:
    """The problem's JSON members; ``type`` is ``urn:vanvault:problem:<name>``."""
    error = machine_limit(error) or error
    row = row_of(error)
    if row is None:
        raise TypeError(f"{type(error).__name__} has no row in the table of errors")
    problem: dict[str, Any] = {
        "type": f"{PROBLEM_PREFIX}{row.problem}",
        "title": row.title,
        "status": row.status,
        "detail": error.message,
    }
    if error.hint:
        problem["hint"] = error.hint
    if isinstance(error, InvalidInput) and error.field:
        problem["field"] = error.field
    if isinstance(error, ApprovalNeeded):
        problem["request"] = error.request
    if isinstance(error, EntryDisposed):
        problem["certificate"] = error.certificate
        problem["on"] = error.on
    if isinstance(error, MachineLimit):
        problem["resource"] = error.resource
        problem["may_be_stored"] = error.may_be_stored
    if isinstance(error, SiteUnavailable):
        problem["site"] = error.site
        problem["may_be_stored"] = error.may_be_stored
    return problem


def http_problem(status: int, detail: str) -> dict[str, Any]:
    """A problem of HTTP itself: no such route, method not allowed, and the like."""
    return {"type": "about:blank", "title": detail, "status": status, "detail": detail}


def problem_response(
    problem: dict[str, Any], *, retry_after: int | None = None, request_id: str = ""
) -> Response:
    """The HTTP response that carries a problem."""
    headers = {}
    if request_id:
        problem = {**problem, "instance": f"urn:vanvault:request:{request_id}"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if problem["status"] == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if problem["status"] == 415:
        headers["Accept-Encoding"] = "identity"  # RFC 9110, 15.5.16
    return Response(
        orjson.dumps(problem), status_code=problem["status"], media_type=MEDIA_TYPE, headers=headers
    )


def retry_after_of(error: VanVaultError) -> int | None:
    """Seconds after which the same request may succeed; None when it never will by itself."""
    if isinstance(error, (Busy, BatchLost)):
        return error.retry_after
    if isinstance(error, TooSlow):
        return 1
    return 5 if isinstance(error, (SiteUnavailable, KeyUnavailable, MachineLimit)) else None
