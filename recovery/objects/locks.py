"""The locks of listed versions: some stores' listings leave them out, and each is then asked for.

That is a request for every version, so only what must know asks, and in parallel (``pipeline.py``).
"""

from __future__ import annotations

from collections.abc import Mapping

from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.stores import SiteReader, StoredVersion
from vanvault.recovery.objects.listing import Copies


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
