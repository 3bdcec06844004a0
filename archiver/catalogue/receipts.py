"""First receipts, given again at any later time from what the archive holds.

A degraded receipt is followed by another once every site holds the batch. The first one stays true, and
verifies for ever; from then on the later one is given.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from vanvault.archiver.catalogue.hot_tail import HotTail, KnownBatch
from vanvault.archiver.catalogue.segments.disposed import error_of
from vanvault.archiver.catalogue.segments.locate import Located, Locator
from vanvault.archiver.core.caches import BoundedCache
from vanvault.archiver.core.errors import Damaged, NotFound
from vanvault.archiver.core.evidence import Receipt, ReceiptTree, build_tree
from vanvault.archiver.core.model import Commit, Entry, Placement
from vanvault.archiver.keys import SigningKeys

#: Placements of a batch, each read back at its site; raises SiteUnavailable, Damaged, NotFound.
Confirm = Callable[[KnownBatch], tuple[Placement, ...]]

#: Batches whose receipts stay in memory, because retries tend to come for a whole batch.
_CACHED = 16


class FirstReceipts:
    """Rebuilds receipts: the same rows, placements and signature give the same bytes. Thread-safe."""

    def __init__(self, tail: HotTail, signing: SigningKeys, confirm: Confirm, locator: Locator) -> None:
        """``confirm`` vouches for the copies of a batch that this process did not put itself."""
        self._tail = tail
        self._signing = signing
        self._confirm = confirm
        self._locator = locator
        self._cache: BoundedCache[Hashable, tuple[ReceiptTree, Commit]] = BoundedCache(_CACHED)

    def at(self, position: bytes) -> Receipt:
        """The receipt of the entry at a position.

        Raises NotFound, EntryDisposed, KeyUnavailable, Damaged, SiteUnavailable.
        """
        try:
            _, batch, row = self._tail.at(position)
            return self._receipt(self._tail.batch(batch), row)
        except NotFound:  # it is compacted, or was so between two of these reads
            return self._of_segment(self._locator.at(position))

    def at_hand(self, position: bytes) -> Receipt | None:
        """The receipt of the entry at a position, where no site must be read for it; else None.

        Raises KeyUnavailable.
        """
        try:
            _, n, row = self._tail.at(position)
            batch = self._tail.batch(n)
            if batch.commit is not None:
                return self._receipt(batch, row)
        except NotFound:  # it is compacted
            return None
        cached = self._cache.get(batch.key)
        return cached[0].receipt(row, cached[1].signature) if cached is not None else None

    def of(self, archive_id: str) -> Receipt:
        """The receipt of an archive id. Raises as ``at`` does, and InvalidInput (no id)."""
        try:
            _, batch, row = self._tail.by_id(archive_id)
            return self._receipt(self._tail.batch(batch), row)
        except NotFound:
            return self._of_segment(self._locator.by_id(archive_id))

    def commit_of(self, n: int) -> Commit:
        """The commit record of a folded batch, recorded or made again. Raises NotFound, KeyUnavailable."""
        return self._of_batch(self._tail.batch(n))[1]

    def upgrade(self, key: str, placements: Sequence[Placement]) -> Commit:
        """Receipts that name these copies, from now on: the record for a later header to hold.

        ``placements``: of the batch at every site, and of its large objects, each confirmed. Raises NotFound,
        KeyUnavailable.
        """
        batch = self._tail.batch_of(key)
        _, commit = self._sign(batch, self._entries(batch), placements)
        self._tail.learn(commit)
        return commit

    def _receipt(self, batch: KnownBatch, row: int) -> Receipt:
        tree, commit = self._of_batch(batch)
        return tree.receipt(row, commit.signature)

    def _of_batch(self, batch: KnownBatch) -> tuple[ReceiptTree, Commit]:
        # By key: the hot tail gives numbers of batches that left it to others. A commit record that came
        # since (an upgrade) stands over the one of the cached tree.
        return self._tree(batch.key, lambda: self._build(batch), batch.commit)

    def _of_segment(self, found: Located) -> Receipt:
        disposed = self._locator.disposed(found)
        if disposed is not None and disposed.is_whole:
            raise error_of(disposed)
        writer, sequence, row = (found.row[name] for name in ("writer", "sequence", "row"))
        tree, commit = self._tree((writer, sequence), lambda: self._build_compacted(found))
        return tree.receipt(row, commit.signature)

    def _tree(
        self,
        at: Hashable,
        build: Callable[[], tuple[ReceiptTree, Commit]],
        stands: Commit | None = None,
    ) -> tuple[ReceiptTree, Commit]:
        cached = self._cache.get(at)
        if cached is not None and stands in (None, cached[1]):
            return cached
        built = build()
        if built[0].degraded:
            return built  # without a record on the tail, nothing would say when it is upgraded
        self._cache.put(at, built)
        return built

    def _build(self, batch: KnownBatch) -> tuple[ReceiptTree, Commit]:
        entries = self._entries(batch)
        recorded = batch.commit
        if recorded is not None:
            return self._plant(batch, entries, recorded.placements, recorded.signing_key), recorded
        try:
            placements = self._confirm(batch)
        except NotFound as error:
            raise Damaged(
                f"{error.message}, though it was folded from one", key=batch.key, hint="Run: vanvault verify."
            ) from error
        return self._sign(batch, entries, placements)

    def _entries(self, batch: KnownBatch) -> Sequence[Entry]:
        """All of them: a batch may leave the hot tail between two reads. Raises NotFound."""
        entries = self._tail.entries(batch.n)
        if len(entries) != batch.header.rows:
            raise NotFound(f"the hot tail does not hold {batch.key} any more")
        return entries

    def _sign(
        self, batch: KnownBatch, entries: Sequence[Entry], placements: Sequence[Placement]
    ) -> tuple[ReceiptTree, Commit]:
        # Ed25519 is deterministic: while the signing key is the same, so is the signature.
        signer = self._signing.active()
        tree = self._plant(batch, entries, placements, signer.key_id)
        return tree, Commit(batch.key, tuple(placements), signer.key_id, signer.sign(tree.statement))

    def _build_compacted(self, found: Located) -> tuple[ReceiptTree, Commit]:
        segment = found.segment
        batch = self._locator.evidence(segment, found.row["writer"], found.row["sequence"])
        if batch.commit is None:
            raise Damaged(f"segment {segment.manifest.segment} has no commit record of {batch.key}")
        gone = self._locator.gone(segment, batch)
        tree = build_tree(
            self._locator.entries(segment, batch),
            archive=batch.header.archive,
            key=batch.key,
            placements=batch.commit.placements,
            large=batch.header.large,
            signing_key=batch.commit.signing_key,
            known={row: one.leaf for row, one in gone.items() if one.leaf is not None},
        )
        return tree, batch.commit

    def _plant(
        self,
        batch: KnownBatch,
        entries: Sequence[Entry],
        placements: Sequence[Placement],
        signing_key: str,
    ) -> ReceiptTree:
        return build_tree(
            entries,
            archive=batch.header.archive,
            key=batch.key,
            placements=placements,
            large=batch.header.large,
            signing_key=signing_key,
        )
