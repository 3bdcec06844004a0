"""The one table of outcomes: each error's kind, exit code, problem type and HTTP status, as data.

The command line, the API and the scheduler read it; ``docs/errors.md`` is the same table for people, and a
test compares the two. Kinds, exit codes, problem types and statuses are a contract: they never change.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from vanvault.archiver.core.errors import (
    AccessDenied,
    ApprovalNeeded,
    BatchLost,
    Busy,
    CacheLost,
    Conflict,
    Damaged,
    EncodedBody,
    EntryDisposed,
    Forged,
    InvalidInput,
    KeyUnavailable,
    LockRefused,
    MachineLimit,
    NotFound,
    SettingsError,
    SiteFaulty,
    SiteFull,
    SiteUnavailable,
    TooLarge,
    TooSlow,
    VanVaultError,
)
from vanvault.archiver.core.machine import machine_limit

#: Environment variable; with the value 1 the command line shows tracebacks.
DEBUG_VARIABLE = "VANVAULT_DEBUG"
#: A problem's ``type`` is this and the problem's name.
PROBLEM_PREFIX = "urn:vanvault:problem:"


class ExitCode(IntEnum):
    """Every exit code of ``vanvault`` and of a scheduled job's process."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    CHECK_FAILED = 3
    NOT_FOUND = 4
    CONFLICT = 5
    SETTINGS = 6
    KEYS = 7
    BUSY = 8
    DENIED = 9
    SITE = 10
    MACHINE = 11
    APPROVAL = 12
    PROBE_REFUSED = 20
    PROBE_WEAK = 21
    PROBE_UNREACHABLE = 22
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One row: an error as the command line and as the API tell it."""

    error: type[VanVaultError]
    kind: str  # in the JSON of the command line
    exit_code: ExitCode
    problem: str  # last part of the problem's URN
    title: str  # of the problem
    status: int  # HTTP


#: Most particular first: a row stands before the rows of its base classes.
ERROR_TABLE = (
    ErrorRow(TooLarge, "too-large", ExitCode.USAGE, "too-large", "Too large", 413),
    ErrorRow(TooSlow, "too-slow", ExitCode.USAGE, "too-slow", "Too slow", 408),
    ErrorRow(EncodedBody, "encoded-body", ExitCode.USAGE, "encoded-body", "The body is encoded", 415),
    ErrorRow(InvalidInput, "invalid-input", ExitCode.USAGE, "invalid-input", "Invalid input", 400),
    ErrorRow(AccessDenied, "access-denied", ExitCode.DENIED, "access-denied", "Access denied", 403),
    ErrorRow(
        ApprovalNeeded,
        "approval-needed",
        ExitCode.APPROVAL,
        "approval-needed",
        "Others must approve this",
        403,
    ),
    ErrorRow(NotFound, "not-found", ExitCode.NOT_FOUND, "not-found", "Not found", 404),
    ErrorRow(EntryDisposed, "disposed", ExitCode.NOT_FOUND, "disposed", "It was disposed of", 410),
    ErrorRow(Conflict, "conflict", ExitCode.CONFLICT, "conflict", "Same id, other bytes", 409),
    ErrorRow(CacheLost, "cache-lost", ExitCode.BUSY, "busy", "Busy", 503),
    ErrorRow(Busy, "busy", ExitCode.BUSY, "busy", "Busy", 503),
    ErrorRow(SiteFaulty, "site-faulty", ExitCode.SITE, "site-unavailable", "A site is unavailable", 503),
    ErrorRow(SiteFull, "site-full", ExitCode.SITE, "site-full", "A site is full", 503),
    ErrorRow(
        SiteUnavailable, "site-unavailable", ExitCode.SITE, "site-unavailable", "A site is unavailable", 503
    ),
    ErrorRow(LockRefused, "lock-refused", ExitCode.CONFLICT, "locked", "Locked", 409),
    ErrorRow(Forged, "forged", ExitCode.CHECK_FAILED, "forged", "Forged at a site", 500),
    ErrorRow(BatchLost, "batch-lost", ExitCode.CHECK_FAILED, "batch-lost", "A batch is lost", 503),
    ErrorRow(Damaged, "damaged", ExitCode.CHECK_FAILED, "damaged", "Damaged in the archive", 500),
    ErrorRow(
        MachineLimit,
        "machine-limit",
        ExitCode.MACHINE,
        "machine-limit",
        "A limit of the machine is reached",
        503,
    ),
    ErrorRow(
        KeyUnavailable, "key-unavailable", ExitCode.KEYS, "key-unavailable", "A key is unavailable", 503
    ),
    ErrorRow(SettingsError, "settings-error", ExitCode.SETTINGS, "settings", "Settings are wrong", 500),
)

#: An AccessDenied of a caller that is not known: the same error, another answer over HTTP.
UNAUTHENTICATED = ErrorRow(
    AccessDenied, "access-denied", ExitCode.DENIED, "unauthenticated", "No valid token", 401
)

#: Kinds of failures that are no VanVaultError, and their exit codes.
OTHER_KINDS = {
    "usage": ExitCode.USAGE,
    "system": ExitCode.INTERNAL,
    "internal": ExitCode.INTERNAL,
    "interrupted": ExitCode.INTERRUPTED,
}


def row_of(error: VanVaultError) -> ErrorRow | None:
    """The row of an error; None for a class that has none."""
    if isinstance(error, AccessDenied) and not error.authenticated:
        return UNAUTHENTICATED
    return next((row for row in ERROR_TABLE if isinstance(error, row.error)), None)


def exit_code_of(error: VanVaultError) -> ExitCode:
    """The exit code of an error; INTERNAL for a class that has no row."""
    found = next((row for row in ERROR_TABLE if isinstance(error, row.error)), None)
    return found.exit_code if found else ExitCode.INTERNAL


def kind_of(error: type[VanVaultError]) -> str:
    """The kind as JSON names it: ``SiteUnavailable`` is ``site-unavailable``."""
    found = next((row for row in ERROR_TABLE if row.error is error), None)
    return found.kind if found else re.sub(r"(?<=[a-z])(?=[A-Z])", "-", error.__name__).lower()


def error_object(error: VanVaultError) -> dict[str, Any]:
    """An error as the JSON value under ``"error"``: kind, message, hint, and field when one is wrong."""
    described = {"kind": kind_of(type(error)), "message": error.message, "hint": error.hint}
    if isinstance(error, InvalidInput) and error.field:
        described["field"] = error.field
    if isinstance(error, ApprovalNeeded):
        described["request"] = error.request
    if isinstance(error, EntryDisposed):
        described |= {"certificate": error.certificate, "on": error.on}
    return described


def failure_object(kind: str, message: str, hint: str = "") -> dict[str, Any]:
    """The same value for a failure that is no VanVaultError."""
    return {"kind": kind, "message": message, "hint": hint}


def described(error: BaseException) -> tuple[ExitCode, dict[str, Any]]:
    """Exit code and JSON value of whatever ended a run. Of a bug only the type is told: its text may hold
    personal data.
    """
    limit = machine_limit(error)
    if limit is not None:
        where = f" ({limit.path})" if limit.path else ""
        return exit_code_of(limit), {**error_object(limit), "message": limit.message + where}
    if isinstance(error, VanVaultError):
        return exit_code_of(error), error_object(error)
    if isinstance(error, KeyboardInterrupt):
        return _other("interrupted", "interrupted")
    if isinstance(error, (OSError, sqlite3.OperationalError)):
        hint = "Look at the disk, the path and its permissions."
        return _other("system", _refusal(error), hint)
    hint = f"This is a bug. Run again with {DEBUG_VARIABLE}=1 for the traceback, and report it."
    return _other("internal", f"internal error: {type(error).__name__}", hint)


def _other(kind: str, message: str, hint: str = "") -> tuple[ExitCode, dict[str, Any]]:
    return OTHER_KINDS[kind], failure_object(kind, message, hint)


def _refusal(error: OSError | sqlite3.OperationalError) -> str:
    if isinstance(error, sqlite3.OperationalError):
        return f"the hot tail of this home: {error}"
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
