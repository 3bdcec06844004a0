"""Errors become exit codes here, once, at the edge. The table for people is in docs/cli.md.

With ``--json`` an error is also one JSON object, the last line on stdout::

    {"error": {"kind": "not-found", "message": "...", "hint": "..."}}
"""

from __future__ import annotations

import os
import re
import sqlite3
import traceback
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

import click

from vanvault.archiver.core.errors import (
    AccessDenied,
    Busy,
    Conflict,
    Damaged,
    InvalidInput,
    KeyUnavailable,
    LockRefused,
    NotFound,
    SettingsError,
    SiteUnavailable,
    VanVaultError,
)
from vanvault.cli.output import emit_json

DEBUG_VARIABLE = "VANVAULT_DEBUG"


class ExitCode(IntEnum):
    """Every exit code of ``vanvault``. A verb returns one of these, or None for OK."""

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
    PROBE_REFUSED = 20
    PROBE_WEAK = 21
    PROBE_UNREACHABLE = 22
    INTERRUPTED = 130


_CODES: tuple[tuple[type[VanVaultError], ExitCode], ...] = (
    (InvalidInput, ExitCode.USAGE),
    (Damaged, ExitCode.CHECK_FAILED),
    (NotFound, ExitCode.NOT_FOUND),
    (Conflict, ExitCode.CONFLICT),
    (LockRefused, ExitCode.CONFLICT),
    (SettingsError, ExitCode.SETTINGS),
    (KeyUnavailable, ExitCode.KEYS),
    (Busy, ExitCode.BUSY),
    (AccessDenied, ExitCode.DENIED),
    (SiteUnavailable, ExitCode.SITE),
)


def exit_code_of(error: VanVaultError) -> ExitCode:
    """The exit code of an error; INTERNAL for a kind that has none."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.INTERNAL)


def error_object(error: VanVaultError) -> dict[str, Any]:
    """An error as the JSON value under ``"error"``: kind, message, hint, and field when one is wrong."""
    described = {"kind": kind_of(type(error)), "message": error.message, "hint": error.hint}
    if isinstance(error, InvalidInput) and error.field:
        described["field"] = error.field
    return described


def kind_of(error: type[VanVaultError]) -> str:
    """The kind as JSON names it: ``SiteUnavailable`` is ``site-unavailable``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", error.__name__).lower()


def show_error(message: str, hint: str = "") -> None:
    """One ``error:`` line, and one ``hint:`` line when there is something to do, on stderr."""
    click.echo(f"error: {_one_line(message)}", err=True)
    if hint:
        click.echo(f"hint: {_one_line(hint)}", err=True)


def run_at_edge(run: Callable[[], object], arguments: Sequence[str]) -> ExitCode:
    """Run the command line; whatever comes out of it becomes an exit code and a clear line."""
    as_json = "--json" in arguments
    try:
        result = run()
        return ExitCode(result) if isinstance(result, int) else ExitCode.OK
    except VanVaultError as error:
        return _fail(exit_code_of(error), error_object(error), as_json)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return ExitCode.USAGE
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "vanvault"
        return _fail(ExitCode.USAGE, _plain("usage", error.format_message(), f"Run: {path} --help"), as_json)
    except click.ClickException as error:
        return _fail(ExitCode.USAGE, _plain("invalid-input", error.format_message()), as_json)
    except (click.Abort, KeyboardInterrupt):
        return _fail(ExitCode.INTERRUPTED, _plain("interrupted", "interrupted"), as_json)
    except (OSError, sqlite3.OperationalError) as error:
        _trace()
        hint = "Look at the disk, the path and its permissions."
        return _fail(ExitCode.INTERNAL, _plain("system", _refusal(error), hint), as_json)
    except Exception as error:  # noqa: BLE001 - the outermost edge: a bug must not end in a bare traceback
        _trace()
        # Only the type: the text of an unforeseen error may hold personal data.
        message = f"internal error: {type(error).__name__}"
        hint = f"This is a bug. Run again with {DEBUG_VARIABLE}=1 for the traceback, and report it."
        return _fail(ExitCode.INTERNAL, _plain("internal", message, hint), as_json)


def _fail(code: ExitCode, described: dict[str, Any], as_json: bool) -> ExitCode:
    show_error(described["message"], described["hint"])
    if as_json:
        emit_json({"error": described})
    return code


def _plain(kind: str, message: str, hint: str = "") -> dict[str, Any]:
    return {"kind": kind, "message": message, "hint": hint}


def _refusal(error: OSError | sqlite3.OperationalError) -> str:
    if isinstance(error, sqlite3.OperationalError):
        return f"the hot tail of this home: {error}"
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)


def _trace() -> None:
    if os.environ.get(DEBUG_VARIABLE) == "1":
        click.echo(traceback.format_exc(), err=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())
