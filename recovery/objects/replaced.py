"""Which segments at the sites are replaced by residue segments, before anything of a segment is read.

Each object of a residue segment is known by its name, so a pass over the names finds them; then a few
manifests are read.
"""

from __future__ import annotations

from collections.abc import Callable

from vanvault.archiver.core.format.segments import Standing, standing
from vanvault.archiver.core.model import SegmentManifest
from vanvault.archiver.core.names import parse_key
from vanvault.recovery.objects.listing import Copies, Listing

#: The manifest when it is to be trusted; else None.
TrustedManifest = Callable[[Copies], SegmentManifest | None]


def standing_at(listing: Listing, trusted: TrustedManifest) -> Standing:
    """How the segments that some site lists stand to each other."""
    residues: list[Copies] = []
    manifests: dict[str, list[Copies]] = {}
    for segment in listing.segments():
        for copies in segment.objects:
            name = parse_key(copies.key)
            if name is not None and name.kind == "manifest":
                manifests.setdefault(segment.segment, []).append(copies)
                residues += [copies] if name.of_residue else []
    found = {copies.key: manifest for copies in residues if (manifest := trusted(copies)) is not None}
    for id in sorted({id for manifest in found.values() for id in manifest.replaces}):
        for copies in manifests.get(id, ()):
            if copies.key not in found and (manifest := trusted(copies)) is not None:
                found[copies.key] = manifest
    return standing(found.values())
