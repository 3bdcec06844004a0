"""From what was read, object by object in order, to findings. No I/O but asking whether a site is away."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.archiver.core.object_limits import LockRules
from vanvault.archiver.core.times import from_us, rfc3339_seconds
from vanvault.archiver.stores import StoredVersion
from vanvault.recovery.objects import CompactedBatches, Copies, SegmentCopies
from vanvault.recovery.verified import Problem
from vanvault.recovery.verify.chains import Chain, ChainFinding, ExpectedBatch, Gap, Misfit
from vanvault.recovery.verify.contents import (
    BatchContent,
    Content,
    Flaw,
    ForgedContent,
    LargeContent,
    Reference,
    Sealed,
    SegmentContent,
    Undecipherable,
    reference_flaw,
)
from vanvault.recovery.verify.copies import (
    WrongBytes,
    batch_locks,
    every_whole,
    held_at,
    newest_whole,
    short_locks,
    whole_at,
    wrong_bytes,
)
from vanvault.recovery.verify.masters import Masters
from vanvault.recovery.verify.model import Finding
from vanvault.recovery.verify.reading import ObjectRead
from vanvault.recovery.verify.references import References
from vanvault.recovery.verify.segment_reading import SegmentObject, SegmentRead
from vanvault.recovery.work import Extent

#: A copy younger than this when verification starts may still be on its way to the other site.
ON_ITS_WAY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class LooseEnd:
    """An object that some site seems to lack: whoever writes meanwhile may just have put it there."""

    key: str
    why: str
    unread: frozenset[str] = frozenset()  # sites whose copy is still to be read, if there is one
    retain_until: datetime | None = None
    reference: Reference | None = None  # of the row that needs it, while it was not compared
    master_key: str = ""  # it counts only if it is not our key of this id that refuses it
    counted: bool = True  # some site listed it


class Fold:
    """Takes objects in the order of ``Listing.everything``."""

    def __init__(
        self,
        sites: Sequence[str],
        *,
        started: Mapping[str, datetime],
        judged_at: Mapping[str, datetime],
        whole_subset: bool,
        is_away: Callable[[str], bool],
        locks_listed: Collection[str],
        rules: LockRules,
    ) -> None:
        """``started``: by site, its own time when the verification began. ``judged_at``: for its locks.

        ``locks_listed``: sites whose listings tell locks; elsewhere only what was read tells its lock.
        """
        self._sites = sites
        self._started = started
        self._judged_at = judged_at
        self._whole_subset = whole_subset
        self._is_away = is_away
        self._locks_listed = locks_listed
        self._rules = rules
        self.compacted = CompactedBatches()
        self._compacted = References()  # to large objects, by rows of segments
        # Named by batches in segments; what no segment holds may be at the sites.
        self._spoken_of: list[ExpectedBatch] = []
        self._all_compacted_seen = True  # rows of all segments
        self._let_go: set[str] = set()  # large objects of entries or originals that were disposed of
        self._visited: set[str] = set()  # writers with compacted batches
        self._chain = Chain()
        self._references: dict[str, Reference] = {}  # of this writer's rows, not yet met
        self._all_rows_seen = True  # of this writer
        self._findings: dict[tuple[str, str, Problem], Finding] = {}
        self._masters = Masters()
        self.loose: dict[str, LooseEnd] = {}
        self.gaps: list[Gap] = []
        self.wrong: dict[tuple[str, str], WrongBytes] = {}  # by key and site
        self.extents = dict.fromkeys(sites, Extent())
        self.objects = self.messages = self.events = 0

    def add(self, finding: Finding) -> None:
        """Keep a finding; the same problem of the same object at the same site counts once."""
        self._findings.setdefault((finding.key, finding.site, finding.problem), finding)

    def findings(self) -> list[Finding]:
        """All of them, by key and site."""
        return [self._findings[at] for at in sorted(self._findings)]

    def take(self, copies: Copies, read: ObjectRead | None) -> None:
        """The next object; ``read`` is None when its bytes are outside the subset."""
        name = parse_key(copies.key)
        if name is None:
            for site in copies.at:
                self.add(Finding(site, copies.key, "extra", "no object of the archive has such a name"))
            return
        self.objects += bool(copies.at)
        if name.writer != self._chain.writer:
            self.end_writer()
            self._begin_writer(name.writer)
        if read is None:
            held = list(copies.at)
            self._add_all(self._short_locks(name, self._listed_locks(copies), None))
            self._add_all(self._long_locks(name, self._listed_locks(copies), None))
        else:
            held = held_at(read)
            self.judge(name, read, again=self._is_counted(name))
        if name.family == "large":
            self._large(name, copies, held, read)
        else:
            self._batch(name, copies, held, read.content if read else None)

    def take_segment(self, segment: SegmentRead) -> None:
        """The next segment; all of them come before the first writer's objects."""
        for copies in segment.strangers:
            for site in copies.at:
                self.add(Finding(site, copies.key, "extra", "no object of the archive has such a name"))
        for copies in segment.leftovers:
            self.objects += 1
            detail = "no trusted segment is made of it: a compaction was interrupted"
            self._add_all(Finding(site, copies.key, "leftover", detail) for site in copies.at)
        for one in segment.objects:
            self.objects += bool(one.copies.at)
            if one.read is None:
                held = list(one.copies.at)
                self._add_all(short_locks(one.name.key, self._listed_locks(one.copies), one.retain_until))
            else:
                held = held_at(one.read)
                self.judge(one.name, one.read, until=one.retain_until)
            self._add_all(self._missing_of_segment(one, held))
        self.messages += segment.messages
        self.events += segment.events
        manifests = sum(one.name.kind == "manifest" for one in segment.objects)
        if segment.leftovers or manifests > len(segment.held):
            self._all_compacted_seen = False
        for trusted in segment.held:
            if all(map(self.compacted.contains, trusted.ranges)):
                detail = "other segments hold all its batches, too"
                self._add_all(Finding(site, trusted.key, "spare", detail) for site in trusted.sites)
            for covered in trusted.ranges:
                self.compacted.add(covered)
            self._compacted.add(trusted.references)
            self._spoken_of += trusted.expected
            self._let_go.update(trusted.let_go)

    def pass_over(self, segment: SegmentCopies, *, refused: bool) -> None:
        """A segment that does not count: it is replaced, or would replace what it does not hold."""
        for copies in segment.objects:
            self.objects += bool(copies.at)
            name = parse_key(copies.key)
            if not refused:
                detail = "a residue segment stands in its place; it waits to be removed"
                self._add_all(Finding(site, copies.key, "replaced", detail) for site in copies.at)
            elif name is not None and name.kind == "manifest":
                detail = "it names a segment to replace whose batches it does not hold, so it does not count"
                self._add_all(Finding(site, copies.key, "header", detail) for site in copies.at)

    def _missing_of_segment(self, one: SegmentObject, held: list[str]) -> Iterator[Finding]:
        if held:
            why = f"{', '.join(held)} has it"
        elif one.name.kind == "manifest":
            why = "this node knows the segment"
        else:
            why = "the segment's manifest names it"
        for site in self._sites:
            if site not in held and not self._is_away(site):
                yield Finding(site, one.name.key, "missing", why, one.retain_until)

    def judge(
        self, name: ObjectName, read: ObjectRead, *, again: bool = False, until: datetime | None = None
    ) -> None:
        """What was read of one object, by itself: its bytes, its locks, its key, its content.

        ``again``: its rows are counted already. ``until``: the lock that another object asks for.
        """
        content, whole = read.content, whole_at(name, read)
        if isinstance(content, BatchContent | SegmentContent) and content.belongs:
            until = until or content.retain_until
        for site in held_at(read):
            copies = [copy for copy in read.copies if copy.site == site]
            self.extents[site] += Extent(
                sum(copy.sha256 is not None for copy in copies), sum(copy.size for copy in copies)
            )
            for found in wrong_bytes(name, site, copies, until):
                if isinstance(found, Finding):
                    self.add(found)
                elif found.sha256 is not None or not self._is_away(site):
                    self.wrong[name.key, site] = found
        if _belongs(content):
            self._add_all(self._short_locks(name, newest_whole(name, read), until, content))
        self._add_all(self._long_locks(name, every_whole(name, read), until))
        if isinstance(content, BatchContent | SegmentContent):
            self._flaws(name.key, whole, content.flaws)
        elif isinstance(content, Undecipherable):
            self._flaws(name.key, whole, [("undecipherable", content.detail)])
        elif isinstance(content, ForgedContent):
            self._flaws(name.key, whole, [("forged", content.detail)])
        self._masters.note(name.key, whole, content)
        if not again:
            self.messages += read.messages
            self.events += read.events

    def compare(self, name: ObjectName, read: ObjectRead, reference: Reference) -> None:
        """A large object that was read, against the row that refers to it."""
        self._add_all(short_locks(name.key, newest_whole(name, read), reference.retain_until))
        if isinstance(read.content, LargeContent):
            flaw = reference_flaw(reference, read.content)
            self._flaws(name.key, whole_at(name, read), [flaw] if flaw else [])

    def end_writer(self) -> None:
        """The last object of a writer was taken; what its rows still wait for is looked for again."""
        for seen in self._chain.finish():
            self._note_link(seen, self._chain.writer, self._sites)
        for reference in self._references.values():
            why = f"row {reference.row} refers to it"
            everywhere = frozenset(self._sites)
            self._loosen(LooseEnd(reference.key, why, everywhere, reference.retain_until, reference))
        self._references = {}

    def end_writers(self) -> None:
        """All objects were taken; of some writers only segments may be left."""
        self.end_writer()
        for writer in self.compacted.writers():
            if writer not in self._visited:
                self._begin_writer(writer)
                self.end_writer()
        self._compacted.close()
        for expected in self._spoken_of:
            self._expect(expected)

    def _begin_writer(self, writer: str) -> None:
        covered = self.compacted.of(writer)
        self._visited.update([writer] if covered else [])
        self._chain = Chain(writer, covered)
        self._references = self._compacted.of(writer) if covered else {}
        self._all_rows_seen = self._all_compacted_seen and all(one.digests for one in covered)

    def end_masters(self) -> None:
        """All objects were taken: which keys are wrong or missing is known, and with it what is bogus."""
        self._add_all(self._masters.findings())
        self.loose = {
            key: end for key, end in self.loose.items() if not self._masters.is_right(end.master_key)
        }

    def _batch(self, name: ObjectName, copies: Copies, held: list[str], content: Content | None) -> None:
        if not _belongs(content):
            return
        opened = content if isinstance(content, BatchContent) else None
        if opened is None and name.kind == "messages" and not self._is_counted(name):
            self._all_rows_seen = False
        if isinstance(content, Sealed) and content.held:
            self._chain.pass_by(name)
            self._presence(copies, held, None, master_key=content.master_key)
            return
        for seen in self._chain.add(name, opened):
            self._note_link(seen, name.key, held or self._sites)
        if opened is not None:
            # A batch may lie there still though what it refers to was disposed of.
            needed = (one for one in opened.references if one.key not in self._let_go)
            self._references.update((reference.key, reference) for reference in needed)
        self._presence(copies, held, opened.retain_until if opened else None)

    def _note_link(self, seen: ChainFinding, key: str, sites: Iterable[str]) -> None:
        if isinstance(seen, ExpectedBatch):
            self._expect(seen)
        elif isinstance(seen, Gap):
            self.gaps.append(seen)
        elif isinstance(seen, Misfit):
            self._flaws(seen.key, self._sites, [("chain", seen.detail)])
        else:
            self._flaws(key, sites, [seen])

    def _expect(self, expected: ExpectedBatch) -> None:
        if not self.compacted.holds(parse_key(expected.key)):
            self._loosen(LooseEnd(expected.key, expected.why))

    def _is_counted(self, name: ObjectName) -> bool:
        """Is it a batch, the rows of which were read in a segment?"""
        if not self.compacted.holds(name):
            return False
        covered = self.compacted.find(name.writer, name.sequence)
        return covered is not None and bool(covered.digests)

    def _listed_locks(self, copies: Copies) -> list[tuple[str, StoredVersion]]:
        """The newest versions where listings tell locks."""
        return [(site, versions[0]) for site, versions in copies.at.items() if site in self._locks_listed]

    def _short_locks(
        self,
        name: ObjectName,
        versions: list[tuple[str, StoredVersion]],
        until: datetime | None,
        content: Content | None = None,
    ) -> Iterator[Finding]:
        if name.family != "batch":
            return short_locks(name.key, versions, until)
        covered = self.compacted.holds(name)
        written = from_us(content.header.created_us) if isinstance(content, BatchContent) else None
        by_rules = written is not None and until is not None and until <= self._rules.longest(written)
        kept_for = self._rules.batch_lock if by_rules else None
        return batch_locks(name.key, versions, until, covered=covered, now=self._judged_at, kept_for=kept_for)

    def _long_locks(
        self, name: ObjectName, versions: list[tuple[str, StoredVersion]], until: datetime | None
    ) -> Iterator[Finding]:
        for site, version in versions:
            shown = version.retain_until
            if shown is not None and self._rules.is_beyond(name, shown, until, self._judged_at[site]):
                detail = f"it is locked until {rfc3339_seconds(shown)}, longer than the rules ask for"
                yield Finding(site, name.key, "lock-beyond-rules", detail)

    def _large(self, name: ObjectName, copies: Copies, held: list[str], read: ObjectRead | None) -> None:
        content = read.content if read else None
        if not _belongs(content):
            return
        reference = self._references.get(name.key)
        if reference is not None and read is not None:
            del self._references[name.key]
            self.compare(name, read, reference)
        if reference is None and name.key in self._let_go:
            detail = "what it held was disposed of; it waits to be removed"
            self._add_all(Finding(site, name.key, "replaced", detail) for site in held)
            return
        if reference is None and self._whole_subset and self._all_rows_seen:
            for site in held:
                self.add(Finding(site, name.key, "orphan", "no row refers to it; it was never acknowledged"))
            return
        master_key = content.master_key if isinstance(content, Sealed) and content.held else ""
        until = reference.retain_until if reference else None
        self._presence(copies, held, until, reference=reference, master_key=master_key)

    def _presence(
        self,
        copies: Copies,
        held: list[str],
        until: datetime | None,
        *,
        reference: Reference | None = None,
        master_key: str = "",
    ) -> None:
        """Every site must have what one has, or what the hot tail knows."""
        absent = [site for site in self._sites if site not in held and not self._is_away(site)]
        if not absent or self.compacted.holds(parse_key(copies.key)):
            return
        why = f"{', '.join(held)} has it" if held else "this node's hot tail knows it"
        on_its_way = any(
            version.stored_at > self._started[site] - ON_ITS_WAY
            for site, versions in copies.at.items()
            for version in versions
        )
        listed = any(site in copies.at for site in absent)  # and yet a read did not find it
        if held and not on_its_way and not listed and not master_key:
            for site in absent:
                self.add(Finding(site, copies.key, "missing", why, until))
        else:
            end = LooseEnd(copies.key, why, frozenset(absent), until, reference, master_key, bool(held))
            self._loosen(end)

    def _loosen(self, end: LooseEnd) -> None:
        before = self.loose.get(end.key)
        if before is not None:
            end = replace(
                before,
                unread=before.unread | end.unread,
                retain_until=before.retain_until or end.retain_until,
                reference=before.reference or end.reference,
            )
        self.loose[end.key] = end

    def _flaws(self, key: str, sites: Iterable[str], flaws: Iterable[Flaw]) -> None:
        found = list(flaws)
        self._add_all(Finding(site, key, problem, detail) for site in sites for problem, detail in found)

    def _add_all(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.add(finding)


def _belongs(content: Content | None) -> bool:
    """Does the name stand for an object of this archive, as far as is known?"""
    if isinstance(content, Undecipherable | ForgedContent):
        return False
    return not isinstance(content, BatchContent | SegmentContent) or content.belongs
