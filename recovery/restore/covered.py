"""What the signed manifests at a site say: which batches its segments hold, and how long parts are locked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.core.errors import Damaged, KeyUnavailable, NotFound, SiteUnavailable
from vanvault.archiver.core.format.segments import decode_manifest
from vanvault.archiver.core.model import SegmentManifest
from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.replicas import serves_others
from vanvault.archiver.stores import SiteReader, StoredVersion
from vanvault.recovery.objects import CompactedRange, Copies, SegmentCopies, read_good


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whose segments count."""

    archive: str
    public_key: Callable[[str], Ed25519PublicKey]  # raises KeyUnavailable


@dataclass(frozen=True, slots=True)
class ManifestRead:
    """A manifest as the source gave it: its bytes have the digest of its name."""

    data: bytes
    version: StoredVersion  # with its lock


@dataclass(frozen=True, slots=True)
class Manifests:
    """What the signed manifests of one segment say; there is one, unless somebody put another beside it."""

    compacted: tuple[CompactedRange, ...] = ()  # where the source holds the segment whole
    until: Mapping[str, datetime] = field(default_factory=dict)  # by key, how long an object is to be locked
    manifests: Mapping[str, ManifestRead] = field(default_factory=dict)  # by key, those that count


def read_segment(source: SiteReader, segment: SegmentCopies, trusted: Trusted) -> Manifests:
    """What a segment at ``source`` holds, as far as signatures, names and sizes tell.

    Raises SiteUnavailable: the whole site is away.
    """
    there = {copies.key: copies.at[source.site] for copies in segment.objects if source.site in copies.at}
    sizes = {key: versions[0].size for key, versions in there.items()}
    compacted: list[CompactedRange] = []
    until: dict[str, datetime] = {}
    manifests: dict[str, ManifestRead] = {}
    for copies in segment.objects:
        name = parse_key(copies.key)
        if name is None or name.kind != "manifest" or copies.key not in there:
            continue
        read = _read(source, copies, name, trusted)
        if read is None:
            continue
        manifest, manifests[copies.key] = read
        dates = {part.key: parse_rfc3339(part.retain_until) for part in manifest.parts}
        until |= {**dates, copies.key: max(dates.values())}
        if all(sizes.get(part.key) == part.size for part in manifest.parts):
            compacted += [
                CompactedRange(one.writer, one.first, one.last, copies.key) for one in manifest.covers
            ]
    return Manifests(tuple(compacted), until, manifests)


def read_manifest(source: SiteReader, copies: Copies, trusted: Trusted) -> SegmentManifest | None:
    """The manifest under this key, if ``source`` holds one that counts.

    Raises SiteUnavailable: the whole site is away.
    """
    name = parse_key(copies.key)
    if name is None or source.site not in copies.at:
        return None
    read = _read(source, copies, name, trusted)
    return read[0] if read is not None else None


def _read(
    source: SiteReader, copies: Copies, name: ObjectName, trusted: Trusted
) -> tuple[SegmentManifest, ManifestRead] | None:
    """A manifest of this archive and segment that a trusted key signed; None: it is none."""
    try:
        data, version = read_good(source, copies.key, copies.at[source.site])
        manifest = decode_manifest(data, trusted.public_key, key=copies.key)
    except (Damaged, KeyUnavailable, NotFound):
        return None
    except SiteUnavailable:
        if not serves_others(source, copies.key):  # the whole site is away
            raise
        return None
    if (manifest.archive, manifest.segment) != (trusted.archive, name.writer):
        return None
    return manifest, ManifestRead(data, version)
