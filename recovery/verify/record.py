"""Verifications on record: each run is one event of the archive, ``vanvault.verify.finished``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from vanvault.archiver.catalogue import Search
from vanvault.archiver.core.errors import SettingsError, SiteUnavailable, VanVaultError
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_us, to_us
from vanvault.archiver.journal import EventType, own_events
from vanvault.archiver.stores import SiteReader
from vanvault.recovery.verify.model import Finding, Subset, VerifyReport
from vanvault.recovery.verify.runs import SiteRun, VerifyRun
from vanvault.recovery.verify.whole import SET_ASIDE

FINISHED = EventType.VERIFY_FINISHED

#: Objects that are not whole and are named in one event. With more, the run vouches for no object.
MAX_NAMED = 256


def site_times(sites: Mapping[str, SiteReader]) -> dict[str, datetime]:
    """Each site's own time, to be asked before a verification begins; a site that is away has none."""
    times = {}
    for name, site in sites.items():
        try:
            times[name] = site.now()
        except (SiteUnavailable, SettingsError):
            continue  # the verification itself finds and names it
    return times


def verify_detail(
    report: VerifyReport,
    subset: Subset,
    *,
    asked: Collection[str],
    began: Mapping[str, datetime],
    started: datetime,
    finished: datetime,
    keys: Collection[str] = (),
) -> dict[str, object]:
    """The detail of the event about a run.

    ``began``: by site its own time before the run; ``started`` and ``finished`` are of this host.
    ``keys``: ids of the master and signing keys that it was made with.
    """
    failing = [finding for finding in report.findings if finding.failing]
    damaged: dict[str, set[str]] = {site: set() for site in report.sites}
    away, named = set(), True
    for finding in failing:
        if finding.problem == "unavailable":
            away.add(finding.site)
            continue
        digest = _named_digest(finding)
        if digest is None:
            # A gap, a stray: nothing that a site lists as an object of the archive is meant.
            # A key is another matter: nobody knows what it would have opened.
            named = named and finding.problem != "key"
        elif finding.site in damaged:
            damaged[finding.site].add(digest)
        else:
            for found in damaged.values():
                found.add(digest)
    if sum(map(len, damaged.values())) > MAX_NAMED:
        named = False
    aside = Counter(finding.site for finding in failing if finding.problem in SET_ASIDE)
    return {
        "asked": sorted(asked),
        "events": report.events,
        "findings": dict(sorted(Counter(finding.problem for finding in report.findings).items())),
        "finished": rfc3339_us(to_us(finished)),
        "keys": sorted(keys),
        "messages": report.messages,
        "ms": round(report.seconds * 1000),
        "named": named,
        "objects": report.objects,
        "share": f"{subset.number}/{subset.of}",
        "sites": {
            site: {
                "aside": aside[site],
                "began": rfc3339_us(to_us(began[site])),
                "bytes": extent.bytes,
                "damaged": sorted(damaged[site]) if named else [],
                "objects": extent.objects,
            }
            for site, extent in report.sites.items()
            if site in began and site not in away
        },
        "started": rfc3339_us(to_us(started)),
        "whole": report.whole,
    }


def _named_digest(finding: Finding) -> str | None:
    """The SHA-256 in the name of the object, in hex; None: the finding is not about an archive's object."""
    name = parse_key(finding.key) if finding.problem not in SET_ASIDE else None
    return name.sha256.hex() if name is not None else None


def verify_runs(search: Search, *, since: datetime | None = None) -> Iterator[VerifyRun]:
    """Verifications on record, newest first; an event that is not readable as one is passed by."""
    for event in own_events(search, FINISHED, from_us=to_us(since) if since else 0):
        try:
            run = run_of(event.detail)
            if event.counts_as:  # else nothing would be due until the time that a clock ahead wrote
                run = replace(
                    run,
                    finished=event.no_later(run.finished),
                    sites={
                        site: replace(one, began=event.no_later(one.began)) for site, one in run.sites.items()
                    },
                )
            yield run
        except (KeyError, TypeError, ValueError, AttributeError, VanVaultError):
            continue


def run_of(detail: Mapping[str, Any]) -> VerifyRun:
    """A run from the detail of its event. Raises KeyError, TypeError, ValueError, InvalidInput."""
    # Events of older versions do not say at which site: then it is taken to lie at each.
    aside = sum(int(count) for problem, count in detail["findings"].items() if problem in SET_ASIDE)
    return VerifyRun(
        finished=parse_rfc3339(detail["finished"]),
        subset=Subset.parse(detail["share"]),
        whole=detail["whole"] is True,
        findings={str(problem): int(count) for problem, count in detail["findings"].items()},
        named=detail["named"] is True,
        asked=frozenset(map(str, detail["asked"])),
        sites={
            str(site): SiteRun(
                began=parse_rfc3339(fields["began"]),
                objects=int(fields["objects"]),
                size=int(fields["bytes"]),
                damaged=frozenset(map(bytes.fromhex, fields["damaged"])),
                aside=int(fields.get("aside", aside)),
            )
            for site, fields in detail["sites"].items()
        },
        seconds=int(detail["ms"]) / 1000,
    )
