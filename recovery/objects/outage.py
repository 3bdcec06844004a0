"""Is a site away, or does it merely not give one object? MinIO says 503 of an object whose bytes rotted."""

from __future__ import annotations

from collections.abc import Mapping

from vanvault.archiver.core.errors import SiteFull, SiteUnavailable
from vanvault.archiver.replicas import answers
from vanvault.archiver.stores import SiteReader


def is_of_one_object(error: SiteUnavailable, sites: Mapping[str, SiteReader]) -> bool:
    """Does the failure tell of one object only? So it is where the site, asked for its time, answers.

    A full site answers, too, and takes no object at all.
    """
    site = sites.get(error.site)
    return site is not None and not isinstance(error, SiteFull) and answers(site)
