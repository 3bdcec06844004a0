"""A compacted archive of a wanted size, as it is long after its writing: segments, and the newest batches.

The product's own writer and compaction make it. Batches are kept in memory until a segment holds them, as
if their locks had ended and they had been disposed of; else an archive of 5 GB would need twice the time
and room. Messages are unique: half of their bytes signed dossiers, half notices that do not compress.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path

from built_archive import DOSSIER, ROWS, Built, as_draft
from common import Original, make_originals
from tests.support.memory_site import MemorySite

from vanvault.archiver.appliance import Archive, open_components
from vanvault.archiver.core.names import batch_prefix, parse_key
from vanvault.archiver.stores import (
    Capabilities,
    Site,
    StoredVersion,
    Stray,
)
from vanvault.archiver.upkeep import compact

NOTICE = 60_000  # bytes
#: Original bytes of one segment: so its originals take about 16 MB.
SEGMENT = 28 * 2**20
#: For the setting of that name, in the environment of everything that compacts here.
SEGMENT_VARIABLE = "VANVAULT_COMPACTION__SEGMENT_BYTES"


class Passing(MemorySite):
    """Gives up what is compacted, whatever its lock."""

    def drop(self, key: str) -> None:
        self._held.pop(key, None)


class Split:
    """A site whose batches lie in memory, and all else where it belongs."""

    def __init__(self, real: Site, batches: Passing) -> None:
        self.real = real
        self.batches = batches

    @property
    def site(self) -> str:
        return self.real.site

    @property
    def capabilities(self) -> Capabilities:
        return self.real.capabilities

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        where = self.batches if key.startswith(batch_prefix()) else self.real
        return where.put(key, data, sha256=sha256, retain_until=retain_until)

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        return self._of(key).get(key, version, most=most)

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        return self._of(key).get_range(key, offset, length, version)

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        return self._of(key).get_locked(key, version, most=most)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        return self._of(key).stat(key, version)

    def versions(self, key: str) -> list[StoredVersion]:
        return self._of(key).versions(key)

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        return self._of(key).extend(key, version, retain_until)

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        both = (self.real.list(prefix, after), self.batches.list(prefix, after))
        return heapq.merge(*both, key=attrgetter("key"))

    def strays(self) -> Iterator[Stray]:
        return self.real.strays()

    def now(self) -> datetime:
        return self.real.now()

    def close(self) -> None:
        self.real.close()

    def _of(self, key: str) -> Site:
        if key.startswith(batch_prefix()) and self.batches.versions(key):
            return self.batches
        return self.real


def build_segments(home: Path, originals: Iterator[Original], *, segment: int = SEGMENT) -> Built:
    """Archive these messages in the home, a segment for each ``segment`` original bytes.

    ``SEGMENT_VARIABLE`` must not ask for smaller segments. Raises SiteUnavailable.
    """
    sizes: list[int] = []
    components = open_components(home)
    clock = components.ports.clock
    split = {name: Split(site, Passing(name, clock=clock)) for name, site in components.sites.items()}
    with Archive.of(replace(components, sites=split)) as archive:
        while first := next(originals, None):
            archive.catch_up(settle=True)
            writer, opened = archive.open_writer()
            archive.tail.apply([batch.folded for batch in opened])
            taken = 0
            try:
                group = [first, *islice(originals, ROWS - 1)]
                while group:
                    drafts = [as_draft(one, one.body) for one in group]
                    archive.tail.apply([batch.folded for batch in writer.commit(drafts)])
                    sizes += [len(one.body) for one in group]
                    taken += sum(sizes[-len(group) :])
                    group = list(islice(originals, ROWS)) if taken < segment else []
                closed = writer.commit([archive.system_event("writer.closed", {})], final=True)
                archive.tail.apply([batch.folded for batch in closed])
            finally:
                writer.close()
            compact(archive, archive.clock.now())
            _drop_compacted(archive, split)
        for site in split.values():
            _put_the_rest(site)
    return Built(len(sizes), sum(sizes))


def _drop_compacted(archive: Archive, split: dict[str, Split]) -> None:
    for site in split.values():
        for key in [version.key for version in site.batches.list(batch_prefix())]:
            if archive.catalogue.covers(key):
                site.batches.drop(key)


def _put_the_rest(site: Split) -> None:
    """The newest batches, to where they belong."""
    for version in list(site.batches.list(batch_prefix())):
        name, until = parse_key(version.key), version.retain_until
        if name is not None and until is not None:
            data = site.batches.get(version.key, version.version)
            site.real.put(version.key, data, sha256=name.sha256, retain_until=until)


def dossiers_and_notices(raw_bytes: int, seed: int) -> Iterator[Original]:
    """Dossiers and notices by turns, of about as many bytes; a batch has fewer dossiers than the pool."""
    dossiers, chance = make_originals(ROWS, seed, size=DOSSIER), random.Random(seed)
    taken = number = 0
    while taken < raw_bytes:
        notice = Original(f"notice-{number:06d}", chance.randbytes(NOTICE))
        for one in chain(dossiers.take(round(NOTICE / dossiers.size)), (notice,)):
            taken += len(one.body)
            yield one
        number += 1
