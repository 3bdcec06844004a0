"""Which batches of a site its own segments hold, so that a restore may take them last or leave them out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.core.errors import Damaged, KeyUnavailable, NotFound, SiteUnavailable
from vanvault.archiver.core.format.segments import decode_manifest
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.replicas import serves_others
from vanvault.archiver.stores import SiteReader
from vanvault.recovery.objects import CompactedBatches, CompactedRange, Listing, SegmentCopies, read_good


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whose segments count."""

    archive: str
    public_key: Callable[[str], Ed25519PublicKey]  # raises KeyUnavailable


@dataclass(slots=True)
class SegmentsAt:
    """What the signed manifests at a site say."""

    compacted: CompactedBatches = field(default_factory=CompactedBatches)  # of segments that are there whole
    until: dict[str, datetime] = field(default_factory=dict)  # by key, how long a part is to be locked


def segments_at(source: SiteReader, trusted: Trusted) -> SegmentsAt:
    """The batches that segments at ``source`` hold, as far as signatures, names and sizes tell.

    Raises SiteUnavailable, SettingsError: the site cannot be listed.
    """
    found, listing = SegmentsAt(), Listing({source.site: source})
    for segment in listing.segments():
        _read_manifests(source, segment, trusted, found)
    for error in listing.away.values():
        raise error
    return found


def _read_manifests(source: SiteReader, segment: SegmentCopies, trusted: Trusted, found: SegmentsAt) -> None:
    """What one segment covers, where the site holds it whole, as far as its listing tells."""
    sizes = {copies.key: versions[0].size for copies in segment.objects for versions in copies.at.values()}
    for copies in segment.objects:
        name = parse_key(copies.key)
        if name is None or name.kind != "manifest":
            continue
        try:
            data, _ = read_good(source, copies.key, copies.at[source.site])
            manifest = decode_manifest(data, trusted.public_key, key=copies.key)
        except (Damaged, KeyUnavailable, NotFound):
            continue
        except SiteUnavailable:
            if not serves_others(source, copies.key):  # the whole site is away
                raise
            continue
        if (manifest.archive, manifest.segment) != (trusted.archive, name.writer):
            continue
        dates = {part.key: parse_rfc3339(part.retain_until) for part in manifest.parts}
        found.until |= {**dates, copies.key: max(dates.values())}
        if all(sizes.get(part.key) == part.size for part in manifest.parts):
            for one in manifest.covers:
                found.compacted.add(CompactedRange(one.writer, one.first, one.last, copies.key))
