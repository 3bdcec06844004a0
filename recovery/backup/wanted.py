"""What a backup has to hold: what the sites list, and what this node and the last backup know of.

A site that lost an object does not list it, so its own listing proves nothing. Asked besides are the other
site's listing, the hot tail and the catalogue of this home, and the record of the last backup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.archiver.core.names import segment_prefix
from vanvault.archiver.core.times import from_us, parse_rfc3339
from vanvault.archiver.stores import StoredVersion
from vanvault.recovery.backup.objects import first_stored, look_at
from vanvault.recovery.backup.record import Record, SavedObject
from vanvault.recovery.objects import passed_over

#: How far the clocks of the sites and of the node may differ: what is younger may be of the next run.
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class KnownObject:
    """An object of which this node knows, whether a site lists it or not."""

    key: str
    retain_until: datetime  # as a signed header or manifest says
    made: datetime | None  # None: not known


@dataclass(frozen=True, slots=True)
class Earlier:
    """An object that an earlier backup saved, and the slice that holds it."""

    slice: str
    snapshot: str
    entry: SavedObject


@dataclass(frozen=True, slots=True)
class Wanted:
    """Every object that the archive has, by where it was found."""

    at: datetime  # when the looking began, by the node's clock
    listed: Mapping[str, tuple[StoredVersion, ...]]  # at the chosen site, newest first
    elsewhere: Mapping[
        str, tuple[str, tuple[StoredVersion, ...]]
    ]  # only at another site: which, and versions
    unlisted: tuple[str, ...]  # known here, its lock is not over, and no site lists it
    away: tuple[str, ...]  # sites that could not be listed
    ignored: int  # names at the chosen site that are no archive objects


def known_objects(archive: Archive) -> Iterator[KnownObject]:
    """Batches that no segment holds, the large objects of their rows, and segments with their parts."""
    for batch in archive.tail.uncompacted()[0]:
        made = from_us(batch.header.created_us)
        yield KnownObject(batch.key, parse_rfc3339(batch.header.retain_until), made)
        for placement in batch.header.large:
            yield KnownObject(placement.key, parse_rfc3339(placement.retain_until), made)
    for segment in archive.catalogue.segments(spare=True):
        dates = {part.key: parse_rfc3339(part.retain_until) for part in segment.manifest.parts}
        for key, until in (*dates.items(), (segment.key, max(dates.values()))):
            yield KnownObject(key, until, None)


def earlier_objects(record: Record, held: set[str]) -> dict[str, Earlier]:
    """What a record holds in snapshots that are still there (``held``)."""
    found: dict[str, Earlier] = {}
    for one in record.slices:
        if one.snapshot in held:
            for entry in one.entries:
                found.setdefault(entry.key, Earlier(one.id, one.snapshot, entry))
    return found


def away_problems(sites: Iterable[str]) -> list[str]:
    """What it means that sites could not be listed, for people."""
    return [f"the site {site} is away; what only it holds was not looked at" for site in sites]


def find_wanted(archive: Archive, chosen: str, earlier: Mapping[str, Earlier]) -> Wanted:
    """List the sites, and compare with what is known. Raises SiteUnavailable: the chosen site is away.

    What an earlier backup saved and no site lists any more is missing as long as its lock lasts.
    """
    now = archive.clock.now()
    # Known before the listings begin, so that what comes meanwhile is not taken for missing.
    known = {one.key for one in known_objects(archive) if one.retain_until > now}
    known |= {key for key, one in earlier.items() if _must_be_there(archive, key, one.entry, now)}
    first = look_at(archive.sites[chosen])
    known -= first.young
    elsewhere: dict[str, tuple[str, tuple[StoredVersion, ...]]] = {}
    away = []
    for name, site in archive.sites.items():
        if name == chosen:
            continue
        try:
            found = look_at(site, skip=first.objects)
        except (SiteUnavailable, SettingsError):
            away.append(name)
            continue
        known -= found.young
        for key, versions in found.objects.items():
            elsewhere.setdefault(key, (name, versions))
    unlisted = known - first.objects.keys() - elsewhere.keys()
    passed = passed_over(archive)
    saved = {key: versions for key, versions in first.objects.items() if not passed(key)}
    elsewhere = {key: found for key, found in elsewhere.items() if not passed(key)}
    return Wanted(now, saved, elsewhere, tuple(sorted(unlisted)), tuple(away), first.strangers)


def _must_be_there(archive: Archive, key: str, entry: SavedObject, now: datetime) -> bool:
    """Must a site list what an earlier run saved? Its lock is not over, and no segment holds it.

    Of segments, the catalogue tells; a part that no manifest names is left over, and nobody needs it.
    """
    if entry.retain_until is None or entry.retain_until <= now or key.startswith(segment_prefix()):
        return False
    return not archive.catalogue.covers(key)


def not_in(record: Record, archive: Archive) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Objects older than the record that it lacks, by what sites list and this node knows; and sites away.

    A record of an older version, which does not say when the sites were listed, is not compared.
    """
    if record.listed is None:
        return (), ()
    before, now = record.listed - _CLOCKS_DIFFER, archive.clock.now()
    held = {entry.key for one in record.slices for entry in one.entries}
    missing = {
        one.key
        for one in known_objects(archive)
        if one.made is not None and one.made < before and one.retain_until > now and one.key not in held
    }
    away = []
    for name, site in archive.sites.items():
        try:
            found = look_at(site, skip=held)
        except (SiteUnavailable, SettingsError):
            away.append(name)
            continue
        missing |= {key for key, versions in found.objects.items() if first_stored(versions) < before}
    passed = passed_over(archive)
    missing = {key for key in missing if not passed(key)}
    return tuple(sorted(missing)), tuple(away)
