"""Errors become exit codes here, once, at the edge. The table is ``archiver/core/error_table.py``.

With ``--json`` an error is also one JSON object, the last line on stdout::

    {"error": {"kind": "not-found", "message": "...", "hint": "..."}}
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import click

from vanvault.archiver.core.caches import again_where_lost
from vanvault.archiver.core.error_table import DEBUG_VARIABLE, ExitCode, described, failure_object
from vanvault.archiver.core.errors import CacheLost, VanVaultError
from vanvault.archiver.standard_streams import OutputLost, output_lost
from vanvault.cli.output import emit_json, one_line, warn


def show_error(message: str, hint: str = "") -> None:
    """One ``error:`` line, and one ``hint:`` line when there is something to do, on stderr."""
    click.echo(f"error: {one_line(message)}", err=True)
    if hint:
        click.echo(f"hint: {one_line(hint)}", err=True)


def run_at_edge(run: Callable[[], object], arguments: Sequence[str]) -> ExitCode:
    """Run the command line; whatever comes out of it becomes an exit code and a clear line.

    Output that could not be written is an error of its own, whatever the verb came to.
    """
    code = _run(run, arguments)
    with suppress(OSError):
        sys.stdout.flush()
    lost = output_lost()
    if lost is None or code is not ExitCode.OK:
        return code
    return _lost(lost)


def _run(run: Callable[[], object], arguments: Sequence[str]) -> ExitCode:
    as_json = "--json" in arguments
    try:
        result = again_where_lost(run, _begin_again)
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
    except SystemExit:  # so click ends where the reader of a pipe has ended
        lost = output_lost()
        if lost is None:
            raise
        return _lost(lost)
    except UnicodeError as error:
        if not any(map(_is_no_text, arguments)):
            _trace()
            return _fail(*described(error), as_json)
        hint = "Only names of files may be other bytes."
        failure = failure_object("invalid-input", "an argument is not UTF-8", hint)
        return _fail(ExitCode.USAGE, failure, as_json)
    except Exception as error:  # noqa: BLE001 - the outermost edge: a bug must not end in a bare traceback
        lost = output_lost()
        if lost is not None:
            return _lost(lost)
        if not isinstance(error, VanVaultError):
            _trace()
        return _fail(*described(error), as_json)


def _fail(code: ExitCode, failure: dict[str, Any], as_json: bool) -> ExitCode:
    show_error(failure["message"], failure["hint"])
    if as_json:
        with suppress(OutputLost):  # it was told on stderr, and the exit code says it
            emit_json({"error": failure})
    return code


def _lost(why: OSError) -> ExitCode:
    """Nothing is said to a reader that has ended, such as ``head``: it wants no more."""
    if why.errno == errno.EPIPE:
        return ExitCode.INTERNAL
    show_error(
        f"what this verb says could not be written to standard output: {why.strerror}",
        "What the verb did stands. Give it a place to write to, and run it again.",
    )
    return ExitCode.INTERNAL


def _is_no_text(argument: str) -> bool:
    """Does it hold bytes that are no UTF-8?"""
    return any("\ud800" <= character <= "\udfff" for character in argument)


def _begin_again(lost: CacheLost) -> None:
    warn(f"{lost.message}; the command begins again")


def _trace() -> None:
    if os.environ.get(DEBUG_VARIABLE) == "1":
        click.echo(traceback.format_exc(), err=True)
