"""``vanvault status``: what there is, and how strong it is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.key_port import PURPOSES
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.client import ApiClient
from vanvault.cli.connection import url_option
from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.output import emit_json, human_size, json_option, print_pairs, warn
from vanvault.cli.schedule import alarms, standings

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.archiver.replicas import State
    from vanvault.archiver.stores import Capabilities

_LOCKS = {
    "permissions": "file permissions only: this host's root, and the user that runs VanVault, can delete;"
    " set immutable = true for this site (ext4 or xfs, needs root)",
    "immutable-flag": "immutable flag: nobody can delete by accident or as an ordinary user; this host's root"
    " can take the flag off",
    "compliance": "compliance mode: the store refuses every user, administrators too, until the date",
}

#: Batches close to the end of their lock that people are shown; ``--json`` gives all.
_ALARMS_SHOWN = 10


@click.command()
@url_option
@json_option
@click.pass_obj
def command(home: Path, url: str, as_json: bool) -> ExitCode:
    """Show sites, locks, keys, counts and whether a server answers.

    Ends with 10 when a site cannot be used; a server that does not answer is no error.
    """
    with open_archive(home) as archive:
        complete = _caught_up(archive)
        found = status_of(archive, complete)
        looked = [_looked(archive, site) for site in found["sites"]]
    with ApiClient(url) as client:
        ready, reason = client.ready()
        judged = client.health()
    found["server"] = {"url": url, "ready": ready, "detail": reason}
    for name in found["drills"]["overdue"]:
        warn(f"the drill {name} is overdue; run: vanvault drill run {name}")
    found["health"] = {"from": "look" if judged is None else "server", "sites": judged or looked}
    for line in found["schedule"]["alarms"]:
        warn(line)
    for site, since in found["verification"]["overdue"].items():
        warn(f"parts of {site} have not been verified since {since}; run: vanvault coverage")
    if as_json:
        emit_json(found)
    else:
        print_pairs(lines_of(found))
    whole = all(site["reachable"] for site in found["sites"])
    return ExitCode.OK if whole else ExitCode.SITE


def lock_strength(capabilities: Capabilities) -> str:
    """How far a store's lock goes, in plain words. Pure."""
    known = _LOCKS.get(capabilities.lock, capabilities.lock)
    if capabilities.lock_binds_administrator or capabilities.lock in ("permissions", "immutable-flag"):
        return known
    return f"{known}; but whoever runs the store's host can get round it"


def _caught_up(archive: Archive) -> bool:
    """Whatever is wrong, status goes on: it is what an operator asks when something is."""
    try:
        return catch_up(archive)
    except VanVaultError as error:
        warn(error.message)
        return False


def status_of(archive: Archive, complete: bool) -> dict[str, Any]:
    from vanvault.recovery.drill import overdue

    settings, signing = archive.settings, archive.signing
    return {
        "home": str(archive.home),
        "archive": settings.archive,
        "sites": [_site(archive, name) for name in archive.sites],
        "keys": {purpose: archive.keys.versions(purpose) for purpose in PURPOSES},
        "signing": {"active": signing.active().key_id, "public": len(signing.public_keys())},
        "hot_tail": archive.tail.counts() | {"complete": complete},
        "segments": _segments(archive),
        "retention": {
            "profile": archive.profile.name,
            "log_years": archive.profile.log.years,
            "originals_years": archive.profile.originals.years,
            "margin_days": archive.profile.originals.margin_days,
        },
        "gateways": len(archive.gateways.names()),
        "drills": {"overdue": overdue(archive.search, archive.clock.now())},
        "schedule": _schedule(archive),
        "verification": {"overdue": _unverified(archive)},
    }


def _segments(archive: Archive) -> dict[str, Any]:
    from vanvault.archiver.upkeep import look_at_locks

    found, batches = look_at_locks(archive), len(archive.tail.uncompacted()[0])
    alarms = [
        {
            "site": held.site,
            "batch": held.key,
            "locked_until": rfc3339_seconds(held.retain_until) if held.retain_until else "",
        }
        for held in found.alarms
    ]
    return {**archive.catalogue.counts(), "uncompacted": batches, "alarms": alarms}


def _schedule(archive: Archive) -> dict[str, list[str]]:
    from vanvault.recovery.schedule import entries_of, has_verb

    found, _ = standings(archive, entries_of(archive.settings, has_verb))
    return {
        "failing": [name for name, one in found.items() if one.failing],
        "overdue": [name for name, one in found.items() if one.overdue_since],
        "alarms": alarms(found),
    }


def _unverified(archive: Archive) -> dict[str, str]:
    """Sites of which some part was not verified for too long, and since when."""
    from vanvault.recovery.coverage import unverified_sites

    age = timedelta(days=archive.settings.verify.max_age_days)
    late = unverified_sites(archive.search, archive.sites, age, archive.clock.now())
    return {site: rfc3339_seconds(since) for site, since in late.items()}


def _site(archive: Archive, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"site": name, "url": getattr(archive.settings.sites, name).url}
    try:
        site = archive.sites[name]
        site.now()
        capabilities = site.capabilities
    except VanVaultError as error:
        return found | {"reachable": False, "detail": error.message, "lock": "", "lock_strength": ""}
    strength = lock_strength(capabilities)
    return found | {"reachable": True, "detail": "", "lock": capabilities.lock, "lock_strength": strength}


def _looked(archive: Archive, site: dict[str, Any]) -> dict[str, Any]:
    """A site's health by this one look, where no server that has watched it for longer tells."""
    from vanvault.archiver.replicas import SiteStatus
    from vanvault.recovery.reconcile import known_lag

    lag = None
    try:
        lag = known_lag(archive, site["site"])
    except VanVaultError as error:
        warn(error.message)
    state: State = "healthy" if site["reachable"] else "out"
    if site["reachable"] and lag is not None and lag.objects:
        state = "catching-up"
    return SiteStatus(site["site"], state, None, site["detail"], lag).as_json()


def _health_line(site: dict[str, Any]) -> str:
    lag = site.get("lag")
    behind = f", lacks {lag['objects']} objects, {human_size(lag['bytes'])}" if lag and lag["objects"] else ""
    reason = f" ({site['reason']})" if site["reason"] else ""
    return f"{site['site']} {site['state']}{behind}{reason}"


def lines_of(found: dict[str, Any]) -> list[tuple[str, object]]:
    lines: list[tuple[str, object]] = [("home", found["home"]), ("archive", found["archive"])]
    for site in found["sites"]:
        lines.append((site["site"], f"{site['url']}  " + ("reachable" if site["reachable"] else "AWAY")))
        lines.append(("", f"lock: {site['lock_strength']}" if site["reachable"] else site["detail"]))
    lines.extend(("health", _health_line(site)) for site in found["health"]["sites"])
    counts, retention, segments = found["hot_tail"], found["retention"], found["segments"]
    gaps = "" if counts["complete"] else " (incomplete: see the warning)"
    lines += [
        ("entries", f"{counts['entries']} in {counts['batches']} batches{gaps}"),
        ("segments", f"{segments['segments']} with {segments['rows']} rows"),
        ("not compacted", f"{segments['uncompacted']} batches"),
        *(("LOCK ENDS SOON", _alarm(held)) for held in segments["alarms"][:_ALARMS_SHOWN]),
        ("conflicts", f"{counts['conflicts']} ids with two contents" if counts["conflicts"] else "none"),
        (
            "retention",
            f"{retention['profile']}: log {retention['log_years']} years, originals"
            f" {retention['originals_years']} years, each and {retention['margin_days']} days",
        ),
    ]
    if len(segments["alarms"]) > _ALARMS_SHOWN:
        lines.append(("", f"and {len(segments['alarms']) - _ALARMS_SHOWN} more; --json gives all"))
    for purpose, versions in found["keys"].items():
        lines.append((f"key {purpose}", f"version {versions[-1]} active, {len(versions)} held"))
    signing, server = found["signing"], found["server"]
    lines += [
        ("key signing", f"{signing['active']} active, {signing['public']} public keys"),
        ("gateways", found["gateways"]),
        ("server", f"{server['url']}  {server['detail']}"),
    ]
    return lines


def _alarm(held: dict[str, str]) -> str:
    until = f"locked until {held['locked_until']}" if held["locked_until"] else "not locked"
    return f"{held['batch']} at {held['site']}: {until}, and in no segment; run: vanvault compact"
