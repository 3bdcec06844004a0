"""What a hit says beside its entry: its object, the sites, locked until when, held or not, verified when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from vanvault.archiver.catalogue.hot_tail import KnownBatch
from vanvault.archiver.catalogue.items import Item, entry_of
from vanvault.archiver.catalogue.search.copies import CopyLookup, CopyState, ObjectVersions
from vanvault.archiver.catalogue.segments.disposed import member_of
from vanvault.archiver.catalogue.segments.locate import Located, part_of
from vanvault.archiver.catalogue.segments.rows import item_at
from vanvault.archiver.core.evidence import placements_of
from vanvault.archiver.core.model import Placement, ResidueRow
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.times import rfc3339_us, to_us


class FindVerification(Protocol):
    """Looks up the verifications on record."""

    def __call__(self, digest: bytes, stored_at: datetime, *, by: bytes | None = None) -> datetime | None:
        """Since when the object is known to be whole at every site; None: it is not.

        Args:
            digest: of the object's name.
            stored_at: when the last of its copies was stored.
            by: for a part of a segment, the digest of its part that is last by name: its manifest.
        """
        ...


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """An entry, and what must be known to say where it lies."""

    item: Item  # with its object, row and segment
    objects: tuple[ObjectVersions, ...]  # of the entry: its batch or part, and its large object
    recorded: tuple[Placement, ...] | None  # copies as the commit names them; None: as the sites say
    proved_us: int | None = None  # when its segment was made
    manifest: str = ""  # key of the segment's


def in_batch(item: Item, row: int, batch: KnownBatch) -> FoundEntry:
    """An entry of the hot tail."""
    recorded: tuple[Placement, ...] = placements_of(entry_of(item), batch.placements, batch.header.large)
    versions: dict[str, dict[str, str]] = {batch.key: {}}
    for copy in recorded:
        versions.setdefault(copy.key, {})[copy.site] = copy.version
    objects = tuple(ObjectVersions(key, tuple(named.items())) for key, named in versions.items())
    return FoundEntry({**item, "object": batch.key, "row": row, "segment": None}, objects, recorded)


def in_segment(found: Located, disposed: ResidueRow | None = None) -> FoundEntry:
    """An entry that is compacted; ``disposed``: what was let go of in it."""
    manifest, row = found.segment.manifest, found.row
    originals = manifest.part("originals") if row["original"] is not None else None
    part = originals or part_of(manifest, "log")
    keys = (part.key, row["large_object"]) if row["large_object"] and disposed is None else (part.key,)
    item = {**item_at(row), "object": part.key, "row": row["row"], "segment": manifest.segment}
    if disposed is not None:
        item["disposed"] = member_of(disposed)
    return FoundEntry(item, tuple(map(ObjectVersions, keys)), None, manifest.created_us, found.segment.key)


class Hits:
    """Makes hits of what was found. Safe to use from many threads."""

    def __init__(self, copies: CopyLookup) -> None:
        self._copies = copies
        self.verified_at: FindVerification | None = None  # None: nobody knows of verifications

    def complete(self, found: Iterable[FoundEntry], *, bare: bool = False) -> list[Item]:
        """The items, each with ``verified_at``, ``placements`` and ``held``.

        ``bare``: without asking anybody. Else all objects are asked for at once.
        """
        found = list(found)
        states = {} if bare else self._copies.of(asked for one in found for asked in one.objects)
        return [self._complete(one, [states.get(asked, _UNKNOWN) for asked in one.objects]) for one in found]

    def _complete(self, one: FoundEntry, states: list[CopyState]) -> Item:
        placements = one.recorded
        if placements is None:
            placements = tuple(placement for state in states for placement in state.placements)
        times = [time for time in (one.proved_us, self._verified_us(one, states)) if time is not None]
        return {
            **one.item,
            "verified_at": rfc3339_us(max(times)) if times else None,
            "placements": [placement.as_json() for placement in placements],
            "held": _held(states),
        }

    def _verified_us(self, one: FoundEntry, states: list[CopyState]) -> int | None:
        """Since when all objects of the entry are known to be whole."""
        if self.verified_at is None:
            return None
        times = []
        for asked, state in zip(one.objects, states, strict=True):
            name = parse_key(asked.key)
            if name is None or state.stored_at is None:
                return None
            manifest = parse_key(one.manifest) if name.family == "segment" else None
            by = manifest.sha256 if manifest is not None else None
            time = self.verified_at(name.sha256, state.stored_at, by=by)
            if time is None:
                return None
            times.append(to_us(time))
        return min(times)


_UNKNOWN = CopyState()


def _held(states: list[CopyState]) -> bool | None:
    """True if any object has a hold; False only if every object is known to have none."""
    if any(state.held for state in states):
        return True
    return None if any(state.held is None for state in states) else False
