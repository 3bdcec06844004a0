"""What a site that is out lacks, as far as this node knows: it cannot be compared, but receipts tell."""

from __future__ import annotations

from collections.abc import Iterator

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownBatch
from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.names import batch_prefix
from vanvault.archiver.core.times import to_us
from vanvault.archiver.replicas import Lag

_PAGE = 500


def known_lag(archive: Archive, site: str) -> Lag | None:
    """Batches that were acknowledged without ``site``: how many, their bytes, the age of the oldest.

    None where nobody knows: the site does not answer, and all that it held may be gone. What is known to lack
    is the least then. Bytes are those that another site lists. Raises SiteUnavailable: none can be listed.
    """
    is_away = site in archive.readable.away()
    objects, oldest_us = 0, 0
    first = ""
    for batch in _lacking(archive, site):
        objects += 1
        first = first or batch.key
        created = batch.header.created_us
        oldest_us = min(oldest_us or created, created)
    if not objects:
        return None if is_away else Lag()
    seconds = max(0, to_us(archive.clock.now()) - oldest_us) / 1_000_000
    return Lag(objects, _bytes(archive, site, first), seconds)


def _lacking(archive: Archive, site: str) -> Iterator[KnownBatch]:
    after = ""
    while keys := archive.tail.degraded(_PAGE, after):
        for key in keys:
            try:
                batch = archive.tail.batch_of(key)
            except NotFound:
                continue  # the tail was made anew meanwhile
            if not any((p.site, p.key) == (site, key) for p in batch.placements):
                yield batch
        after = keys[-1]


def _bytes(archive: Archive, site: str, first: str) -> int:
    """Both streams are in the order of keys, so one pass is enough, from the oldest batch on."""
    there = archive.health.usable(archive.sites)
    holder = next((other for name, other in there.items() if name != site), None)
    if holder is None:
        return 0
    listed = holder.list(batch_prefix(), first[:-1])
    total, version = 0, next(listed, None)
    for batch in _lacking(archive, site):
        while version is not None and version.key < batch.key:
            version = next(listed, None)
        if version is not None and version.key == batch.key:
            total += version.size
    return total
