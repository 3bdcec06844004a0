"""The errors that the server's problems stand for, by the one table of errors. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

import orjson

from vanvault.archiver.core.error_table import ERROR_TABLE
from vanvault.archiver.core.errors import (
    AccessDenied,
    ApprovalNeeded,
    Busy,
    Conflict,
    EntryDisposed,
    Forged,
    InvalidInput,
    MachineLimit,
    NotFound,
    Resource,
    SiteFull,
    SiteUnavailable,
    TooLarge,
    VanVaultError,
)

#: Statuses after which the same request may succeed.
RETRIED = frozenset((408, 425, 429, 502, 503, 504))
#: Longest wait that a server's Retry-After is trusted with, in seconds.
MAX_RETRY_AFTER = 300

_Make = Callable[[str, str, Mapping[str, Any]], VanVaultError]


def _invalid(message: str, hint: str, problem: Mapping[str, Any]) -> VanVaultError:
    return InvalidInput(message, field=str(problem.get("field", "")), hint=hint)


def _too_large(message: str, hint: str, problem: Mapping[str, Any]) -> VanVaultError:
    error = TooLarge(message, limit=0, field=str(problem.get("field", "")))
    error.hint = hint  # names the limit; the problem has no number of its own
    return error


def _denied(message: str, hint: str, problem: Mapping[str, Any]) -> VanVaultError:
    return AccessDenied(message, authenticated=problem.get("status") == 403, hint=hint)


def _approval(message: str, hint: str, problem: Mapping[str, Any]) -> VanVaultError:
    return ApprovalNeeded(message, request=str(problem.get("request", "")), hint=hint)


def _disposed(message: str, hint: str, problem: Mapping[str, Any]) -> VanVaultError:
    certificate, on = (str(problem.get(name, "")) for name in ("certificate", "on"))
    return EntryDisposed(message, certificate=certificate, on=on, hint=hint)


def _site(message: str, hint: str, problem: Mapping[str, Any]) -> VanVaultError:
    may = problem.get("may_be_stored", True) is not False
    return SiteUnavailable(message, site=str(problem.get("site", "")), may_be_stored=may, hint=hint)


def _full(message: str, hint: str, problem: Mapping[str, Any]) -> VanVaultError:
    may = problem.get("may_be_stored", True) is not False
    return SiteFull(message, site=str(problem.get("site", "")), may_be_stored=may, hint=hint)


def _machine(message: str, hint: str, problem: Mapping[str, Any]) -> VanVaultError:
    may = problem.get("may_be_stored", True) is not False
    known: tuple[Resource, ...] = get_args(Resource)
    resource = next((one for one in known if one == problem.get("resource")), known[0])
    return MachineLimit(f"the server: {message}", resource=resource, may_be_stored=may, hint=hint)


def _forged(message: str, hint: str, problem: Mapping[str, Any]) -> VanVaultError:
    error = Forged(message)
    error.hint = hint or error.hint
    return error


def _plain(kind: type[VanVaultError]) -> _Make:
    return lambda message, hint, _: kind(message, hint=hint)


_BY_NAME: dict[str, _Make] = {row.problem: _plain(row.error) for row in ERROR_TABLE} | {
    "too-large": _too_large,
    "invalid-input": _invalid,
    "unauthenticated": _denied,
    "access-denied": _denied,
    "approval-needed": _approval,
    "disposed": _disposed,
    "site-unavailable": _site,
    "site-full": _full,
    "forged": _forged,
    "machine-limit": _machine,
}
_BY_STATUS: dict[int, _Make] = {
    401: _denied,
    403: _denied,
    404: _plain(NotFound),
    409: _plain(Conflict),
    410: _disposed,
    408: _plain(Busy),
    425: _plain(Busy),
    429: _plain(Busy),
    502: _plain(Busy),
    503: _plain(Busy),
    504: _plain(Busy),
}


def error_of(problem: Mapping[str, Any], status: int) -> VanVaultError:
    """The error of an RFC 9457 problem: by its type, else by its status."""
    name = str(problem.get("type", "")).rpartition(":")[2]
    message = str(problem.get("detail") or problem.get("title") or f"the server answered {status}")
    make = _BY_NAME.get(name) or _BY_STATUS.get(status) or (_invalid if status < 500 else _plain(Busy))
    return make(message, str(problem.get("hint", "")), {"status": status, **problem})


def problem_in(body: bytes) -> dict[str, Any]:
    """The problem in a response's body; empty when there is none, as from a proxy."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def retry_after(text: str | None) -> float | None:
    """Seconds of a Retry-After header, at most MAX_RETRY_AFTER; None for none, or for a date."""
    if text is None or not text.isascii() or not text.isdigit():
        return None
    return float(min(int(text[:9]), MAX_RETRY_AFTER))
