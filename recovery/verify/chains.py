"""The chain of one writer's batches: 0, 1, 2, ... without a gap, each naming the digest of the one before.

Objects come in the order of their names. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from vanvault.archiver.format.names import ObjectName, parse_key
from vanvault.recovery.verify.contents import BatchContent, Flaw

#: Names of the chain that are remembered for the commit records that follow soon after.
_RECENT = 16


@dataclass(frozen=True, slots=True)
class Expected:
    """A batch that an object speaks of and that must therefore exist."""

    key: str
    why: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Sequences, both ends included, of which no site has an object and no record tells the name."""

    writer: str
    first: int
    last: int


@dataclass(slots=True)
class Chain:
    """What was seen of one writer so far."""

    writer: str = ""
    _next: int = 0
    _digests: dict[bytes, str] = field(default_factory=dict)  # of the objects with sequence _next - 1
    _last_us: int = 0
    _final: int | None = None
    _recent: deque[str] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def pass_by(self, name: ObjectName) -> None:
        """An object that is perhaps none of this writer's: it fills its place, and proves nothing."""
        if name.sequence == self._next:
            self._next += 1
            self._digests = {}
        self._recent.append(name.key)

    def add(self, name: ObjectName, content: BatchContent | None) -> Iterator[Flaw | Expected | Gap]:
        """The writer's next object; ``content`` is None when it was not opened."""
        expected = list(_expected(content))
        if name.sequence == self._next - 1:
            yield from (("fork", f"{other} has the same sequence") for other in self._digests.values())
        elif name.sequence > self._next:
            yield from self._missing(name.sequence, content, [one.key for one in expected])
            self._digests = {}
        if content is not None:
            yield from self._link_flaws(name, content)
        if name.sequence >= self._next:
            self._digests = {}
            self._next = name.sequence + 1
        self._digests[name.sha256] = name.key
        self._recent.append(name.key)
        yield from (one for one in expected if one.key not in self._recent)

    def _missing(
        self, sequence: int, content: BatchContent | None, named: list[str]
    ) -> Iterator[Expected | Gap]:
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
        before = name.sequence == self._next and self._digests
        if before and header.previous not in {digest.hex() for digest in self._digests}:
            yield "chain", f"the previous object that it names is not {', '.join(self._digests.values())}"
        if self._final is not None and name.sequence > self._final:
            yield "chain", f"its writer closed with object {self._final}"
        if content.first_us and content.first_us <= self._last_us and name.sequence >= self._next:
            yield "chain", "its first row is not later than the last row before it"
        self._last_us = max(self._last_us, content.last_us)
        if header.final:
            self._final = name.sequence


def _expected(content: BatchContent | None) -> Iterator[Expected]:
    if content is None:
        return
    header = content.header
    this = f"object {header.sequence} of writer {header.writer}"
    for commit in header.commits:
        yield Expected(commit.key, f"{this} records its commit")
    for head in header.heads:
        yield Expected(head, f"{this} records it as the last of its writer")
