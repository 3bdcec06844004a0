"""Locks of residue segments, which are rolled for as long as the archive is kept.

A residue segment holds what is kept of segments whose time was over, so no class says for how long: some of
it may be due next year, some of it is kept for ever. So it is locked for some years from now on, again and
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from vanvault.archiver.catalogue import Catalogue, KnownSegment
from vanvault.archiver.core.errors import SiteUnavailable, VanVaultError
from vanvault.archiver.core.format.segments import encode_manifest
from vanvault.archiver.core.object_limits import RESIDUE_AHEAD, RESIDUE_LOCK
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.stores import Site


def residue_until(now: datetime) -> datetime:
    """The lock of a residue segment's objects that is set now, whole seconds."""
    return (now + RESIDUE_LOCK).replace(microsecond=0)


def roll(sites: Mapping[str, Site], catalogue: Catalogue, now: datetime) -> tuple[int, tuple[str, ...]]:
    """Extend, at every site, what ends too soon of the residue segments that count.

    Returns how many locks were extended, and what could not be, for people. Raises nothing about sites.
    """
    extended, failures = 0, []
    ending = [
        (key, size)
        for one in catalogue.segments(spare=True)
        if one.manifest.is_residue and _first_end(one) < now + RESIDUE_AHEAD
        for key, size in _objects(one)
    ]
    for name, site in sites.items():
        for key, size in ending:
            try:
                extended += _rolled(site, key, size, now)
            except SiteUnavailable as error:
                failures.append(f"{name}: {error.message}")
                break  # the whole site is away
            except VanVaultError as error:
                failures.append(f"{name}: {key}: {error.message}")
    return extended, tuple(failures)


def _rolled(site: Site, key: str, size: int, now: datetime) -> int:
    extended = 0
    for version in site.versions(key):
        if version.size != size:  # not the archive's, whoever put it there
            continue
        until = site.stat(key, version.version).retain_until
        if until is None or until < now + RESIDUE_AHEAD:
            site.extend(key, version.version, residue_until(now))
            extended += 1
    return extended


def _objects(segment: KnownSegment) -> Iterator[tuple[str, int]]:
    """Key and size of each object."""
    yield from ((part.key, part.size) for part in segment.manifest.parts)
    yield segment.key, len(encode_manifest(segment.manifest))


def _first_end(segment: KnownSegment) -> datetime:
    """Until when all its parts were locked when it was made: no lock ends sooner."""
    return min(parse_rfc3339(part.retain_until) for part in segment.manifest.parts)
