"""``vanvault probe``: is this store write-once, or does it only say so?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, json_option, print_table, warn
from vanvault.cli.progress import Terminal
from vanvault.cli.requester import approved

if TYPE_CHECKING:
    from vanvault.archiver.stores.verdict import ProbeResult


@click.command()
@click.argument("site")
@click.option("--override", is_flag=True, help="Do not probe: trust the site all the same, on record.")
@click.option("--reason", default="", help="Why, for --override.")
@click.option("--days", default=7, show_default=True, help="How long --override holds.")
@json_option
@click.pass_obj
def command(home: Path, site: str, override: bool, reason: str, days: int, as_json: bool) -> ExitCode:
    """Attack the store of SITE with every credential that the appliance holds.

    It works in disposable buckets of its own (in a folder of its own at a file site) and takes about half a
    minute. The result is signed and archived; intake asks for a recent one.
    """
    from vanvault.recovery.maintenance import OverrideRequest, ProbeRequest, override_probe, probe
    from vanvault.recovery.work import account

    with open_archive(home) as archive:
        if override:
            told = {"site": site, "days": days, "reason": reason.strip()}
            detail = override_probe(
                archive,
                OverrideRequest(site, reason, days, account()),
                lambda: approved(archive, "probe-override", told),
            )
            if as_json:
                emit_json({"override": detail})
            else:
                click.echo(f"{site} is trusted until {detail['until']}, on record with this reason.")
            return ExitCode.OK
        done = probe(archive, ProbeRequest(site), Terminal(quiet=as_json))
    if as_json:
        emit_json(done.as_json())
    else:
        _show(done.result)
    return done.exit_code


def _show(result: ProbeResult) -> None:
    rows = [
        (
            str(finding.group),
            finding.check,
            "ok" if finding.ok else {"refuse": "REFUSED", "weak": "weak", "info": "note"}[finding.severity],
            finding.detail,
        )
        for finding in result.findings
    ]
    print_table(("group", "check", "result", "what happened"), rows)
    for left in result.remains:
        warn(f"could not be removed: {left}")
    click.echo(f"{result.site} ({result.server or 'unknown server'}): {result.verdict}")
