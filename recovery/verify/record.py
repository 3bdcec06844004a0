"""Verifications on record: each run is one event of the archive, ``vanvault.verify.finished``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime

from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.times import rfc3339_us, to_us
from vanvault.archiver.journal import EventType
from vanvault.archiver.stores import SiteReader
from vanvault.recovery.verified import SET_ASIDE, Subset
from vanvault.recovery.verify.model import Finding, VerifyReport

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
