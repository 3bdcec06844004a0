"""What lies at sites and in indexes of what a residue segment replaced: it only waits to be removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment
from vanvault.archiver.core.errors import Forged, InvalidInput, VanVaultError
from vanvault.archiver.core.names import batch_prefix, parse_key, segment_prefix
from vanvault.archiver.stores import Site, StoredVersion


def replaced_objects(
    archive: Archive, residue: KnownSegment, *, site: str = ""
) -> Mapping[str, list[StoredVersion]]:
    """By site, every version of what is to be removed, by key.

    That is the objects of the segments that this one replaces, the batches that it covers, and the large
    objects of entries or originals that were disposed of. An object whose name no trusted key signed is none
    of them.

    Args:
        residue: one that counts.
        site: look at this one only; "": at all.

    Raises:
        InvalidInput: it is no residue segment that counts.
        SiteUnavailable: a site cannot be listed.
        Damaged, KeyUnavailable: the residue segment cannot be read.
    """
    if not residue.manifest.is_residue or residue.key not in {
        one.key for one in archive.catalogue.segments(spare=True)
    }:
        raise InvalidInput("this is no residue segment that counts", field="residue")
    batches, large = _batches(archive, residue), _large(archive, residue)
    sites = {name: one for name, one in archive.sites.items() if site in ("", name)}
    return {
        name: [version for version in _listed(one, residue, batches, large) if _is_ours(archive, version.key)]
        for name, one in sites.items()
    }


def replaced_keys(archive: Archive, residue: KnownSegment) -> frozenset[str]:
    """Keys of what this one replaced, whether a site has them or not.

    Batches and large objects, and the objects of each replaced segment whose manifest is known here. Raises
    Damaged, SiteUnavailable, KeyUnavailable: the residue segment cannot be read.
    """
    segments = [
        one for one in archive.catalogue.replaced() if one.manifest.segment in residue.manifest.replaces
    ]
    keys = {part.key for one in segments for part in one.manifest.parts}
    keys.update(one.key for one in segments)
    return frozenset(keys) | _batches(archive, residue) | _large(archive, residue)


def drop_from_index(archive: Archive, residue: KnownSegment) -> tuple[str, ...]:
    """Let go of index files that lead to what is replaced, at this node and in what sites keep of the index.

    What else was in them is indexed again. Returns what is still there, for people: a site drops a file from
    its directory at once, and removes it a day later, since others may be reading it.

    Raises SiteUnavailable (the index store), KeyUnavailable.
    """
    archive.index.catch_up(wait=True)
    left = [f"{level.site}: {level.failure}" for level in archive.keep_index() if level.failure]
    try:
        left += [f"{site}: {name}" for site, name in archive.index.still_kept()]
    except VanVaultError as error:
        left.append(error.message)
    return tuple(left)


def let_go_large(archive: Archive) -> frozenset[str]:
    """Large objects of which nobody needs the bytes any more: all that was in them was disposed of.

    Raises Damaged, SiteUnavailable, KeyUnavailable: a residue segment cannot be read.
    """
    residues = [one for one in archive.catalogue.segments(spare=True) if one.manifest.is_residue]
    return frozenset().union(*(_large(archive, one) for one in residues))


def _batches(archive: Archive, residue: KnownSegment) -> frozenset[str]:
    return frozenset(one.key for one in archive.locator.all_evidence(residue))


def _large(archive: Archive, residue: KnownSegment) -> frozenset[str]:
    """Large objects that a batch names and no row that is kept with its original does."""
    named = {copy.key for one in archive.locator.all_evidence(residue) for copy in one.header.large}
    if not named:
        return frozenset()
    gone = archive.locator.residue(residue.manifest)
    rows = archive.locator.rows(residue)
    return frozenset(named - {row["large_object"] for row in rows if row["id"] not in gone})


def _listed(
    site: Site, residue: KnownSegment, batches: frozenset[str], large: frozenset[str]
) -> Iterator[StoredVersion]:
    for id in residue.manifest.replaces:
        yield from site.list(segment_prefix(id))
    for writer, _ in groupby(residue.manifest.covers, key=lambda cover: cover.writer):
        yield from (version for version in site.list(batch_prefix(writer)) if version.key in batches)
    for key in sorted(large):
        yield from site.versions(key)


def _is_ours(archive: Archive, key: str) -> bool:
    try:
        return parse_key(key) is not None and archive.parquet.proved(key) is not None
    except Forged:
        return False
