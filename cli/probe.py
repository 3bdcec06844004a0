"""``vanvault probe``: is this store write-once, or does it only say so?"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput, SiteUnavailable
from vanvault.cli.context import account, open_archive
from vanvault.cli.output import emit_json, json_option, print_table, warn

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.archiver.stores.probe import ProbeResult

_EXIT = {
    "pass": ExitCode.OK,
    "weak": ExitCode.PROBE_WEAK,
    "refused": ExitCode.PROBE_REFUSED,
    "unreachable": ExitCode.PROBE_UNREACHABLE,
}
_MAX_OVERRIDE_DAYS = 90


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
    with open_archive(home) as archive:
        archive.endpoint(site)
        if override:
            return _override(archive, site, reason, days, as_json)
        result = run_probe(archive, site)
        archived = _archive(archive, result)
    if as_json:
        emit_json({**result.as_dict(), "archived": archived})
    else:
        _show(result)
    return _EXIT[result.verdict]


def run_probe(archive: Archive, site: str) -> ProbeResult:
    """Probe one site of a home as its settings and credentials say. Raises SettingsError, AccessDenied."""
    from vanvault.archiver.stores import (
        DUTIES,
        FileUrl,
        optional_credentials,
        parse_site_url,
        site_credentials,
    )

    url = archive.endpoint(site)
    settings = getattr(archive.settings.sites, site)
    place = parse_site_url(url)
    if isinstance(place, FileUrl):
        from vanvault.archiver.stores.probe import probe_file

        found = probe_file(site, archive.home / place.path, immutable=settings.immutable)
        return replace(found, endpoint=url)  # as intake will ask for it
    from vanvault.archiver.stores.probe import attacker, probe_s3

    options = settings.s3.options()
    held = site_credentials(site, os.environ)
    attackers = [attacker(duty, place.endpoint, getattr(held, duty), options) for duty in DUTIES]
    for duty in ("prober", "admin"):
        extra = optional_credentials(site, duty, os.environ)
        if extra is not None:
            attackers.append(attacker(duty, place.endpoint, extra, options))
    return probe_s3(site, url, attackers, max_skew=timedelta(seconds=archive.settings.clock.max_skew_s))


def _archive(archive: Archive, result: ProbeResult) -> bool:
    from vanvault.archiver.stores.probe import probe_event, signed_detail

    if result.verdict == "unreachable":
        return False
    try:
        archive.record(probe_event(result.site), signed_detail(result, archive.signing.active()))
    except SiteUnavailable as error:
        warn(f"the result could not be archived ({error.message}); intake will not know of it")
        return False
    return True


def _override(archive: Archive, site: str, reason: str, days: int, as_json: bool) -> ExitCode:
    from vanvault.archiver.stores.probe import override_detail, override_event

    if not reason.strip():
        raise InvalidInput("--override needs a reason", field="reason", hint="Say why: --reason TEXT.")
    if not 1 <= days <= _MAX_OVERRIDE_DAYS:
        raise InvalidInput(f"--days is from 1 to {_MAX_OVERRIDE_DAYS}", field="days")
    until = archive.clock.now() + timedelta(days=days)
    detail = override_detail(site, reason.strip(), account(), until)
    archive.record(override_event(site), detail)
    if as_json:
        emit_json({"override": detail})
    else:
        click.echo(f"{site} is trusted until {detail['until']}, on record with this reason.")
    return ExitCode.OK


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
