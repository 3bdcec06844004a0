"""The fold: marks, windows and notes into intervals that cover the time without gap or overlap. Pure.

How a moment is judged:

1. *Nodes.* A node is at the level of its last mark until the next one. A mark says by when the next is
   due; twice that time without one, and nothing is known of the node from the mark on: a crash writes no
   closing event. The service is as good as its best node.
2. *Silence.* When nothing is known of any node the service counts as down, from the last proof of life to
   the first mark of the next start. Proof is the best there is: the heartbeat file that the next start finds
   on the node's disk (to the second), the node's last object in the archive, its last heartbeat there, or a
   note from outside that the service was seen. Where less survives, more downtime is counted, never less.
   Only at the end, within twice the due time before ``now``, is a silent node taken to be alive.
3. *Outside.* While notes of outside probes are fresh the service is no better than the best of them: a node
   that believes itself up and that nobody reaches is down. One source of several that sees it up proves that
   it was. A note never overrules a node that says it refuses messages; where nodes are silent it proves life
   from note to note of one source, and nothing after the last of them.
4. *Planned.* Downtime within a window counts as planned until the window's end or its cancellation, if it was
   announced before it began; one that was announced later counts for nothing. The rest is unplanned.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import groupby, pairwise

from vanvault.archiver.journal.availability.model import (
    AvailabilityEvidence,
    Interval,
    IntervalKind,
    Level,
    Mark,
    Note,
)
from vanvault.archiver.journal.availability.timeline import Span, at_moments, best

#: A node is given up after so many due times without a mark.
_PATIENCE = 2


def fold(evidence: AvailabilityEvidence, *, start_us: int, now_us: int) -> tuple[Interval, ...]:
    """Intervals of [start, now), in order, each next to the one before; () when the range is empty."""
    nodes = best(span for marks in _by_writer(evidence.marks).values() for span in node_spans(marks, now_us))
    outside = best(span for notes in _by_source(evidence.notes) for span in _fresh(notes))
    seen = best(span for notes in _by_source(evidence.notes) for span in _seen(notes))
    windows = best((*window.counts_us, 1) for window in evidence.windows)
    moments = {start_us, now_us}
    timelines = (nodes, outside, seen, windows)
    for spans in timelines:
        moments.update(moment for start, end, _ in spans for moment in (start, end))
    ordered = sorted(moment for moment in moments if start_us <= moment <= now_us)
    starts = ordered[:-1]
    judged = map(_judge, *(at_moments(spans, starts) for spans in timelines))
    pieces = [
        Interval(start, end, kind) for (start, end), kind in zip(pairwise(ordered), judged, strict=True)
    ]
    return tuple(_joined(pieces))


def node_spans(marks: Iterable[Mark], now_us: int) -> list[Span]:
    """When one run of one node was alive, and at which level; nothing where it was silent."""
    spans: list[Span] = []
    level, ended = Level.UP, False  # a chain that opens takes messages
    ordered = sorted(marks, key=lambda mark: (mark.at_us, mark.ended))
    for mark, following in zip(ordered, [*ordered[1:], None], strict=True):
        # Who was taken for dead and says so himself lives; a last object may be younger than the verdict.
        ended = mark.ended or (ended and mark.level is None)
        level = mark.level or level
        if ended:
            continue
        until = now_us if following is None else following.at_us
        if until - mark.at_us <= _PATIENCE * mark.due_us:
            spans.append((mark.at_us, until, level))
    return spans


def provisional_from(marks: Iterable[Mark], now_us: int) -> int | None:
    """From when on, until now, the fold rests on no mark, so that the next one may change it.

    A node that was seen not long ago is taken to be alive, and one that is silent to be down since then:
    either is a guess. None: the last mark says that a node ended, and no other may be alive.
    """
    ordered = sorted((mark for mark in marks if mark.at_us <= now_us), key=lambda one: (one.at_us, one.ended))
    ended: dict[str, bool] = {}
    for mark in ordered:  # an object that a node wrote may be younger than its last word
        ended[mark.writer] = mark.ended or (ended.get(mark.writer, False) and mark.level is None)
    if not ordered:
        return None
    alive = any(not ended[mark.writer] and now_us - mark.at_us <= _PATIENCE * mark.due_us for mark in ordered)
    return ordered[-1].at_us if alive or not ended[ordered[-1].writer] else None


def _judge(node: int, outside: int, seen: int, window: int) -> IntervalKind:
    level = (min(node, outside) if outside else node) or seen
    if level == Level.UP:
        return "up"
    if level == Level.DEGRADED:
        return "degraded"
    return "planned" if window else "unplanned"


def _fresh(notes: list[Note]) -> list[Span]:
    """While one source's notes hold, and what they say."""
    ends: list[float] = [*(note.at_us for note in notes[1:]), math.inf]
    return [
        (note.at_us, int(min(note.at_us + note.valid_us, end)), int(note.level))
        for note, end in zip(notes, ends, strict=True)
    ]


def _seen(notes: list[Note]) -> list[Span]:
    """From note to note of one source, at the worse of both."""
    return [
        (note.at_us, after.at_us, min(int(note.level), int(after.level)))
        for note, after in pairwise(notes)
        if after.at_us - note.at_us <= note.valid_us
    ]


def _by_writer(marks: Iterable[Mark]) -> Mapping[str, list[Mark]]:
    found: dict[str, list[Mark]] = {}
    for mark in marks:
        found.setdefault(mark.writer, []).append(mark)
    return found


def _by_source(notes: Iterable[Note]) -> list[list[Note]]:
    ordered = sorted(notes, key=lambda note: (note.source, note.at_us))
    return [list(group) for _, group in groupby(ordered, key=lambda note: note.source)]


def _joined(pieces: Iterable[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for piece in pieces:
        if joined and joined[-1].kind == piece.kind:
            joined[-1] = Interval(joined[-1].start_us, piece.end_us, piece.kind)
        else:
            joined.append(piece)
    return joined
