"""Which segments stand, and which are replaced by a residue segment. Pure. archiver/FORMAT.md, section 13.

It is decided before anything that segments hold is read, and from their signed manifests alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vanvault.archiver.core.model import SegmentManifest


@dataclass(frozen=True, slots=True)
class Standing:
    """What the manifests that are known say about each other: ids of segments."""

    replaced: frozenset[str]  # another stands in their place: they are never read again
    refused: frozenset[str]  # residue segments that would replace what they do not hold: they do not count


def standing(manifests: Iterable[SegmentManifest]) -> Standing:
    """How trusted segments stand to each other.

    A residue segment replaces those that it names and whose batches it holds, all of them. One that names a
    segment which it does not hold whole is refused; then what it names goes on counting.
    """
    known = list(manifests)
    residues = [one for one in known if one.is_residue]
    if not residues:
        return Standing(frozenset(), frozenset())
    by_id: dict[str, list[SegmentManifest]] = {}
    for one in known:
        by_id.setdefault(one.segment, []).append(one)
    refused = frozenset(
        residue.segment
        for residue in residues
        if not all(residue.holds_all(one) for id in residue.replaces for one in by_id.get(id, ()))
    )
    replaced = frozenset(
        id
        for residue in residues
        if residue.segment not in refused
        for id in residue.replaces
        if id in by_id and id not in refused
    )
    return Standing(replaced, refused)
