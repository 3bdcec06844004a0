"""Which batches of a site its own segments hold, so that a restore may take them last or leave them out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.core.errors import Damaged, KeyUnavailable, NotFound, SiteUnavailable
from vanvault.archiver.core.format.segments import decode_manifest
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.stores import SiteReader
from vanvault.recovery.objects import CompactedBatches, CompactedRange, Listing, SegmentCopies, read_good


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whose segments count."""

    archive: str
    public_key: Callable[[str], Ed25519PublicKey]  # raises KeyUnavailable


def compacted_at(source: SiteReader, trusted: Trusted) -> CompactedBatches:
    """The batches that segments at ``source`` hold, as far as signatures, names and sizes tell.

    Raises SiteUnavailable, SettingsError: the site cannot be listed.
    """
    compacted, listing = CompactedBatches(), Listing({source.site: source})
    for segment in listing.segments():
        for covered in _ranges(source, segment, trusted):
            compacted.add(covered)
    for error in listing.away.values():
        raise error
    return compacted


def _ranges(source: SiteReader, segment: SegmentCopies, trusted: Trusted) -> list[CompactedRange]:
    """What one segment covers; nothing when the site does not hold it whole, as far as its listing tells."""
    sizes = {copies.key: versions[0].size for copies in segment.objects for versions in copies.at.values()}
    found: list[CompactedRange] = []
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
            source.now()  # raises when the whole site is away
            continue
        if (manifest.archive, manifest.segment) != (trusted.archive, name.writer):
            continue
        if all(sizes.get(part.key) == part.size for part in manifest.parts):
            found += [CompactedRange(one.writer, one.first, one.last, copies.key) for one in manifest.covers]
    return found
