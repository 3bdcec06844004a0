"""After a fold: which batches must exist and could not be folded, and why. They are kept in the hot tail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from vanvault.archiver.catalogue.hot_tail import BatchNumbers, HotTail, LostBatches
from vanvault.archiver.core.names import parse_key

_DAMAGED, _MISSING, _AWAY, _IN_DOUBT = "damaged", "missing", "unavailable", "not folded yet"


@dataclass(slots=True)
class SeenBatches:
    """What a fold saw at the sites and did not take, by (writer, sequence)."""

    damaged: dict[tuple[str, int], str] = field(default_factory=dict)  # keys that no site gives whole
    in_doubt: dict[tuple[str, int], str] = field(default_factory=dict)  # keys that some site lacks

    def add(self, damaged: Sequence[str], in_doubt: Sequence[str]) -> None:
        """Keys of objects of this archive."""
        for keys, seen in ((damaged, self.damaged), (in_doubt, self.in_doubt)):
            for name in map(parse_key, keys):
                if name is not None and name.family == "batch":
                    seen[name.writer, name.sequence] = name.key

    def numbers(self) -> Iterator[BatchNumbers]:
        """Those that are damaged must exist; of those in doubt this is not certain."""
        for writer, sequence in self.damaged:
            yield writer, sequence + 1, sequence

    def of(self, writer: str) -> list[int]:
        """The sequences of one writer, in order."""
        return sorted(
            {number for seen in (self.damaged, self.in_doubt) for of, number in seen if of == writer}
        )


def note_lost(
    tail: HotTail, seen: SeenBatches, look: Callable[[BatchNumbers], None], *, now_us: int, away: bool
) -> tuple[str, ...]:
    """Find what is lost and keep it; the names of what is missing.

    Args:
        look: folds what lies at the sites under these numbers by now, and adds to ``seen``.
        now_us: the node's time.
        away: some site was not looked at.

    Raises as ``look`` does.
    """
    state = tail.lost_batches.state()
    if state == tail.lost_batches.noted_at() and not seen.damaged and not tail.lost_batches.known():
        return ()
    for numbers in tail.lost_batches.find(seen.numbers()):
        writer, first, last = numbers
        if sum(first <= number <= last for number in seen.of(writer)) < last - first + 1:
            look(numbers)
    found = [
        one
        for hole in tail.lost_batches.find(seen.numbers())
        for one in _parts(tail, seen, hole, now_us, away)
    ]
    tail.lost_batches.note(found, state)
    return tuple(one.name for one in found if one.reason == _MISSING)


def note_damaged(tail: HotTail, seen: SeenBatches, *, now_us: int) -> None:
    """Keep besides what a fold met that looked at some writers only."""
    new = [at for at in sorted(seen.damaged) if tail.lost_batches.of(*at) is None]
    if new:
        holes = [(writer, number, number) for writer, number in new]
        tail.lost_batches.add([one for hole in holes for one in _parts(tail, seen, hole, now_us, away=False)])


def _parts(
    tail: HotTail, seen: SeenBatches, hole: BatchNumbers, now_us: int, away: bool
) -> Iterator[LostBatches]:
    """The batches of one hole: those that were seen one by one, the others in ranges."""
    writer, first, last = hole
    from_us, until_us = tail.lost_batches.times(hole, now_us)

    def lost(first: int, last: int, key: str, reason: str) -> LostBatches:
        return LostBatches(writer, first, last, key, reason, from_us, until_us)

    for number in seen.of(writer):
        if not first <= number <= last:
            continue
        if first < number:
            yield lost(first, number - 1, "", _AWAY if away else _MISSING)
        damaged = seen.damaged.get((writer, number))
        reason = _IN_DOUBT if damaged is None else _AWAY if away else _DAMAGED
        yield lost(number, number, damaged or seen.in_doubt[writer, number], reason)
        first = number + 1
    if first <= last:
        yield lost(first, last, "", _AWAY if away else _MISSING)
