"""Why nothing is removed now. Whatever is not clean stops a clearing: what is gone cannot be asked."""

from __future__ import annotations

from datetime import timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.upkeep import recorded_counts
from vanvault.recovery.clock import ahead_now
from vanvault.recovery.coverage import damage_on_record, last_verified, set_aside_on_record
from vanvault.recovery.objects import Listing
from vanvault.recovery.reconcile import count_open


def reasons_against(archive: Archive) -> tuple[str, ...]:
    """What keeps a clearing from removing anything, for people; empty: nothing does.

    Asks every site for its time, and lists what lies at them outside of the archive's families. Raises
    Damaged, SiteUnavailable (the record cannot be read), KeyUnavailable.
    """
    found = [*_sites(archive)]
    if found:
        return tuple(found)
    found += _clocks(archive)
    if conflicts := count_open(archive):
        found.append(f"{conflicts} ids have two contents (vanvault reconcile)")
    found += _set_aside(archive)
    for site, one in damage_on_record(archive.search, archive.sites).items():
        found.append(f"a verification found damage at {site} ({one.findings} findings; vanvault repair)")
    found += _unverified(archive)
    return tuple(found)


def check_clocks(archive: Archive) -> None:
    """Raises SiteUnavailable: a clock differs from the others, or a site does not tell its time."""
    archive.trust.check_every_clock()


def _sites(archive: Archive) -> list[str]:
    away = []
    for name, site in archive.sites.items():
        try:
            site.now()
        except VanVaultError as error:
            away.append(f"the site {name} is away: {error.message}")
    return away


def _clocks(archive: Archive) -> list[str]:
    try:
        check_clocks(archive)
    except VanVaultError as error:
        return [f"the clocks do not agree: {error.message}"]
    if ahead := ahead_now(archive, archive.clock.host.now()):
        return [f"a clock was ahead: {len(ahead)} writers have times to come (vanvault clock show)"]
    return []


def _set_aside(archive: Archive) -> list[str]:
    for _ in Listing(archive.sites).strangers():
        pass  # the gates of the sites take note of them
    found = dict.fromkeys(archive.sites, 0)
    for (site, _), count in (*archive.quarantine.counts().items(), *_recorded(archive)):
        found[site] = max(found.get(site, 0), count)
    for site, one in set_aside_on_record(archive.search, archive.sites).items():
        found[site] = max(found.get(site, 0), one.objects)
    return [
        f"{count} objects at {site} are not the archive's (vanvault verify)"
        for site, count in sorted(found.items())
        if count
    ]


def _recorded(archive: Archive) -> list[tuple[tuple[str, str], int]]:
    return [(at, count) for at, count in recorded_counts(archive, timedelta(days=1)).items()]


def _unverified(archive: Archive) -> list[str]:
    limit = archive.clock.now() - timedelta(days=archive.settings.clearing.verified_days)
    lines = []
    for site, since in last_verified(archive.search, archive.sites, limit).items():
        if since is None or since < limit:
            lines.append(f"{site} was not verified whole since {rfc3339_seconds(limit)} (vanvault verify)")
    return lines
