"""Keeping the catalogue level with the sites: which segments there are.

A manifest is written after its segment was proved at every site, and it is signed. So one site is enough
to learn of a segment: the other may be gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.catalogue.catalogue import Catalogue
from vanvault.archiver.core.errors import Damaged, KeyUnavailable, NotFound, SiteUnavailable
from vanvault.archiver.core.format.segments import decode_manifest
from vanvault.archiver.core.names import parse_key, segment_prefix
from vanvault.archiver.replicas import read_anywhere
from vanvault.archiver.stores import Site


@dataclass(frozen=True, slots=True)
class SegmentFold:
    """What a look at the sites' segments found."""

    added: int
    unreadable: tuple[str, ...]  # keys of manifests that no site can give, or that nobody known signed


def fold_segments(
    sites: Mapping[str, Site],
    catalogue: Catalogue,
    public_key: Callable[[str], Ed25519PublicKey],
    *,
    archive: str,
) -> SegmentFold:
    """Note every proved segment that some site lists and the catalogue does not know.

    Raises SiteUnavailable when no site can be listed.
    """
    keys: set[str] = set()
    away: list[SiteUnavailable] = []
    after = catalogue.listing_start()
    for site in sites.values():
        try:
            keys.update(
                version.key
                for version in site.list(segment_prefix(), after)
                if (name := parse_key(version.key)) is not None and name.kind == "manifest"
            )
        except SiteUnavailable as error:
            away.append(error)
    if len(away) == len(sites):
        raise away[0]
    added, unreadable = 0, []
    for key in sorted(keys):
        if catalogue.knows(key):
            continue
        try:
            manifest = decode_manifest(read_anywhere(sites, key), public_key, key=key)
        except (Damaged, KeyUnavailable, NotFound):
            unreadable.append(key)
            continue
        name = parse_key(key)
        if name is None or (manifest.archive, manifest.segment) != (archive, name.writer):
            unreadable.append(key)
            continue
        added += catalogue.add(key, manifest)
    return SegmentFold(added, tuple(unreadable))
