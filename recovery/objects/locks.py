"""The locks of listed versions: some stores' listings leave them out, and each is then asked for.

That is a request for every version, so only what must know asks, and in parallel (``pipeline.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.names import batch_prefix
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.stores import SiteReader, StoredVersion
from vanvault.recovery.objects.listing import Copies

#: The date until which a signed header or manifest asks to lock the object with a key; None: it is not known.
SignedDates = Callable[[str], datetime | None]


def nothing_signed(key: str) -> datetime | None:
    """Default: no date is known."""
    return None


def listed_with_locks(site: SiteReader) -> bool:
    """Do the site's listings tell the lock? Raises SiteUnavailable, SettingsError."""
    return site.capabilities.list_shows_locks


def with_lock(site: SiteReader, version: StoredVersion) -> StoredVersion:
    """A listed version with its lock. Raises NotFound (it is gone), SiteUnavailable, SettingsError."""
    if version.retain_until is not None or listed_with_locks(site):
        return version
    return site.stat(version.key, version.version)


def newest_with_locks(copies: Copies, sites: Mapping[str, SiteReader]) -> Copies:
    """The newest version at each site, with its lock; a site at which it is gone is left out."""
    found = {}
    for site, versions in copies.at.items():
        try:
            found[site] = (with_lock(sites[site], versions[0]),)
        except NotFound:
            continue
    return Copies(copies.key, found)


def signed_dates(archive: Archive) -> SignedDates:
    """The dates that this node knows of folded batches and of segments in its catalogue, all of them signed.

    A look at the catalogue as it is now; batches are looked up one by one.
    """
    parts: dict[str, datetime] = {}
    for segment in archive.catalogue.segments(spare=True):
        dates = {part.key: parse_rfc3339(part.retain_until) for part in segment.manifest.parts}
        parts |= {**dates, segment.key: max(dates.values())}

    def find(key: str) -> datetime | None:
        if key in parts or not key.startswith(batch_prefix()):
            return parts.get(key)
        try:
            return parse_rfc3339(archive.tail.batch_of(key).header.retain_until)
        except NotFound:
            return None

    return find
