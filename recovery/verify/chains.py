"""The chain of one writer's batches: 0, 1, 2, ... without a gap, each naming the digest of the one before.

Objects come in the order of their names. What a segment holds fills its place: its links were checked
within the segment, and here it is linked to what comes before and after it. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from vanvault.archiver.core.model import BatchHeader
from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.recovery.objects import CompactedRange
from vanvault.recovery.verify.contents import BatchContent, Flaw

#: Names of the chain that are remembered for the commit records that follow soon after.
_RECENT = 16


@dataclass(frozen=True, slots=True)
class ExpectedBatch:
    """A batch that an object speaks of and that must therefore exist."""

    key: str
    why: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Sequences, both ends included, of which no site has an object and no record tells the name."""

    writer: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Misfit:
    """Compacted batches that do not follow what lies before them."""

    key: str  # of the evidence
    detail: str


ChainFinding = Flaw | ExpectedBatch | Gap | Misfit


@dataclass(slots=True)
class Chain:
    """What was seen of one writer so far."""

    writer: str = ""
    covered: tuple[CompactedRange, ...] = ()  # by first sequence
    _next: int = 0
    # Beginnings (hex) of the digests of the objects with sequence _next - 1, whole ones of those that
    # are there, and what to call them.
    _before: dict[str, str] = field(default_factory=dict)
    _last_us: int = 0
    _final: int | None = None
    _recent: deque[str] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def pass_by(self, name: ObjectName) -> None:
        """An object that is perhaps none of this writer's: it fills its place, and proves nothing."""
        if name.sequence == self._next:
            self._next += 1
            self._before = {}
        self._recent.append(name.key)

    def add(self, name: ObjectName, content: BatchContent | None) -> Iterator[ChainFinding]:
        """The writer's next object; ``content`` is None when it was not opened."""
        expected = list(expected_of(content.header)) if content is not None else []
        named = [one.key for one in expected]
        compacted = self._at(name.sequence)
        if compacted is not None and not compacted.fits(name):
            yield "fork", f"{compacted.source} holds another object of the same sequence"
        if name.sequence == self._next - 1:
            yield from (("fork", f"{other} has the same sequence") for other in self._before.values())
        elif name.sequence > self._next:
            yield from self._pass_compacted(name.sequence, named)
        if name.sequence > self._next:
            yield from self._missing(name.sequence, named)
            self._before = {}
        if content is not None:
            yield from self._link_flaws(name, content)
        if name.sequence >= self._next:
            self._before = {}
            self._next = name.sequence + 1
        self._before[name.sha256.hex()] = name.key
        self._recent.append(name.key)
        yield from (one for one in expected if one.key not in self._recent)

    def finish(self) -> Iterator[ChainFinding]:
        """No more objects of this writer are there: what segments hold beyond the last one."""
        if self.covered:
            yield from self._pass_compacted(max(one.last for one in self.covered) + 1, [])

    def _at(self, sequence: int) -> CompactedRange | None:
        return next((one for one in self.covered if one.first <= sequence <= one.last), None)

    def _pass_compacted(self, until: int, named: list[str]) -> Iterator[ChainFinding]:
        """Go over batches below ``until`` that only segments hold, and over gaps before such."""
        while self._next < until:
            held = self._at(self._next)
            if held is None:
                later = [one.first for one in self.covered if self._next < one.first < until]
                if not later:
                    return
                yield from self._missing(min(later), named)
                self._next, self._before = min(later), {}
                continue
            if self._next == held.first:
                yield from self._misfits(held)
            last = min(held.last, until - 1)
            digest = held.digest(last)
            self._before = {digest: f"object {last} in {held.source}"} if digest else {}
            if last == held.last:
                self._last_us = max(self._last_us, held.last_us)
            if held.final is not None and held.final <= last:
                self._final = held.final
            self._next = last + 1

    def _misfits(self, held: CompactedRange) -> Iterator[Misfit]:
        if not held.digests:
            return
        which = f"object {held.first} of writer {self.writer}"
        if self._before and not self._follows(held.previous):
            others = ", ".join(self._before.values())
            yield Misfit(held.source, f"the previous object that {which} names is not {others}")
        if held.first_us <= self._last_us:
            yield Misfit(held.source, f"the first row of {which} is not later than the last row before it")

    def _follows(self, previous: str) -> bool:
        return any(previous.startswith(digest) for digest in self._before)

    def _missing(self, sequence: int, named: list[str]) -> Iterator[Gap]:
        """The gap before ``sequence``, by exact names as far as records give them."""
        first = self._next
        for lost in sorted(
            found.sequence
            for found in map(parse_key, named)
            if found is not None and found.writer == self.writer and first <= found.sequence < sequence
        ):
            if first < lost:
                yield Gap(self.writer, first, lost - 1)
            first = lost + 1
        if first < sequence:
            yield Gap(self.writer, first, sequence - 1)

    def _link_flaws(self, name: ObjectName, content: BatchContent) -> Iterator[Flaw]:
        header = content.header
        if name.sequence == 0 and header.previous:
            yield "chain", "it is the first of its writer, yet names a previous object"
        if name.sequence == self._next and self._before and not self._follows(header.previous):
            yield "chain", f"the previous object that it names is not {', '.join(self._before.values())}"
        if self._final is not None and name.sequence > self._final:
            yield "chain", f"its writer closed with object {self._final}"
        if content.first_us and content.first_us <= self._last_us and name.sequence >= self._next:
            yield "chain", "its first row is not later than the last row before it"
        self._last_us = max(self._last_us, content.last_us)
        if header.final:
            self._final = name.sequence


def expected_of(header: BatchHeader) -> Iterator[ExpectedBatch]:
    """What a batch's header speaks of."""
    this = f"object {header.sequence} of writer {header.writer}"
    for commit in header.commits:
        yield ExpectedBatch(commit.key, f"{this} records its commit")
    for head in header.heads:
        yield ExpectedBatch(head, f"{this} records it as the last of its writer")
