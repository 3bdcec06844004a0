"""Following the other nodes of an archive: what they commit is folded here within a second.

A full catch-up lists everything that active writers ever wrote. Following asks each of them only for what
comes after its last object that is known here, and looks for writers that began lately: a few requests,
however large the archive is. What it cannot see (an object that was completed long after its successors)
the next full catch-up finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from vanvault.archiver.catalogue.fold import FoldReport, catch_up, merged
from vanvault.archiver.catalogue.hot_tail import HotTail
from vanvault.archiver.core.names import WRITER_ENTROPY, batch_prefix, new_writer_id, parse_key
from vanvault.archiver.core.times import to_us
from vanvault.archiver.keys import ParquetKeys
from vanvault.archiver.stores import Site

#: Writers' ids begin with their start; a new one is looked for so far back, for clocks that differ and
#: for starts that take long.
_LATELY = timedelta(minutes=3)
#: A writer that was silent for so long is left to the full catch-up.
_SILENT = timedelta(days=2)


def follow(
    sites: Mapping[str, Site],
    tail: HotTail,
    keys: ParquetKeys,
    *,
    own: str,
    now: datetime,
    partial: bool = False,
) -> FoldReport:
    """Fold what writers other than ``own`` committed lately; ``partial``: as ``catch_up`` takes it.

    Raises SiteUnavailable (a site cannot be listed), KeyUnavailable.
    """
    known = {last.writer: last for last in tail.last_batches()}
    since = to_us(now - _SILENT)
    starts = {
        writer: last.key for writer, last in known.items() if not last.final and last.created_us >= since
    }
    starts |= {writer: "" for site in sites.values() for writer in _begun(site, now) if writer not in known}
    total = FoldReport(0, 0, ())
    for writer, after in sorted(starts.items()):
        if writer == own:
            continue
        found = merged(sites, after, f"{batch_prefix()}{writer}/")
        report = catch_up(sites, tail, keys, settle=False, found=found, partial=partial)
        total = FoldReport(total.folded + report.folded, 0, (*total.unreadable, *report.unreadable))
    return total


def _begun(site: Site, now: datetime) -> Iterator[str]:
    """Writers that began lately: one step of the listing each, whatever they wrote."""
    after = batch_prefix() + new_writer_id(now - _LATELY, bytes(WRITER_ENTROPY))
    while (version := next(iter(site.list(batch_prefix(), after)), None)) is not None:
        name = parse_key(version.key)
        if name is None:
            after = version.key
            continue
        yield name.writer
        after = f"{batch_prefix()}{name.writer}0"  # "0" follows "/": past everything of this writer
