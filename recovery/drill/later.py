"""What a copy cannot hold, because it came after the copy: told by the writers' chains, not by clocks. Pure
but for listings.

A copy holds the beginning of every writer's chain. What is missing at the end of a chain came later; so did
a writer that opened after every writer in the copy. A gap before something that is there is a true loss.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from vanvault.archiver.catalogue import KnownSegment
from vanvault.archiver.core.names import batch_prefix, parse_key, writer_started_at
from vanvault.archiver.stores import SiteReader

#: Writer and sequence of a batch.
Position = tuple[str, int]

#: Clocks of two nodes may differ, so of two writers the later one may seem the earlier.
_SKEW = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class AcknowledgedSoFar:
    """What was acknowledged at one moment: how far each writer had come, and the rows of all."""

    last: Mapping[str, int]  # sequence of its last batch, by writer
    rows: int

    def has(self, at: Position) -> bool:
        """Was this batch acknowledged by then?"""
        writer, sequence = at
        return sequence <= self.last.get(writer, -1)


def is_later(
    lost: Iterable[Position],
    recovered: SiteReader,
    standing: Sequence[KnownSegment],
    bad: Collection[str],
) -> frozenset[Position]:
    """Of the lost batches those that came after the copy was made.

    Args:
        standing: segments that the recovered site holds whole; ``bad``: keys that it does not.

    Raises SiteUnavailable.
    """
    last: dict[str, int] = defaultdict(lambda: -1)
    for segment in standing:
        for cover in segment.manifest.covers:
            last[cover.writer] = max(last[cover.writer], cover.last)
    for version in recovered.list(batch_prefix()):
        name = parse_key(version.key)
        if name is not None and version.key not in bad:
            last[name.writer] = max(last[name.writer], name.sequence)
    return after(lost, last)


def after(lost: Iterable[Position], last: dict[str, int]) -> frozenset[Position]:
    """Positions behind the ``last`` sequence of their writer, or of writers newer than all of these. Pure."""
    newest = max(map(writer_started_at, last), default=None)
    return frozenset(
        (writer, sequence)
        for writer, sequence in lost
        if (
            sequence > last[writer]
            if writer in last
            else newest is not None and writer_started_at(writer) >= newest - _SKEW
        )
    )
