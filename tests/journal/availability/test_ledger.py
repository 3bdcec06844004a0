"""The ledger by example: tables of what happened, and what it counts as. Times are seconds here."""

from __future__ import annotations

import pytest

from vanvault.archiver.journal.availability import Level, Window
from vanvault.archiver.journal.availability.ledger import fold, provisional_from
from vanvault.archiver.journal.availability.model import AvailabilityEvidence, Mark, Note

S = 1_000_000
UP, DEGRADED, DOWN = Level.UP, Level.DEGRADED, Level.DOWN


def mark(at: int, level: Level | None = UP, *, writer: str = "a", due: int = 10) -> Mark:
    return Mark(at * S, writer, level, due * S)


def end(at: int, writer: str = "a") -> Mark:
    return Mark(at * S, writer, None, 10 * S, ended=True)


def note(at: int, level: Level, *, source: str = "probe", valid: int = 10) -> Note:
    return Note(at * S, source, level, valid * S)


def window(start: int, stop: int, *, announced: int = -100, cancelled: int | None = None) -> Window:
    called_off = None if cancelled is None else cancelled * S
    return Window("w", start * S, stop * S, announced * S, "upgrade", "op", called_off)


def beats(start: int, stop: int, writer: str = "a") -> list[Mark]:
    """A mark each 10 s."""
    return [mark(at, writer=writer) for at in range(start, stop + 1, 10)]


def judged(*found: Mark | Window | Note, now: int = 100) -> list[tuple[int, int, str]]:
    evidence = AvailabilityEvidence(
        tuple(one for one in found if isinstance(one, Mark)),
        tuple(one for one in found if isinstance(one, Window)),
        tuple(one for one in found if isinstance(one, Note)),
    )
    intervals = fold(evidence, start_us=0, now_us=now * S)
    return [(found.start_us // S, found.end_us // S, found.kind) for found in intervals]


CASES = {
    "a node that lives": (beats(0, 100), [(0, 100, "up")]),
    "its last mark is young: taken to live": (beats(0, 80), [(0, 100, "up")]),
    "its last mark is old: down from that mark on": (beats(0, 70), [(0, 70, "up"), (70, 100, "unplanned")]),
    "a crash and a restart": (
        [*beats(0, 30), *beats(60, 100, "b")],
        [(0, 30, "up"), (30, 60, "unplanned"), (60, 100, "up")],
    ),
    "a crash, and the last word that the next start found": (
        [*beats(0, 30), end(37), *beats(41, 100, "b")],
        [(0, 37, "up"), (37, 41, "unplanned"), (41, 100, "up")],
    ),
    "a last object younger than the last word changes nothing": (
        [*beats(0, 30), end(37), mark(38, None), *beats(41, 100, "b")],
        [(0, 37, "up"), (37, 41, "unplanned"), (41, 100, "up")],
    ),
    "taken for dead, but it speaks again": (
        [*beats(0, 30), end(37), mark(50), *beats(60, 100)],
        [(0, 37, "up"), (37, 50, "unplanned"), (50, 100, "up")],
    ),
    "an orderly stop": (
        [*beats(0, 50), end(55), *beats(58, 100, "b")],
        [(0, 55, "up"), (55, 58, "unplanned"), (58, 100, "up")],
    ),
    "a rolling restart": (
        [*beats(0, 50), end(55), *beats(0, 100, "b"), *beats(60, 100, "c")],
        [(0, 100, "up")],
    ),
    "it refuses, then serves with one site": (
        [*beats(0, 40), mark(45, DOWN), mark(50, DEGRADED), mark(60, DEGRADED), *beats(70, 100)],
        [(0, 45, "up"), (45, 50, "unplanned"), (50, 70, "degraded"), (70, 100, "up")],
    ),
    "one of two nodes refuses": ([*beats(0, 100), mark(0, DOWN, writer="b")], [(0, 100, "up")]),
    "planned": (
        [*beats(0, 50), end(50), *beats(70, 100, "b"), window(45, 65)],
        [(0, 50, "up"), (50, 65, "planned"), (65, 70, "unplanned"), (70, 100, "up")],
    ),
    "announced when it had begun": (
        [*beats(0, 50), end(50), *beats(70, 100, "b"), window(45, 65, announced=60)],
        [(0, 50, "up"), (50, 70, "unplanned"), (70, 100, "up")],
    ),
    "cancelled": (
        [*beats(0, 50), end(50), *beats(70, 100, "b"), window(45, 65, cancelled=40)],
        [(0, 50, "up"), (50, 70, "unplanned"), (70, 100, "up")],
    ),
    "a window in which nothing happens": ([*beats(0, 100), window(45, 65)], [(0, 100, "up")]),
    "seen down from outside": (
        [*beats(0, 100), note(40, DOWN), note(46, UP)],
        [(0, 40, "up"), (40, 46, "unplanned"), (46, 100, "up")],
    ),
    "a note grows old": (
        [*beats(0, 100), note(40, DOWN)],
        [(0, 40, "up"), (40, 50, "unplanned"), (50, 100, "up")],
    ),
    "one of two sources sees it up": (
        [*beats(0, 100), note(40, DOWN), note(38, UP, source="other", valid=30)],
        [(0, 100, "up")],
    ),
    "a note does not overrule a node that refuses": (
        [*beats(0, 40), mark(45, DOWN), note(44, UP), note(49, UP), *beats(50, 100)],
        [(0, 45, "up"), (45, 50, "unplanned"), (50, 100, "up")],
    ),
    "after a crash, notes prove that it still lived": (
        [*beats(0, 30), note(28, UP), note(36, UP), *beats(60, 100, "b")],
        [(0, 36, "up"), (36, 60, "unplanned"), (60, 100, "up")],
    ),
    "nothing is known": ([], [(0, 100, "unplanned")]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_it_counts_as(name: str) -> None:
    happened, expected = CASES[name]
    assert judged(*happened) == expected


def test_nothing_of_nothing() -> None:
    assert fold(AvailabilityEvidence((), (), ()), start_us=5, now_us=5) == ()


PROVISIONAL = {
    "no node was ever heard of": ([], None),
    "taken to live since its last mark": (beats(0, 90), 90),
    "silent since its last mark": (beats(0, 40), 40),
    "it said that it ended": ([*beats(0, 40), end(45)], None),
    "it ended, and its last object came later": ([*beats(0, 40), end(45), mark(46, None)], None),
    "one ended and another may live": ([*beats(0, 90), *beats(0, 90, "b"), end(95, "b")], 95),
    "one crashed long ago and the next one ended": ([*beats(0, 20), *beats(50, 80, "b"), end(85, "b")], None),
    "what lies ahead of now was not heard yet": ([*beats(0, 90), mark(110)], 90),
}


@pytest.mark.parametrize("name", PROVISIONAL)
def test_what_is_provisional(name: str) -> None:
    marks, expected = PROVISIONAL[name]
    assert provisional_from(marks, 100 * S) == (None if expected is None else expected * S)
