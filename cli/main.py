"""The command ``vanvault``: one verb per file, each loaded when it is used."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from vanvault.archiver.core_dumps import forbid_core_dumps
from vanvault.archiver.standard_streams import guard_streams
from vanvault.cli.context import DEFAULT_HOME
from vanvault.cli.errors import run_at_edge
from vanvault.cli.loading import loading, this_is_the_program

#: Verb -> what it does. The verb itself is ``command`` in the module of the same name.
VERBS = {
    "init": "Make a home: settings, keys, two sites and a first gateway.",
    "serve": "Run one node until SIGTERM.",
    "stop": "Stop the nodes of this home, with the downtime announced before.",
    "push": "Push files as messages through the API, and print their receipts.",
    "get": "Fetch an original, byte for byte, or its receipt.",
    "show": "Show what a message says, for people to read.",
    "search": "Find messages and events, newest first.",
    "timeline": "Show all of one transaction, in the order in which it happened.",
    "histogram": "Count entries and bytes by day, month, year or a field.",
    "index": "Show the index, or rebuild it from segments.",
    "access": "Say who has looked at what, and when.",
    "export": "Take what a search finds out of the archive, on record.",
    "disposal": "Let go of what the law no longer asks for: planned, approved, run, certified.",
    "extract": "Extract data for an authority, by letter and form, approved by others.",
    "verify": "Re-read every object at both sites and name what is not whole.",
    "coverage": "Say how much was verified lately, and what was not for too long.",
    "repair": "Copy what one site lacks or holds damaged from the other.",
    "compact": "Make day segments of batches, and keep the locks of the rest.",
    "clear": "Remove batches that a proved segment holds, long after their locks.",
    "restore": "Rebuild an empty site from the other.",
    "backup": "Keep a third copy in a restic repository, check it, and restore from it.",
    "forecast": "Say how long a restore takes now and in years, and when 8 hours break.",
    "drill": "Rehearse a recovery in isolation, with signed evidence.",
    "reconcile": "Bring the sites level, and list or resolve conflicts between them.",
    "job": "List what was run on this archive and what came of it, for ever.",
    "schedule": "List the jobs that run again and again, run one, or make timers of them.",
    "failover": "Promote a site when the other is lost, and fail back.",
    "clock": "Show the clocks, and go on after one that was ahead.",
    "probe": "Attack a site's store as an insider would, and put the verdict on record.",
    "site": "Prepare an S3 site: bucket, users and policies.",
    "receipt": "Verify a receipt offline, show one, or print the public keys.",
    "status": "Show sites, locks, keys, counts and whether a server answers.",
    "availability": "Show how long the service was up, announce downtime, note what a probe saw.",
    "keys": "List master and signing keys, or make a new version.",
    "hold": "Hold what must not be let go, confirm or release it.",
    "retention": "Say until when a transaction is kept, and by which rule.",
    "report": "Report on accounts, their review, the operation, and why personal data is kept.",
    "law": "List what the law asks for, with clauses, dates, and how each is known.",
    "gateway": "Add, list or remove gateways.",
    "approval": "What waits for the approval of others, and what people say to it.",
    "account": "Accounts of people and services: roles, suspension, review.",
    "login": "Sign on at a node, or say who is signed on.",
    "logout": "Sign off, at every node.",
    "sample": "Make sample transactions, as files or pushed through the API.",
}


class VanVaultGroup(click.Group):
    """Loads a verb at its first use; turns every error into an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        with loading():
            command: click.Command = import_module(f"vanvault.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def main(  # type: ignore[override]  # the edge: it never returns, whatever the mode
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        arguments = list(sys.argv[1:] if args is None else args)
        extra["standalone_mode"] = False
        run = super().main
        sys.exit(run_at_edge(lambda: run(arguments, prog_name or "vanvault", **extra), arguments))


@click.group(cls=VanVaultGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    envvar="VANVAULT_HOME",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_HOME,
    show_default=True,
    show_envvar=True,
    help="Folder of the settings, the keys and, by default, the sites.",
)
@click.version_option(package_name="vanvault", message="%(package)s %(version)s")
@click.pass_context
def main(ctx: click.Context, home: Path) -> None:
    """Write-once archive for electronic social-insurance transactions."""
    ctx.obj = home


def run() -> NoReturn:
    """The program itself. It ends when the command does, although a read from a site may still hang.

    Python waits at its exit for every thread of a pool; a store that takes connections and never answers
    would keep the operator from the prompt for half a minute after the last line.
    """
    forbid_core_dumps()
    guard_streams()
    os.environ.setdefault(
        "OPENBLAS_NUM_THREADS", "1"
    )  # NumPy's threads for linear algebra: there is none here
    this_is_the_program()
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody reads it any more
            stream.flush()
    if any(thread.is_alive() and not thread.daemon for thread in _other_threads()):
        os._exit(code)
    sys.exit(code)


def _other_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
