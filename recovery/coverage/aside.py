"""What verifications on record named at a site that is not the archive's, until one does not name it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.catalogue import Search
from vanvault.recovery.verified import VerifyRun, verify_runs


@dataclass(frozen=True, slots=True)
class KnownAside:
    """What lies at one site and is not the archive's, by the last verification of it."""

    since: datetime  # when a verification first named something there, and every later one did
    objects: int  # that the last one named


def set_aside_on_record(search: Search, sites: Collection[str]) -> dict[str, KnownAside]:
    """By site, by what is folded here. Raises Damaged, SiteUnavailable (the index cannot be read)."""
    return known_aside(verify_runs(search), sites)


def known_aside(runs: Iterable[VerifyRun], sites: Collection[str]) -> dict[str, KnownAside]:
    """``runs``: newest first; they are read no further than is needed. Pure.

    A run over a subset counts like any other: names are checked whole each time.
    """
    found: dict[str, KnownAside] = {}
    asked = set(sites)
    for run in runs:
        for site in asked & run.sites.keys():
            count = run.sites[site].aside
            if count:
                found[site] = KnownAside(run.finished, found[site].objects if site in found else count)
            else:
                asked.discard(site)
        if not asked:
            break
    return found
