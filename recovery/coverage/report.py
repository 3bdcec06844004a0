"""The coverage of whole sites: one pass over the names of each, against the runs on record."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Search
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.journal import first_event_at
from vanvault.archiver.stores import SiteReader, StoredVersion
from vanvault.recovery.coverage.damage import KnownDamage, damage_on_record
from vanvault.recovery.coverage.model import SiteCoverage, Tally, verified_since
from vanvault.recovery.verified import Subset, VerifiedAt, VerifyRun, next_subset, verify_runs
from vanvault.recovery.work import QUIET, Observer, Step, catch_up, silent

_Held = tuple[ObjectName, StoredVersion]


@dataclass(frozen=True, slots=True)
class CoverageRequest:
    """How much of the archive was verified lately? It has no options."""


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """How much of an archive was verified lately enough."""

    sites: tuple[SiteCoverage, ...]
    away: Mapping[str, str]  # site -> why it could not be listed
    now: datetime
    max_age_days: float  # longer than this no object should go unverified
    runs: int  # on record, that count
    last_run: datetime | None
    turn: Subset  # the subset to be read next
    damaged: Mapping[str, KnownDamage] = field(default_factory=dict)  # by site, what is known

    @property
    def overdue(self) -> bool:
        """Is there an object that has gone unverified for longer than the limit?"""
        return any(site.overdue.objects for site in self.sites)

    @property
    def exit_code(self) -> ExitCode:
        if self.overdue or self.damaged:
            return ExitCode.CHECK_FAILED
        return ExitCode.SITE if self.away else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "max_age_days": self.max_age_days,
            "overdue": self.overdue,
            "runs": self.runs,
            "last_run": rfc3339_seconds(self.last_run) if self.last_run else None,
            "sites": {site.site: _site_fields(site, self.now) for site in self.sites},
            "away": sorted(self.away),
            "damaged": {site: _damage_fields(found) for site, found in self.damaged.items()},
            "next": str(self.turn),
        }


def coverage(archive: Archive, request: CoverageRequest, observer: Observer = QUIET) -> CoverageReport:
    """Compare what the sites list with the verifications on record, within ``verify.max_age_days``.

    Raises KeyUnavailable. A site that is away is in the report.
    """
    catch_up(archive, observer.warn)
    return coverage_of(archive)


def coverage_of(archive: Archive, step: Step = silent) -> CoverageReport:
    """The same by what is folded here; ``step``: called at each object. Raises as ``coverage``, ``step``."""
    settings, now = archive.settings.verify, archive.clock.now()
    age = timedelta(days=settings.max_age_days)
    # An object that was found damaged counts from the run before, which may be older than the limit.
    runs = list(verify_runs(archive.search, since=now - 2 * age))
    sites, away = _listed(archive.sites, runs, now - age, step)
    return CoverageReport(
        sites,
        away,
        now=now,
        max_age_days=settings.max_age_days,
        runs=len(runs),
        last_run=runs[0].finished if runs else None,
        turn=next_subset(runs, settings.parts, archive.sites),
        damaged=damage_on_record(archive.search, archive.sites),
    )


def _site_fields(site: SiteCoverage, now: datetime) -> dict[str, Any]:
    oldest = None
    if site.oldest is not None:
        since, key = site.oldest
        days = round((now - since) / timedelta(days=1), 3)
        oldest = {"key": key, "since": rfc3339_seconds(since), "days": days}
    return {
        **_tally(site.total),
        "verified": {**_tally(site.verified), "share": round(site.verified.fraction_of(site.total), 6)},
        "young": _tally(site.young),
        "overdue": _tally(site.overdue),
        "oldest_unverified": oldest,
    }


def _damage_fields(found: KnownDamage) -> dict[str, Any]:
    return {
        "since": rfc3339_seconds(found.since),
        "seen": rfc3339_seconds(found.seen),
        "findings": found.findings,
    }


def _tally(tally: Tally) -> dict[str, int]:
    return {"objects": tally.objects, "bytes": tally.bytes}


def _listed(
    sites: Mapping[str, SiteReader], runs: Sequence[VerifyRun], limit: datetime, step: Step
) -> tuple[tuple[SiteCoverage, ...], dict[str, str]]:
    """Compare what the sites list with the runs on record.

    ``limit``: an object must have been verified, or stored, at this moment or later. A site that cannot be
    listed is in ``away``.
    """
    found: list[SiteCoverage] = []
    away: dict[str, str] = {}
    for name, site in sites.items():
        try:
            found.append(_of_site(site, VerifiedAt(runs, name), limit, step))
        except (SiteUnavailable, SettingsError) as error:
            away[name] = error.message
    return tuple(found), away


def unverified_sites(
    search: Search, sites: Mapping[str, SiteReader], max_age: timedelta, now: datetime
) -> dict[str, datetime]:
    """Sites of which some part has gone unverified for longer than ``max_age``, and since when.

    From the runs alone, without a listing: an alarm that can be asked often. An archive that is younger than
    ``max_age`` has no such part.
    """
    limit = now - max_age
    first = first_event_at(search)
    if first is None or first >= limit:
        return {}
    runs = list(verify_runs(search, since=limit))
    late = {}
    for site in sites:
        since = verified_since(runs, site)
        if since is None or since < limit:
            late[site] = limit if since is None else since
    return late


def last_verified(search: Search, sites: Collection[str], since: datetime) -> dict[str, datetime | None]:
    """By site, since when all of it was verified, by the runs after ``since``; None: some part was not."""
    runs = list(verify_runs(search, since=since))
    return {site: verified_since(runs, site) for site in sites}


def _of_site(site: SiteReader, verified_at: VerifiedAt, limit: datetime, step: Step) -> SiteCoverage:
    found = SiteCoverage(site.site)
    for objects in _together(_newest(site)):
        # Verification reads a segment whole, in the subset of its part that is last by name.
        by = objects[-1][0].sha256
        for name, version in objects:
            verified = verified_at(name.sha256, version.stored_at, by=by)
            step(size=version.size)
            found.take(name.key, version.size, version.stored_at, verified, limit)
    return found


def _newest(site: SiteReader) -> Iterator[_Held]:
    """The archive's objects and the newest version of each, in the order of their names."""
    for key, versions in groupby(site.list(), key=lambda version: version.key):
        name = parse_key(key)
        if name is not None:
            yield name, next(iter(versions))


def _together(held: Iterator[_Held]) -> Iterator[list[_Held]]:
    """Objects one by one, but those of a segment together."""
    for owner, objects in groupby(held, key=lambda one: one[0].writer if one[0].family == "segment" else ""):
        if owner:
            yield list(objects)
        else:
            yield from ([one] for one in objects)
