"""The ten-year index of one node, kept level with the catalogue: built, merged, asked.

All of it can be deleted: what is missing is built again from segments.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from vanvault.archiver.catalogue.catalogue import Catalogue, KnownSegment
from vanvault.archiver.catalogue.fold import FoldReport
from vanvault.archiver.catalogue.index.build import COLUMNS, RowsIndex, index_rows, write_index
from vanvault.archiver.catalogue.index.fields import TIERS, EntryKind, Tier
from vanvault.archiver.catalogue.index.file import BlockCache, IndexFile, open_index
from vanvault.archiver.catalogue.index.merge import merge_index
from vanvault.archiver.catalogue.index.open import open_index_store
from vanvault.archiver.catalogue.index.plan import plan_merges
from vanvault.archiver.catalogue.index.reader import IndexReader
from vanvault.archiver.catalogue.index.segments import SegmentInfo
from vanvault.archiver.catalogue.index.store import FILTER_SUFFIX, IndexStore
from vanvault.archiver.catalogue.index.tokens import IndexKeys, index_keys
from vanvault.archiver.catalogue.index.writer import IndexSummary, filter_path
from vanvault.archiver.catalogue.kept.directory import Believes, Signs
from vanvault.archiver.catalogue.kept.kept_index import KeptIndex, KeptLevel, KeptStanding
from vanvault.archiver.catalogue.kept.layered import LayeredStore
from vanvault.archiver.catalogue.kept.place import KeptPlace
from vanvault.archiver.catalogue.segments.files import SegmentFiles
from vanvault.archiver.catalogue.segments.locate import part_of
from vanvault.archiver.core.errors import Damaged, KeyUnavailable, NotFound, SiteUnavailable
from vanvault.archiver.core.key_port import KeyProvider
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.model import SegmentManifest
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.disk import HeldLock, take_lock, try_lock

T = TypeVar("T")

#: Stores index files of log parts; gives, of each, the log parts in it and those that no site gives.
Build = Callable[[Sequence[str]], Iterator[tuple[list[str], list[str]]]]

_SUFFIX = ".idx"
_NONE: frozenset[str] = frozenset()
#: How often a question is put again when files go meanwhile.
_ATTEMPTS = 4
#: How many damaged index files one question sets aside.
_MOST_DAMAGED = 32
#: Segments whose postings one index file takes at once while an index is built.
_TOGETHER = 16
#: So many segments are indexed before a site is asked what it keeps.
_FEW = 3


@dataclass(frozen=True, slots=True)
class KeptSites:
    """Where sites keep index files, and whose directories of them are believed."""

    places: Mapping[str, KeptPlace | None]  # by site
    archive: str
    believes: Believes


@dataclass(frozen=True, slots=True)
class IndexStorage:
    """Where the index files of one node lie, and where they are written."""

    store: IndexStore
    folder: Path  # on local disk: files that are being written, and the lock between processes
    kept: KeptIndex | None = None  # what sites keep; None: this node has nothing to do with it

    @classmethod
    def open(
        cls, url: str, *, home: Path, folder: Path, options: S3Options, kept: KeptSites | None = None
    ) -> IndexStorage:
        """The store at this URL (a folder is relative to the home), over what sites keep.

        Raises as ``open_index_store`` does.
        """
        store = open_index_store(url, home=home, cache=folder / "parts", options=options)
        if kept is None:
            return cls(store, folder)
        layered = LayeredStore(store, folder)
        return cls(layered, folder, KeptIndex(layered, kept.places, kept.archive, kept.believes, folder))


class KeyIndex:
    """One node's index; ``catch_up`` by one process at a time, everything else by any thread."""

    def __init__(
        self,
        storage: IndexStorage,
        *,
        provider: KeyProvider,
        catalogue: Catalogue,
        files: SegmentFiles,
        ports: Ports,
        cache_bytes: int,
    ) -> None:
        """``cache_bytes``: of decoded index blocks in memory."""
        self._store = storage.store
        self._kept = storage.kept
        self._provider = provider
        self._catalogue = catalogue
        self._files = files
        self._folder = storage.folder
        self._clock = ports.clock
        self._stopwatch = ports.stopwatch
        self._entropy = ports.entropy
        self._cache = BlockCache(cache_bytes)
        self._keys: dict[str, IndexKeys] = {}
        self._open: dict[str, IndexFile] = {}
        self._reader = IndexReader(())
        self._known: frozenset[str] = frozenset()
        self._level: tuple[frozenset[str], IndexReader, frozenset[str]] = (_NONE, self._reader, _NONE)
        self._lock = threading.Lock()
        self._own: tempfile.TemporaryDirectory[str] | None = None  # where the home's folder cannot be used

    def close(self) -> None:
        """Close the store."""
        self._store.close()
        if self._kept is not None:
            self._kept.close()
        if self._own is not None:
            self._own.cleanup()

    def reader(self, needed: frozenset[str] = frozenset()) -> IndexReader:
        """The index as it is; read anew from the store when it lacks one of the log parts ``needed``.

        Raises Damaged, SiteUnavailable, KeyUnavailable.
        """
        return self._levelled(needed)[0]

    def ask(self, needed: frozenset[str], question: Callable[[IndexReader], T]) -> tuple[T, frozenset[str]]:
        """The answer, and those of the log parts ``needed`` of which no index file knows: files were lost.

        A file that was merged away meanwhile, or whose site went, is let go and the question put again; so is
        one with a damaged block, which is taken from another site, or built again by the next ``catch_up``.
        Where too many are gone or damaged for one question, nothing is answered from index files, and every
        log part is lacking.

        Raises Damaged (what is no index file), SiteUnavailable (the index store), KeyUnavailable.
        """
        gone = damaged = 0
        while gone <= _ATTEMPTS and damaged < _MOST_DAMAGED:
            reader, lacking = self._levelled(needed)
            try:
                return question(reader), lacking
            except NotFound:
                gone += 1
                self._look_again(needed)
            except SiteUnavailable:
                if self._kept is None or not self._kept.store.offered():
                    raise
                gone += 1
                self._look_again(needed)
            except Damaged as error:
                broken = next((file for file in reader.files if file.name == error.key), None)
                if broken is None:
                    raise
                damaged += 1
                self._set_aside(broken, needed)
        return question(IndexReader(())), needed

    def _set_aside(self, broken: IndexFile, needed: frozenset[str]) -> None:
        """Let a damaged file go, wherever it is read from, and take it from another site if one keeps it."""
        with self._lock:
            # Another thread may have seen it first, and opened what another site keeps.
            if self._open.get(broken.name) is broken:
                del self._open[broken.name]
                if self._kept is None or not self._kept.store.refuse(broken.name):
                    self._delete(broken.name)
        self.refresh()
        if self._kept is not None and needed - self._known:
            self._adopt(needed - self._known)
            self.refresh()

    def surely_lacks(self, needed: frozenset[str], entry: EntryKind, client_id: str) -> bool:
        """Does the open index hold the log parts ``needed``, and do its filters say that there is no such id?

        Reads nothing from the store and waits for nobody; false where that would be needed.
        """
        checked, reader, lacking = self._level
        return needed is checked and not lacking and not reader.may_hold(entry, client_id)

    def _levelled(self, needed: frozenset[str]) -> tuple[IndexReader, frozenset[str]]:
        checked, reader, lacking = self._level
        if needed is not checked:  # one state of the catalogue gives one set: it is not compared twice
            if not needed <= self._known:
                self.refresh()
            with self._lock:
                reader, lacking = self._reader, needed - self._known
                self._level = (needed, reader, lacking)
        return reader, lacking

    def refresh(self) -> None:
        """Open what came, forget what went."""
        with self._lock:
            names = [file.name for file in self._store.list() if file.name.endswith(_SUFFIX)]
            opened: dict[str, IndexFile] = {}
            for name in names:
                try:
                    opened[name] = self._open.get(name) or self._opened(name)
                except NotFound:
                    continue  # merged into another just now
                except SiteUnavailable:
                    if self._kept is None or not self._kept.store.withdraw(name):
                        raise
                except KeyUnavailable:
                    self._active()  # raises where no key is to be had at all
                    # What a site gave names a key that is not here: anybody can write that in a file.
                    if self._kept is None or not self._kept.store.refuse(name):
                        raise
                except Damaged:  # it is built again from segments
                    if self._kept is None or not self._kept.store.refuse(name):
                        self._delete(name)
            for name in _overlapping(opened.values()):
                self._delete(name)
                del opened[name]
            self._open = opened
            self._reader = IndexReader(opened.values())
            self._known = frozenset(segment.key for segment in self._reader.segments())
            self._level = (_NONE, self._reader, _NONE)

    def catch_up(self, *, wait: bool = False, within_s: float | None = None) -> FoldReport:
        """Index what the catalogue has and the index has not, the newest first; merge what is due.

        When another process of this home is at it, this does nothing, or waits for it with ``wait``.
        ``within_s``: begin no further segment after so many seconds; the next call goes on.

        Raises SiteUnavailable (the index store), KeyUnavailable.
        """
        if not self._wanting() and not self._of_replaced(self._catalogue.replaced_ids()):
            return FoldReport()
        until = None if within_s is None else self._stopwatch.seconds() + within_s
        with self._alone(wait=wait) as alone:
            if not alone:
                return FoldReport()
            self.refresh()
            self._drop(self._catalogue.replaced_ids())
            taken = self._take_kept()
            indexed, unreadable = self._index(self._wanting(), until=until)
            return FoldReport(indexed=taken + indexed, merged=self._merge(), unreadable=unreadable)

    def rebuild(
        self, progress: Callable[[int], None] = lambda done: None, build: Build | None = None
    ) -> FoldReport:
        """Build what is missing; begun again after a kill, it goes on.

        Args:
            progress: hears how many segments more are done.
            build: stores files of log parts in its own way, such as on other processes.
        """
        with self._alone(wait=True):
            self.refresh()
            self._drop(self._catalogue.replaced_ids())
            taken = self._take_kept(whole=True)
            progress(taken)
            wanting = self._wanting()
            if build is None:
                done, unreadable = self._index(wanting, progress)
                return FoldReport(indexed=taken + done, merged=self._merge(), unreadable=unreadable)
            self._note([one for one in wanting if log_key(one) in self._known])
            left = [log_key(one) for one in wanting if log_key(one) not in self._known]
            spoiled: list[str] = []
            for stored, unreadable_here in build(left):
                spoiled += unreadable_here
                self.refresh()
                self._note([one for one in wanting if log_key(one) in stored])
                progress(len(stored))
            return FoldReport(
                indexed=taken + len(wanting) - len(spoiled), merged=self._merge(), unreadable=tuple(spoiled)
            )

    def _of_replaced(self, ids: frozenset[str]) -> list[str]:
        """Open index files that hold a segment with one of these ids."""
        return [name for name, file in self._open.items() if ids and not ids.isdisjoint(_ids_in(file))]

    def _drop(self, ids: frozenset[str]) -> None:
        """Let go of files that lead to what is replaced; what else was in them is indexed again."""
        dropped = self._of_replaced(ids)
        for name in dropped:
            self._delete(name)
        if dropped:
            self.refresh()

    def wanting(self) -> list[str]:
        """Log parts that the index lacks, whether it never had them or lost them."""
        return [log_key(one) for one in self._wanting()]

    def build(self, logs: Sequence[str]) -> tuple[list[str], list[str]]:
        """Store one file of these log parts: those that are in it, and those that no site gives.

        It is not on record yet: ``rebuild`` of another process does that, which holds the lock.
        """
        known = {log_key(segment): segment for segment in self._catalogue.segments()}
        parts, stored, unreadable = [], [], []
        for key in logs:
            if key in known:
                try:
                    parts.append(self._rows(known[key]))
                    stored.append(key)
                except (Damaged, NotFound):
                    unreadable.append(key)
        if parts:
            self._put(lambda path: self._write(path, parts))
        return stored, unreadable

    def add(self, manifest: SegmentManifest, log: pa.Table, group_rows: int) -> None:
        """Store the file of a segment of which the caller has the rows, so that nobody reads them again.

        As with ``build``, the next fold puts it on record.

        Args:
            log: all rows, as they were proved at the sites.
            group_rows: of the log part.

        Raises SiteUnavailable (the index store), KeyUnavailable, OSError.
        """
        part = self._indexed(manifest, log, group_rows)
        self._put(lambda path: self._write(path, [part]))

    def tiers(self) -> Sequence[tuple[str, int, int, int, int]]:
        """Of each tier: its name, and how many files, segments, rows, and bytes with filters."""
        self.refresh()
        found: list[tuple[str, int, int, int, int]] = []
        for tier in TIERS:
            files = [one for one in self._reader.files if one.header.tier == tier]
            segments = sum(len(one.table.segments) for one in files)
            rows = sum(one.table.rows for one in files)
            size = sum(one.size + one.filter.nbytes for one in files)
            found.append((tier, len(files), segments, rows, size))
        return found

    def _note(self, segments: Sequence[KnownSegment]) -> None:
        self._catalogue.indexed_all([segment.n for segment in segments])

    def _wanting(self) -> list[KnownSegment]:
        """Segments that the index lacks, whether it never had them or lost them."""
        state = self._catalogue.current()
        _, lacking = self._levelled(state.logs)
        if not state.unindexed and not lacking:
            return []
        found = [one for one in state.segments if not one.indexed or log_key(one) in lacking]
        return sorted(found, key=lambda one: (one.manifest.last_us, one.key), reverse=True)

    def _take_kept(self, *, whole: bool = False) -> int:
        """Use what sites keep of what is lacking; how many segments that gave. ``whole``: fetch it now, too.

        What was made since is sooner indexed from its segments than asked for.
        """
        wanting = self._wanting()
        if self._kept is None or not wanting or (self._open and len(wanting) <= _FEW):
            return 0
        logs = frozenset(log_key(one) for one in wanting)
        # What one site turns out to keep damaged, another may keep well.
        for _ in self._kept.places:
            if not self._adopt(logs - self._known):
                break
            if whole:
                with suppress(SiteUnavailable):  # what is not here is read from the site
                    while self._kept.bring_next():
                        pass
            self.refresh()
        covered = [one for one in wanting if log_key(one) in self._known]
        self._note(covered)
        return len(covered)

    def _look_again(self, needed: frozenset[str]) -> None:
        """Files went while they were in use: others, in which theirs were merged, have come, or another site
        keeps them.
        """
        if self._kept is None or not self._kept.store.offered():
            self.refresh()
            return
        self._kept.store.withdraw()
        self.refresh()
        self._adopt(needed - self._known)
        self.refresh()

    def _adopt(self, lacking: frozenset[str]) -> frozenset[str]:
        """Offer what sites keep of these log parts; those that are covered now."""
        if self._kept is None:
            return _NONE
        return self._kept.adopt(lacking, self._known, self._rows_of_archive(), tuple(self._files.sites))

    def _rows_of_archive(self) -> dict[str, int]:
        return {log_key(one): one.manifest.rows for one in self._catalogue.segments(spare=True)}

    def names(self) -> frozenset[str]:
        """Of the index files that are open."""
        return frozenset(self._open)

    def bring_next(self) -> bool:
        """Fetch one more file that sites keep; false when all is here. Raises SiteUnavailable, SiteFull."""
        return self._kept is not None and self._kept.bring_next()

    def keep(self, sign: Signs) -> tuple[KeptLevel, ...]:
        """Bring what sites keep level with the index; nothing while another process of this home does.

        Raises SiteUnavailable (the index store), KeyUnavailable.
        """
        if self._kept is None:
            return ()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = try_lock(self._folder / "keeping")
        if lock is None:
            return ()
        with lock:
            self.refresh()
            # Of what is replaced no count of rows is true, so no site goes on keeping a file with it.
            gone = {log_key(one): -1 for one in self._catalogue.replaced()}
            rows = {**self._rows_of_archive(), **gone}
            return self._kept.level(self._reader.files, rows, self._clock.now(), sign)

    def still_kept(self) -> tuple[tuple[str, str], ...]:
        """Site and name of each index file that a site keeps and that leads to what is replaced.

        One that its directory does not name any more goes a day later. Raises SiteUnavailable, Damaged.
        """
        gone = frozenset(log_key(one) for one in self._catalogue.replaced())
        return self._kept.holding(gone) if self._kept is not None and gone else ()

    def kept(self, away: Collection[str] = ()) -> tuple[KeptStanding, ...]:
        """How what sites keep stands against the archive's segments; ``away``: sites that are not asked."""
        return self._kept.standing(self._rows_of_archive(), away) if self._kept is not None else ()

    def discard(self) -> None:
        """Delete every index file. Entries of segments are not found until ``rebuild`` is done."""
        with self._alone(wait=True):
            if self._kept is not None:  # it shall come from segments alone
                self._kept.is_off = True
                self._kept.store.withdraw()
            for file in list(self._store.list()):
                self._store.delete(file.name)
            self.refresh()

    def _index(
        self,
        segments: Sequence[KnownSegment],
        progress: Callable[[int], None] = lambda done: None,
        *,
        until: float | None = None,
    ) -> tuple[int, tuple[str, ...]]:
        done, unreadable = 0, []
        for start in range(0, len(segments), _TOGETHER):
            parts: list[tuple[SegmentInfo, list[RowsIndex]]] = []
            here: list[KnownSegment] = []
            for segment in segments[start : start + _TOGETHER]:
                if (here or start) and until is not None and self._stopwatch.seconds() >= until:
                    break
                if log_key(segment) not in self._known:
                    try:
                        parts.append(self._rows(segment))
                    except (Damaged, NotFound):
                        unreadable.append(log_key(segment))
                        continue
                here.append(segment)
            if parts:
                self._put(lambda path, parts=parts: self._write(path, parts))  # type: ignore[misc]
                self.refresh()
            self._note(here)
            done += len(here)
            progress(len(here))
            if until is not None and self._stopwatch.seconds() >= until:
                break
        return done, tuple(unreadable)

    def _rows(self, segment: KnownSegment) -> tuple[SegmentInfo, list[RowsIndex]]:
        manifest, part = segment.manifest, part_of(segment.manifest, "log")
        header = self._files.header(manifest, part)
        table = self._files.table(manifest, part, (*COLUMNS, "repeats"))
        return self._indexed(manifest, table, header.group_rows)

    def _indexed(
        self, manifest: SegmentManifest, log: pa.Table, group_rows: int
    ) -> tuple[SegmentInfo, list[RowsIndex]]:
        import pyarrow.compute as pc  # takes 50 ms to load, which only the making of an index needs

        leave_out = np.asarray(pc.not_equal(log.column("repeats"), ""))
        info = SegmentInfo(
            key=part_of(manifest, "log").key,
            day=manifest.day,
            rows=log.num_rows,
            first_us=manifest.first_us,
            last_us=manifest.last_us,
            row_group_rows=group_rows,
        )
        return info, [index_rows(log, self._active(), row_group_rows=group_rows, leave_out=leave_out)]

    def _write(self, path: Path, parts: Iterable[tuple[SegmentInfo, Sequence[RowsIndex]]]) -> IndexSummary:
        return write_index(path, parts, self._active(), self._entropy)

    def _merge(self) -> int:
        """Merge until nothing is due; how many files went."""
        merged = 0
        if self._kept is not None and self._kept.store.offered():
            return 0  # once they are here
        while True:
            facts = [file.facts for file in self._reader.files]
            plans = plan_merges(facts, self._clock.now().date())
            covered = set(self._open) - {fact.name for fact in facts}
            for name in covered:  # left by a merge that was killed before it cleaned up
                self._delete(name)
            if not plans:
                return merged
            for plan in plans:
                inputs = [self._open[fact.name] for fact in plan.inputs]
                tier: Tier = plan.tier
                self._put(
                    lambda path, inputs=inputs, tier=tier: merge_index(  # type: ignore[misc]
                        inputs, path, tier, self._entropy
                    )
                )
                merged += len(inputs)
            self.refresh()
            for plan in plans:
                for fact in plan.inputs:
                    self._delete(fact.name)

    def _put(self, write: Callable[[Path], IndexSummary]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="making-") as scratch:
            path = Path(scratch) / "new"
            summary = write(path)
            name = _name_of(summary.tier, summary.first_day, summary.file_id)
            # The filter first: a file is listed by its own name, so then it is complete.
            self._store.put(name + FILTER_SUFFIX, filter_path(path))
            self._store.put(name, path)

    def _opened(self, name: str) -> IndexFile:
        """Raises Damaged also when a file is not the one of its name: they do not change places."""
        file = open_index(self._store, name, self._keys_of, self._cache)
        if name != _name_of(file.header.tier, file.facts.first_day, file.header.file_id.hex()):
            file.close()
            raise Damaged(f"{name} holds another index file", key=name)
        return file

    def _delete(self, name: str) -> None:
        self._store.delete(name)
        self._store.delete(name + FILTER_SUFFIX)

    def _keys_of(self, key_id: str) -> IndexKeys:
        if key_id not in self._keys:
            self._keys[key_id] = index_keys(self._provider, key_id, self._files.keys.archive)
        return self._keys[key_id]

    def _active(self) -> IndexKeys:
        return self._keys_of(self._provider.active("index"))

    def _locked(self, *, wait: bool) -> HeldLock | None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / "lock"
        return take_lock(path) if wait else try_lock(path)

    @contextmanager
    def _alone(self, *, wait: bool) -> Iterator[bool]:
        try:
            lock = self._locked(wait=wait)
        except OSError as error:
            raise_limit(error)
            # Where files are made is no matter; two processes that index at once do harm to neither.
            self._own = self._own or tempfile.TemporaryDirectory(
                prefix="vanvault-index-", ignore_cleanup_errors=True
            )
            self._folder = Path(self._own.name)
            lock = self._locked(wait=wait)
        if lock is None:
            yield False
            return
        with lock:
            yield True


def _name_of(tier: str, first_day: str, file_id: str) -> str:
    return f"{tier}/{first_day}-{file_id}{_SUFFIX}"


def _ids_in(file: IndexFile) -> frozenset[str]:
    """The ids of the segments in an index file."""
    names = (parse_key(segment.key) for segment in file.table.segments)
    return frozenset(name.writer for name in names if name is not None)


def log_key(segment: KnownSegment) -> str:
    """The key of a segment's log part."""
    return part_of(segment.manifest, "log").key


def _overlapping(files: Iterable[IndexFile]) -> list[str]:
    """Files that share some of their segments with larger ones, but not all: two rebuilds met.

    What is only in them is indexed again.
    """
    seen: set[str] = set()
    found = []
    for one in sorted(files, key=lambda one: (len(one.table.segments), one.name), reverse=True):
        keys = {segment.key for segment in one.table.segments}
        if keys & seen and not keys <= seen:
            found.append(one.name)
        else:
            seen |= keys
    return found
