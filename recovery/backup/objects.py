"""Objects between sites and the stage, each checked against the digest in its key."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.names import digest_in
from vanvault.archiver.stores import SiteReader, StoredVersion
from vanvault.recovery.objects import with_lock


@dataclass(frozen=True, slots=True)
class ListedSite:
    """One listing of a site."""

    objects: Mapping[str, tuple[StoredVersion, ...]]  # of every archive object, newest first
    young: frozenset[str]  # objects that were stored while the listing ran: left for the next run
    strangers: int  # other keys


def look_at(site: SiteReader, skip: Container[str] = ()) -> ListedSite:
    """List a site, without the keys of ``skip``.

    What was stored while the listing ran is left for the next run: so no object in it refers to one that
    was listed too early to be seen. Raises SiteUnavailable, SettingsError.
    """
    began = site.now()
    found: dict[str, tuple[StoredVersion, ...]] = {}
    strangers = 0
    for key, group in groupby(site.list(""), key=lambda version: version.key):
        if key in skip:
            continue
        versions = tuple(group)
        if digest_in(key) is None:
            strangers += 1
        else:
            found[key] = versions
    ended = site.now()
    # Whole seconds: some stores say no more. What bears a later date is of a clock that was wrong: it stays.
    young = [key for key, versions in found.items() if began < first_stored(versions) <= ended]
    for key in young:
        del found[key]
    return ListedSite(found, frozenset(young), strangers)


def list_objects(site: SiteReader) -> tuple[Mapping[str, tuple[StoredVersion, ...]], int]:
    """The versions (newest first) of every archive object, and how many other keys there are.

    As ``look_at`` finds them. Raises SiteUnavailable, SettingsError.
    """
    found = look_at(site)
    return found.objects, found.strangers


def first_stored(versions: Sequence[StoredVersion]) -> datetime:
    """When the oldest of these versions was stored, by the site, in whole seconds."""
    return min(version.stored_at for version in versions).replace(microsecond=0)


def is_held(site: SiteReader, held: Sequence[StoredVersion], size: int, until: datetime | None) -> bool:
    """Does the site hold the object, as far as size and lock tell? Raises SiteUnavailable."""
    if not held or held[0].size != size:
        return False
    try:
        newest = with_lock(site, held[0])
    except NotFound:
        return False
    return until is None or (newest.retain_until is not None and newest.retain_until >= until)
