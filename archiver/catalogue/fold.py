"""Keeping the hot tail level with the sites: list, settle what is in doubt, decode, apply.

The restart after a crash is this same path. A batch that lies at some sites but not at all of them
was in doubt when its writer stopped: its gateway may have been told that it may be stored or, where the
policy ``any`` is possible, that it is. It is completed, so that the retry finds it and no message exists
twice; where a site is away and nobody waits for it, it is folded as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from vanvault.archiver.catalogue.hot_tail.folded import Claim, FoldedBatch
from vanvault.archiver.catalogue.hot_tail.hot_tail import HotTail
from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable
from vanvault.archiver.core.format.batches import decode_batch
from vanvault.archiver.core.model import Entry, Placement
from vanvault.archiver.core.names import batch_prefix, parse_key
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.keys import ParquetKeys
from vanvault.archiver.replicas import copy_object, placement_of, read_anywhere
from vanvault.archiver.stores import Site, StoredVersion

#: Rows that are folded in one transaction of the hot tail, about.
_APPLY_ROWS = 5000


@dataclass(frozen=True, slots=True)
class FoldReport:
    """What a catch-up did."""

    folded: int  # batches
    settled: int  # batches that were completed at a site
    unreadable: tuple[str, ...]  # keys of batches that no site can give; search does not see them
    away: tuple[str, ...] = ()  # sites that were left out; what only they hold is not folded


#: Keys in order, each with its oldest version at every site that has it.
Found = Iterable[tuple[str, dict[str, StoredVersion]]]


def catch_up(
    sites: Mapping[str, Site],
    tail: HotTail,
    keys: ParquetKeys,
    *,
    settle: bool,
    is_compacted: Callable[[str], bool] = lambda key: False,
    found: Found | None = None,
    repeated: Callable[[Sequence[Entry]], Mapping[int, Claim]] = lambda entries: {},
    from_start: bool = False,
    partial: bool = False,
    some_away: bool = False,
) -> FoldReport:
    """Fold every committed batch that the hot tail does not know and no segment holds.

    Args:
        settle: complete batches that some site lacks (a node that is about to write must); without it
            they are left out of the fold, because they are not acknowledged, unless ``partial``.
        is_compacted: is a batch found without the hot tail?
        found: look at these only (``merged``), not at everything that may be new.
        repeated: which entries, by place, repeat a compacted one.
        from_start: look at every batch, also at those of writers that ended long ago.
        partial: a batch at one site may be acknowledged (``replicas/policy.py``).
        some_away: ``sites`` are not all; what only the others hold stays to be folded.

    Raises:
        SiteUnavailable: a site cannot be listed, or, with ``settle``, not written.
        KeyUnavailable: the batches' master key is missing.
    """
    folded = settled = rows = skipped = 0
    unreadable: list[str] = []
    waiting: list[FoldedBatch] = []
    if found is None:
        found = merged(sites, "" if from_start else tail.fold_start())
        whole = not some_away
    else:
        whole = False
    for key, copies in found:
        if tail.knows([key]) or is_compacted(key):
            continue
        if len(copies) < len(sites):
            if not settle and not partial:
                skipped += 1
                continue
            try:
                copies = _complete(sites, key, copies, keys) if settle else copies
            except (Damaged, NotFound):
                unreadable.append(key)
                continue
            settled += settle
        try:
            batch = _decode(sites, key, copies, keys)
        except (Damaged, NotFound):
            unreadable.append(key)
            continue
        waiting.append(replace(batch, compacted=_repeated(batch, repeated)))
        rows += batch.header.rows
        if rows >= _APPLY_ROWS:
            folded += tail.apply(waiting)
            waiting, rows = [], 0
    folded += tail.apply(waiting)
    if whole and not unreadable and not skipped:
        tail.fold_completed()
    return FoldReport(folded, settled, tuple(unreadable))


def _repeated(
    batch: FoldedBatch, repeated: Callable[[Sequence[Entry]], Mapping[int, Claim]]
) -> Mapping[int, Claim]:
    try:
        return repeated(batch.entries)
    except (Damaged, SiteUnavailable):
        return {}  # better shown twice than not folded: a damaged segment stops no node


def merged(
    sites: Mapping[str, Site], after: str, prefix: str = batch_prefix()
) -> Iterator[tuple[str, dict[str, StoredVersion]]]:
    """Keys in order, each with the oldest version at every site that has it: a merge of sorted listings."""
    listings = {name: _oldest(site, prefix, after) for name, site in sites.items()}
    heads = {name: next(listing, None) for name, listing in listings.items()}
    while True:
        present = {name: head for name, head in heads.items() if head is not None}
        if not present:
            return
        key = min(head.key for head in present.values())
        yield key, {name: head for name, head in present.items() if head.key == key}
        for name, head in present.items():
            if head.key == key:
                heads[name] = next(listings[name], None)


def _oldest(site: Site, prefix: str, after: str) -> Iterator[StoredVersion]:
    held: StoredVersion | None = None
    for version in site.list(prefix, after):
        if parse_key(version.key) is None:
            continue
        if held is not None and held.key != version.key:
            yield held
        held = version
    if held is not None:
        yield held


def _complete(
    sites: Mapping[str, Site], key: str, copies: dict[str, StoredVersion], keys: ParquetKeys
) -> dict[str, StoredVersion]:
    batch = decode_batch(key, read_anywhere(sites, key), keys.decryption(), bodies=False)
    until = parse_rfc3339(batch.header.retain_until)
    complete = dict(copies)
    for name, site in sites.items():
        if name not in complete:
            complete[name] = _copy(sites, copies, site, key, until)
    return complete


def _copy(
    sites: Mapping[str, Site], copies: dict[str, StoredVersion], target: Site, key: str, until: datetime
) -> StoredVersion:
    failure: Damaged | SiteUnavailable = Damaged(f"no site holds {key} whole", key=key)
    for source in copies:
        try:
            placement = copy_object(sites[source], target, key, retain_until=until)
            return target.stat(key, placement.version)
        except (Damaged, SiteUnavailable) as error:
            failure = error
    raise failure


def _decode(
    sites: Mapping[str, Site], key: str, copies: Mapping[str, StoredVersion], keys: ParquetKeys
) -> FoldedBatch:
    data = read_anywhere(sites, key)
    batch = decode_batch(key, data, keys.decryption(), bodies=False)
    until = parse_rfc3339(batch.header.retain_until)
    placements: tuple[Placement, ...] = tuple(
        placement_of(name, copies[name], until) for name in sites if name in copies
    )
    return FoldedBatch(key, batch.header, batch.entries, placements)
