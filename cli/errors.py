"""Errors become exit codes here, once, at the edge. The table is ``archiver/core/error_table.py``.

With ``--json`` an error is also one JSON object, the last line on stdout::

    {"error": {"kind": "not-found", "message": "...", "hint": "..."}}
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import click

from vanvault.archiver.core.error_table import DEBUG_VARIABLE, ExitCode, described, failure_object
from vanvault.archiver.core.errors import VanVaultError
from vanvault.cli.output import emit_json


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
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return ExitCode.USAGE
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "vanvault"
        hint = f"Run: {path} --help"
        return _fail(ExitCode.USAGE, failure_object("usage", error.format_message(), hint), as_json)
    except click.ClickException as error:
        return _fail(ExitCode.USAGE, failure_object("invalid-input", error.format_message()), as_json)
    except click.Abort:
        return _fail(*described(KeyboardInterrupt()), as_json)
    except KeyboardInterrupt as error:
        return _fail(*described(error), as_json)
    except Exception as error:  # noqa: BLE001 - the outermost edge: a bug must not end in a bare traceback
        if not isinstance(error, VanVaultError):
            _trace()
        return _fail(*described(error), as_json)


def _fail(code: ExitCode, failure: dict[str, Any], as_json: bool) -> ExitCode:
    show_error(failure["message"], failure["hint"])
    if as_json:
        emit_json({"error": failure})
    return code


def _trace() -> None:
    if os.environ.get(DEBUG_VARIABLE) == "1":
        click.echo(traceback.format_exc(), err=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())
