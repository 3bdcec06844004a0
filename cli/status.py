"""``vanvault status``: what there is, how strong it is, and whether a server answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.client import ApiClient
from vanvault.cli.connection import ca_file_option, url_option
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, print_pairs, warn
from vanvault.cli.progress import Terminal

#: Batches close to the end of their lock that people are shown; ``--json`` gives all.
_ALARMS_SHOWN = 10


@click.command()
@url_option
@ca_file_option
@json_option
@click.pass_obj
def command(home: Path, url: str, ca_file: Path | None, as_json: bool) -> ExitCode:
    """Show sites, leader, locks, keys, counts, what somebody must see to, and whether a server answers.

    Ends with 10 when a site cannot be used, else with 3 while a condition of severity error stands: damage
    that is known, keys in no verified escrow, a backup that failed or is too old. A server that does not
    answer is no error.
    """
    from vanvault.recovery.status import status

    with open_archive(home) as archive:
        report = status(archive, Terminal(quiet=as_json))
    with ApiClient(url, ca_file=ca_file) as client:
        ready, reason = client.ready()
        judged = client.health()
    found = report.as_json()
    looked = found.pop("health")["sites"]
    found["server"] = {"url": url, "ready": ready, "detail": reason}
    found["health"] = {"from": "look" if judged is None else "server", "sites": judged or looked}
    for name in report.late.drills:
        warn(f"the drill {name} is overdue; run: vanvault drill run {name}")
    if report.together:
        warn(f"{report.together}, and may be lost together: put the standby on another machine")
    for line in report.late.job_alarms:
        warn(line)
    for site, since in report.late.verification.items():
        warn(f"parts of {site} have not been verified since {rfc3339_seconds(since)}; run: vanvault coverage")
    if as_json:
        emit_json(found)
    else:
        print_pairs(lines_of(found))
    return report.exit_code


def _health_line(site: dict[str, Any]) -> str:
    lag = site.get("lag")
    behind = f", lacks {lag['objects']} objects, {human_size(lag['bytes'])}" if lag and lag["objects"] else ""
    reason = f" ({site['reason']})" if site["reason"] else ""
    return f"{site['site']} {site['state']}{behind}{reason}"


def lines_of(found: dict[str, Any]) -> list[tuple[str, object]]:
    """The JSON form of a status as lines for people."""
    lines: list[tuple[str, object]] = [("home", found["home"]), ("archive", found["archive"])]
    for site in found["sites"]:
        lines.append((site["site"], f"{site['url']}  " + ("reachable" if site["reachable"] else "AWAY")))
        lines.append(("", f"lock: {site['lock_strength']}" if site["reachable"] else site["detail"]))
    lines.extend(("health", _health_line(site)) for site in found["health"]["sites"])
    lines.append(("leader", f"{found['leader']}, in epoch {found['epoch']}"))
    counts, retention, segments = found["hot_tail"], found["retention"], found["segments"]
    gaps = "" if counts["complete"] else " (incomplete: see the warning)"
    lines += [
        ("entries", f"{counts['entries']} in {counts['batches']} batches{gaps}"),
        ("segments", f"{segments['segments']} with {segments['rows']} rows"),
        ("not compacted", f"{segments['uncompacted']} batches"),
        *(("spent", _spent(one)) for one in segments["spent"] if one["batches"]),
        *(("index kept", _kept(one)) for one in found["index"]["kept"]),
        *(("LOCK ENDS SOON", _alarm(held)) for held in segments["alarms"][:_ALARMS_SHOWN]),
        ("conflicts", f"{counts['conflicts']} ids with two contents" if counts["conflicts"] else "none"),
        (
            "retention",
            f"{retention['profile']}: log {retention['log_years']} years, originals"
            f" {retention['originals_years']} years, each and {retention['margin_days']} days",
        ),
    ]
    lines += [
        ("SET ASIDE", f"{one['objects']} at {one['site']} ({one['reason']}); run: vanvault verify")
        for one in found["set_aside"]
    ]
    if len(segments["alarms"]) > _ALARMS_SHOWN:
        lines.append(("", f"and {len(segments['alarms']) - _ALARMS_SHOWN} more; --json gives all"))
    for purpose, versions in found["keys"].items():
        held = f"version {versions[-1]} active, {len(versions)} held" if versions else "none yet"
        lines.append((f"key {purpose}", held))
    signing, server = found["signing"], found["server"]
    lines += [
        ("key signing", f"{signing['active']} active, {signing['public']} public keys"),
        *(("KEY REVOKED", one) for one in signing["revoked"]),
        *(("KEY FOLDER TOO OLD", f"{one}: restore from a newer escrow") for one in signing["missing_acts"]),
        *(("KEY NOT TRUSTED", f"{one}: no trusted key introduced it") for one in signing["not_introduced"]),
        ("third copy", _third_copy(found["third_copy"])),
        ("escrow", _escrow(found["escrow"])),
        ("gateways", found["gateways"]),
        *(("disposal", _disposal(one)) for one in found["disposals"]),
        ("server", f"{server['url']}  {server['detail']}"),
    ]
    for one in found["conditions"]:
        lines.append((one["severity"].upper(), f"{one['id']}: {one['text']}, since {one['since']}"))
        lines.append(("", f"{one['remedy']} See {one['runbook']}"))
    return lines


def _spent(one: dict[str, Any]) -> str:
    size = human_size(one["bytes"])
    return f"{one['batches']} batches at {one['site']}, {size}, which vanvault clear would remove"


def _disposal(one: dict[str, Any]) -> str:
    cools = f" until {one['cools_until']}" if one["state"] == "cooling" else ""
    return f"{one['disposal']} is {one['state']}{cools}: {one['entries']} entries, planned by {one['who']}"


def _kept(one: dict[str, Any]) -> str:
    if not one["configured"]:
        return f"{one['site']}: none; name a bucket without locks in sites.{one['site']}.index_url"
    of = one["segments"] + one["lacking"]
    trouble = f" ({one['trouble']})" if one["trouble"] else ""
    return f"{one['site']}: {one['segments']} of {of} segments, {human_size(one['bytes'])}{trouble}"


def _age(seconds: float) -> str:
    days = int(seconds // 86_400)
    return f"{days} days" if days > 1 else human_duration(seconds)


def _third_copy(copy: dict[str, Any]) -> str:
    if not copy["configured"]:
        return "none: backup.repository is not set"
    good = "no good run yet"
    if copy["last_good"] is not None:
        good = f"last good run {copy['last_good']}, {_age(copy['age_seconds'])} ago"
    good += f"; in {copy['country']}" if copy["country"] else "; its country is not said: backup.country"
    if copy["last_saved"] in (None, copy["last_good"]):
        return good
    return (
        f"{good}; the run of {copy['last_saved']} saved every object, BUT NOT EVERY KEY IN USE WAS IN ESCROW"
    )


def _escrow(escrow: dict[str, Any]) -> str:
    if not escrow["possible"]:
        return "none: the token gives no key away"
    if not escrow["bundles"]:
        return "none on record"
    made, verified = (
        f"{escrow[at]}, {_age(escrow[age])} ago" if escrow[at] else "at an unknown time"
        for at, age in (("made_at", "age_seconds"), ("verified_at", "verified_age_seconds"))
    )
    opened = f"last verified {verified}" if escrow["verified_at"] else "NEVER VERIFIED"
    lacks = f"; LACKS {', '.join(escrow['lacking'])}" if escrow["lacking"] else ""
    return f"last made {made}; {opened}{lacks}"


def _alarm(held: dict[str, str]) -> str:
    until = f"locked until {held['locked_until']}" if held["locked_until"] else "not locked"
    return f"{held['batch']} at {held['site']}: {until}, and in no segment; run: vanvault compact"
