"""Is every trusted segment whole at every site? What the keeper goes by, long after the day of the proof.

A segment is proved before its manifest is written. But the manifest itself may have reached one site only,
and a site may be lost and not yet be restored: until a segment is whole everywhere again, the locks of its
batches are extended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.catalogue import Catalogue, KnownSegment
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.model import SegmentManifest
from vanvault.archiver.core.names import segment_prefix
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.replicas import copy_object
from vanvault.archiver.stores import Site


@dataclass(frozen=True, slots=True)
class Proof:
    """What the sites' listings say about the segments of a catalogue."""

    lacking: frozenset[int]  # numbers of segments that are not whole at some site
    failures: tuple[str, ...]  # what is lacking where, and what could not be mended


def prove_segments(sites: Mapping[str, Site], catalogue: Catalogue, *, now: Callable[[], datetime]) -> Proof:
    """Look for every part of every segment at every site, and bring manifests to sites that lack them.

    Parts are not copied here: ``vanvault repair`` does that. A site that is away says nothing about what it
    holds; its segments were whole when it was last asked. ``now``: the node's time. Raises nothing.
    """
    segments = catalogue.segments(spare=True)
    lacking: set[int] = set()
    failures: list[str] = []
    for name, site in sites.items():
        try:
            held = _listed(site)
        except VanVaultError as error:
            failures.append(f"{name}: {error.message}")
            continue
        shows_locks = site.capabilities.list_shows_locks
        for segment in segments:
            missing = _missing(segment, held, shows_locks)
            if missing == [segment.key] and _bring(sites, name, segment, failures, now):
                continue
            if missing:
                lacking.add(segment.n)
                failures.append(f"{name}: {missing[0]} is missing or not locked; run: vanvault repair")
    return Proof(frozenset(lacking), tuple(failures))


def manifest_until(manifest: SegmentManifest) -> datetime:
    """A manifest is locked as long as the part that is kept longest."""
    return max(parse_rfc3339(part.retain_until) for part in manifest.parts)


def _listed(site: Site) -> dict[str, datetime | None]:
    """Key -> the longest lock among its versions, where listings show locks."""
    held: dict[str, datetime | None] = {}
    for version in site.list(segment_prefix()):
        locks = [until for until in (held.get(version.key), version.retain_until) if until is not None]
        held[version.key] = max(locks, default=None)
    return held


def _missing(segment: KnownSegment, held: Mapping[str, datetime | None], shows_locks: bool) -> list[str]:
    """Keys of the segment's objects that are not there, or not under the lock that the manifest promises."""
    promised = {part.key: parse_rfc3339(part.retain_until) for part in segment.manifest.parts}
    promised[segment.key] = manifest_until(segment.manifest)
    missing = []
    for key, until in promised.items():
        lock = held.get(key)
        if key not in held or (shows_locks and (lock is None or lock < until)):
            missing.append(key)
    return missing


def _bring(
    sites: Mapping[str, Site],
    target: str,
    segment: KnownSegment,
    failures: list[str],
    now: Callable[[], datetime],
) -> bool:
    """Copy the manifest to a site that holds all parts and lacks nothing else."""
    for name, source in sites.items():
        if name == target:
            continue
        try:
            until = manifest_until(segment.manifest)
            copy_object(source, sites[target], segment.key, retain_until=until, now=now)
            return True
        except VanVaultError as error:
            failures.append(f"{target}: {error.message}")
    return False
