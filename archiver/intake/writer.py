"""One writer: the chain of batch objects of one process, and the commit point.

Life of a commit::

    assemble   rows get their ids and times; one object per kind, chained by SHA-256
    place      every object at every site, in parallel, locked and read back
    ── commit point: all objects lie at all sites, or (degraded) at one ──
    sign       one signature over the receipts of each object
    return     callers may be told

A crash before the commit point leaves objects at no site, some sites or all sites; a crash after it
leaves them at all. ``catalogue/fold.py`` treats the four alike at the next start. Nothing is ever taken
back: an object that may lie anywhere is put until it lies everywhere (``settle``); after a degraded commit
that is reconciliation's work.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.catalogue import FoldedBatch
from vanvault.archiver.core.errors import MachineLimit, SiteFull, SiteUnavailable, VanVaultError
from vanvault.archiver.core.evidence import Receipt, ReceiptTree, build_tree
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.format.batches import encode_batch
from vanvault.archiver.core.machine import limit_of
from vanvault.archiver.core.model import (
    BatchHeader,
    Commit,
    Draft,
    Entry,
    Event,
    EventDraft,
    Message,
    MessageDraft,
)
from vanvault.archiver.core.names import WRITER_ENTROPY, BatchKind, archive_id, new_writer_id
from vanvault.archiver.core.ports import Clock, Entropy
from vanvault.archiver.core.times import from_us, rfc3339_seconds
from vanvault.archiver.keys import ObjectSigner, SigningKeys
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.replicas import AckPolicy, Placing
from vanvault.archiver.stores import Site

#: The lock of a batch: (its kind, the time of its youngest row) -> retain-until, whole seconds.
Retention = Callable[[BatchKind, datetime], datetime]

#: Threads that put, large objects too; enough for all that callers wait for, and for some that hang.
_PUTS = 32


@dataclass(frozen=True, slots=True)
class CommittedBatch:
    """One object past the commit point: what the hot tail folds, and the receipts of its rows."""

    folded: FoldedBatch
    tree: ReceiptTree
    signature: bytes

    def receipt(self, row: int) -> Receipt:
        """The complete receipt of one row."""
        return self.tree.receipt(row, self.signature)


@dataclass(frozen=True, slots=True)
class _Assembled:
    header: BatchHeader
    entries: tuple[Entry, ...]
    placing: Placing


@dataclass(frozen=True, slots=True)
class WriterParts:
    """What a writer writes with."""

    sites: Mapping[str, Site]
    keys: ParquetKeys
    signing: SigningKeys
    names: ObjectSigner
    clock: Clock
    entropy: Entropy


class Writer:
    """Not safe to share between threads: one chain has one writer, and its commits one order."""

    def __init__(
        self,
        parts: WriterParts,
        *,
        archive: str,
        retention: Retention,
        compression_level: int,
        last_us: int = 0,
        policy: AckPolicy | None = None,
        fault: Fault = no_fault,
    ) -> None:
        """``last_us``: the latest time in the archive; this writer's times are all later.

        ``policy``: its health is told how puts go; says which sites a degraded commit leaves out, and which
        are not waited for any longer. None: each commit waits for every site.
        """
        self.id = new_writer_id(parts.clock.now(), parts.entropy.token(WRITER_ENTROPY))
        self._archive = archive
        self._sites = parts.sites
        self._keys = parts.keys
        self._signing = parts.signing
        self._entropy = parts.entropy
        self._names = parts.names
        self._retention = retention
        self._level = compression_level
        self._fault = fault
        self._policy = policy
        self._upgrades: deque[Commit] = deque()  # appended to by other threads
        self._carried = 0  # upgrades in the header of the commit that is under way
        self._sequence = 0
        self._previous = ""
        self._last_us = last_us
        self._unrecorded: list[Commit] = []
        self._heads: tuple[str, ...] = ()
        self._unsettled: list[_Assembled] = []
        self._signer = parts.signing.active()
        self._executor = ThreadPoolExecutor(_PUTS, thread_name_prefix="put")

    @property
    def last_us(self) -> int:
        """The time of the last row that it wrote, or that was there before it."""
        return self._last_us

    @property
    def unsettled(self) -> bool:
        """True while objects of a failed commit may lie at some sites; settle them before the next commit."""
        return bool(self._unsettled)

    @property
    def executor(self) -> ThreadPoolExecutor:
        """The threads that put; large objects use them too."""
        return self._executor

    def open(
        self,
        event: EventDraft,
        *,
        heads: Sequence[str],
        unrecorded: Sequence[Commit],
        degraded: bool = False,
    ) -> list[CommittedBatch]:
        """Write sequence 0: it proves that the sites take objects, and records what came before.

        Args:
            event: the system's log line about this start.
            heads: key of the last known object of every earlier writer that did not close.
            unrecorded: commits of earlier objects that no object recorded.
        """
        self._heads = tuple(heads)
        self._unrecorded = list(unrecorded)
        return self.commit([event], degraded=degraded)

    def record(self, upgrades: Sequence[Commit]) -> None:
        """Let the next object hold these commit records of earlier ones. From any thread."""
        self._upgrades.extend(upgrades)

    def commit(
        self, drafts: Sequence[Draft], *, final: bool = False, degraded: bool = False
    ) -> list[CommittedBatch]:
        """Write drafts as one group; returns past the commit point.

        Rows keep the order of ``drafts`` within their kind. Messages come first when both kinds occur.
        ``degraded``: one site that holds the whole group is enough, and one that is out is not asked.

        Raises:
            SiteUnavailable: the sites do not hold the group. When ``unsettled`` is then true, some may.
            KeyUnavailable: a master or signing key is missing; nothing was stored.
            MachineLimit: open files, memory or threads of this machine; as SiteUnavailable.
        """
        if self._unsettled:
            raise RuntimeError("settle the failed commit first")
        self._fault("before-encode")
        self._signer = self._signing.active()  # before anything is stored: without it no receipt could be
        try:
            assembled = self._assemble(drafts, final=final)
        except MemoryError as error:
            raise limit_of("memory") from error
        self._fault("before-put")
        self._place(assembled, degraded)
        return self._committed(assembled)

    def settle(self, *, degraded: bool = False) -> list[CommittedBatch]:
        """Try once more to bring a failed commit to the sites. Raises SiteUnavailable while it fails."""
        assembled = self._unsettled
        self._place(assembled, degraded)
        self._unsettled = []
        return self._committed(assembled)

    def close(self) -> None:
        """Stop the threads. Write a last object before, with ``commit(..., final=True)``."""
        # At a site that failed lately a put may hang that was given up.
        hanging = self._policy is not None and any(
            site.state in ("suspect", "out") for site in self._policy.health.snapshot()
        )
        self._executor.shutdown(wait=not hanging, cancel_futures=True)

    def _assemble(self, drafts: Sequence[Draft], *, final: bool) -> list[_Assembled]:
        groups: list[tuple[BatchKind, list[Draft]]] = [
            ("messages", [draft for draft in drafts if isinstance(draft, MessageDraft)]),
            ("events", [draft for draft in drafts if isinstance(draft, EventDraft)]),
        ]
        groups = [group for group in groups if group[1]]
        assembled: list[_Assembled] = []
        sequence, previous, last_us = self._sequence, self._previous, self._last_us
        upgrades = tuple(self._upgrades)
        self._carried = len(upgrades)
        for kind, members in groups:
            entries = []
            for row, draft in enumerate(members):
                last_us = max(draft.received_us, last_us + 1)
                entries.append(_entry(draft, archive_id(self.id, sequence, row), last_us))
            retain_until = self._retention(kind, from_us(last_us))
            first = not assembled
            header = BatchHeader(
                archive=self._archive,
                writer=self.id,
                sequence=sequence,
                kind=kind,
                created_us=last_us,
                retain_until=rfc3339_seconds(retain_until),
                rows=len(entries),
                previous=previous,
                commits=(*self._unrecorded, *upgrades) if first else (),
                heads=self._heads if sequence == 0 else (),
                final=final and kind == groups[-1][0],
                large=tuple(p for draft in members if isinstance(draft, MessageDraft) for p in draft.large),
            )
            subject = self._names.subject("batch", self.id, sequence, kind)
            data_key = self._keys.fresh_key(subject, self._entropy)
            data = encode_batch(header, entries, data_key, self._signer, compression_level=self._level)
            digest = hashlib.sha256(data).digest()
            key = self._names.sign_name(subject, digest, self._signer)
            placing = Placing(key, data, digest, retain_until)
            if self._policy is not None:
                placing.on_put, placing.may_skip = self._policy.health.put_ended, self._policy.may_skip
            assembled.append(_Assembled(header, tuple(entries), placing))
            sequence, previous = sequence + 1, digest.hex()
        return assembled

    def _place(self, assembled: list[_Assembled], degraded: bool) -> None:
        """All objects where they must be, or SiteUnavailable with the state kept for ``settle``."""
        sites = self._sites
        if degraded and self._policy is not None:
            sites = self._policy.health.usable(sites)
        for item in assembled:
            item.placing.put(sites, self._executor)
        whole_at = [
            name for name in self._sites if all(name in item.placing.placements for item in assembled)
        ]
        if len(whole_at) == len(self._sites) or (degraded and whole_at):
            return
        site, failure = next(failed for item in assembled for failed in item.placing.failures.items())
        if all(item.placing.surely_nowhere for item in assembled):
            self._unsettled = []
            raise _refusal(failure, site, may_be_stored=False) from failure
        self._unsettled = assembled
        raise _refusal(failure, site, may_be_stored=True) from failure

    def _committed(self, assembled: list[_Assembled]) -> list[CommittedBatch]:
        self._fault("commit-point")
        last = assembled[-1]
        self._sequence = last.header.sequence + 1
        self._previous = last.placing.sha256.hex()
        self._last_us = last.header.created_us
        signing = self._signer
        committed = []
        self._unrecorded = []
        for _ in range(self._carried):
            self._upgrades.popleft()
        for item in assembled:
            found = item.placing.placements
            placements = tuple(found[name] for name in self._sites if name in found)
            tree = build_tree(
                item.entries,
                archive=self._archive,
                key=item.placing.key,
                placements=placements,
                large=item.header.large,
                signing_key=signing.key_id,
            )
            commit = Commit(item.placing.key, placements, signing.key_id, signing.sign(tree.statement))
            folded = FoldedBatch(item.placing.key, item.header, tuple(item.entries), placements, commit)
            committed.append(CommittedBatch(folded.without_bodies(), tree, commit.signature))
            self._unrecorded.append(commit)
        self._fault("after-sign")
        return committed


def _refusal(error: VanVaultError, site: str, *, may_be_stored: bool) -> SiteUnavailable | MachineLimit:
    stored = "the entries may already be stored" if may_be_stored else "nothing was stored"
    said = f"not acknowledged: {error.message}; {stored}"
    hint = f"Send the same request again with the same ids; it will not be archived twice. {error.hint}"
    if isinstance(error, MachineLimit):
        return MachineLimit(said, resource=error.resource, may_be_stored=may_be_stored, hint=hint)
    kind = SiteFull if isinstance(error, SiteFull) else SiteUnavailable
    return kind(said, site=site, may_be_stored=may_be_stored, hint=hint)


def _entry(draft: Draft, entry_id: str, received_us: int) -> Entry:
    if isinstance(draft, EventDraft):
        return Event(
            entry_id,
            draft.gateway,
            draft.event_id,
            received_us,
            draft.occurred_us,
            draft.type,
            draft.actor,
            draft.message_id,
            draft.metadata,
            draft.detail,
            draft.size,
            draft.sha256,
            draft.sha512,
        )
    return Message(
        entry_id,
        draft.gateway,
        draft.message_id,
        received_us,
        draft.content_type,
        draft.size,
        draft.sha256,
        draft.sha512,
        draft.metadata,
        draft.metadata_note,
        draft.large[0].key if draft.large else "",
        draft.body,
    )
