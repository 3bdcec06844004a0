"""A trusted segment as one site alone gives it, for whoever relies on that very copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.names import parse_key
from vanvault.recovery.objects import Copies
from vanvault.recovery.verify.contents import SegmentContent
from vanvault.recovery.verify.segment_contents import NO_BODIES, OpenPart
from vanvault.recovery.verify.segment_reading import (
    ReadParts,
    SegmentObject,
    SegmentRead,
    SegmentReader,
    is_clean,
)
from vanvault.recovery.verify.segment_rows import Incomplete, RemadeBatch, batches_of, read_evidence
from vanvault.recovery.verify.spread import reader_of


@dataclass(frozen=True, slots=True)
class SegmentAtSite:
    """A segment that one site gives whole, without a flaw, under the locks that its manifest promises."""

    key: str  # of its manifest
    site: str
    parts: Mapping[str, OpenPart]  # by kind

    def batches(self) -> Iterator[RemadeBatch]:
        """Every batch that it covers, made again. Raises Damaged."""
        log, evidence = self.parts["log"], self.parts["evidence"]
        originals = self.parts["originals"].bodies if "originals" in self.parts else NO_BODIES
        try:
            yield from batches_of(log.table, originals, evidence.table, read_evidence(evidence.table))
        except Incomplete as error:
            raise Damaged(f"{self.key} at {self.site}: {error}", key=self.key, site=self.site) from error


def segment_at_site(archive: Archive, site: str, known: KnownSegment) -> SegmentAtSite:
    """Read a segment from one site, as a verification does.

    Raises Damaged (which names what is wrong first), SiteUnavailable.
    """
    store, name = archive.sites[site], parse_key(known.key)
    keys = (known.key, *(part.key for part in known.manifest.parts))
    listed = {key: Copies(key, {site: tuple(store.versions(key))}) for key in keys}
    reader = reader_of(archive.components, {site: store})
    if name is None:
        raise _unfit(known.key, site, "it is no name of an object")
    manifest, found = SegmentReader(reader).trusted_manifest(name, listed[known.key])
    if manifest is None:
        raise _unfit(known.key, site, _why((found,), site))
    if manifest != known.manifest:
        raise _unfit(known.key, site, "its manifest there is not the one that is known")
    reading = ReadParts(reader, manifest, listed, read=True)
    objects = (*reading.objects, reading.blamed(found))
    whole = SegmentRead(objects, (), (), ())
    if reading.held(known.key, (site,)) is None or len(reading.opened) < len(manifest.parts):
        raise _unfit(known.key, site, _why(objects, site))
    if not is_clean(whole, (site,)):
        raise _unfit(known.key, site, _why(objects, site))
    return SegmentAtSite(known.key, site, reading.opened)


def _why(objects: Sequence[SegmentObject], site: str) -> str:
    """What is wrong first, for people."""
    for one in objects:
        copies = one.read.copies if one.read is not None else ()
        right = [copy for copy in copies if copy.sha256 == one.name.sha256]
        if not right:
            failure = next((copy.failure for copy in copies if copy.failure), "")
            return f"{one.name.key} is not there whole{f' ({failure})' if failure else ''}"
        content = one.read.content if one.read is not None else None
        if not isinstance(content, SegmentContent):
            return f"{one.name.key} does not open"
        if content.flaws:
            return f"{one.name.key}: {content.flaws[0][1]}"
    return f"not every object of it is locked at {site} for as long as its manifest says"


def _unfit(key: str, site: str, why: str) -> Damaged:
    return Damaged(
        f"the segment {key} is not whole at {site}: {why}",
        key=key,
        site=site,
        hint="Run: vanvault verify, then: vanvault repair.",
    )
