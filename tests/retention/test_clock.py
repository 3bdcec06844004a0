"""The clock of a transaction: what closes it, what opens it again, and since when it counts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.times import to_us
from vanvault.archiver.retention import (
    CaseEntry,
    ClosingRule,
    ClosingTable,
    GoneEntries,
    clock_of,
    closing_table,
)

TABLE = closing_table({})
BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)


def us(days: float) -> int:
    """So many days after the transaction began."""
    return to_us(BEGIN + timedelta(days=days))


def line(type: str, occurred: float, received: float | None = None, id: str = "") -> CaseEntry:
    at = occurred if received is None else received
    return CaseEntry(id or f"{type}@{occurred}", f"transaction.{type}", us(occurred), us(at))


def dossier(received: float, id: str = "m") -> CaseEntry:
    return CaseEntry(id, "", us(received), us(received))


def gone(received: float, id: str = "g") -> CaseEntry:
    """What was disposed of."""
    return CaseEntry(f"{id}@{received}", "", us(received), us(received), is_disposed=True)


#: A case as prose, its entries, the state, the day that the period is counted from, and the day that counts
#: for the line that closed it.
CASES = {
    "nothing closed it": ([dossier(0), line("accepted", 1)], "open", None, None),
    "success starts the period": ([dossier(0), line("returned", 5)], "succeeded", 5, 5),
    "a refusal ends it as a success does": ([dossier(0), line("rejected", 1)], "refused", 1, 1),
    "it was withdrawn": ([dossier(0), line("withdrawn", 2)], "withdrawn", 2, 2),
    "it expired": ([dossier(0), line("expired", 90)], "expired", 90, 90),
    "an unknown word closes nothing": ([dossier(0), line("finished", 5)], "open", None, None),
    "success ten years late": ([dossier(0), line("returned", 3652)], "succeeded", 3652, 3652),
    "two successes: the first one closed it": (
        [dossier(0), line("returned", 5), line("returned", 9)],
        "succeeded",
        9,
        5,
    ),
    "a result came after success: all is kept as long as that": (
        [dossier(0), line("returned", 5), dossier(400, "late")],
        "succeeded",
        400,
        5,
    ),
    "a success that is told after the end of the month": (
        [dossier(0), line("returned", 5, received=20)],
        "succeeded",
        20,
        5,
    ),
    "success after a refusal that nobody appealed": (
        [dossier(0), line("refused", 5), line("returned", 30)],
        "succeeded",
        30,
        30,
    ),
    "a refusal after success changes nothing": (
        [dossier(0), line("returned", 5), line("refused", 6)],
        "succeeded",
        6,
        5,
    ),
    "a supplement opens it again": (
        [dossier(0), line("returned", 5), line("supplement", 8)],
        "open",
        None,
        None,
    ),
    "a new success after a supplement": (
        [dossier(0), line("returned", 5), line("supplement", 8), line("returned", 40)],
        "succeeded",
        40,
        40,
    ),
    "an occurrence after its receipt is not believed": (
        [dossier(0), line("returned", 5000, received=5)],
        "succeeded",
        5,
        5,
    ),
    "nor one that is a year before its receipt": (
        [dossier(360), line("returned", 1, received=366)],
        "succeeded",
        366,
        366,
    ),
    "nor one before all else of the transaction": (
        [dossier(10), line("returned", 2, received=12)],
        "succeeded",
        12,
        12,
    ),
    "a clock ahead does not keep a supplement from opening it": (
        [dossier(0), line("returned", 5000, received=5), line("supplement", 8)],
        "open",
        None,
        None,
    ),
    "the log came whole, a day later": (
        [dossier(0), line("accepted", 0.1, received=1), line("returned", 0.5, received=1.1)],
        "succeeded",
        1.1,
        0.5,
    ),
    "all of it was disposed of": ([gone(0), gone(5)], "disposed", None, None),
    "what came after the closing line went is kept from its own receipt": (
        [gone(0), gone(5), dossier(5000, "late")],
        "closed",
        5000,
        None,
    ),
    "a supplement after the disposal opens it again": (
        [gone(0), gone(5), line("supplement", 5000)],
        "open",
        None,
        None,
    ),
    "a supplement that went on being kept was before the end": (
        [gone(0), line("supplement", 3), gone(5)],
        "closed",
        5,
        None,
    ),
    "the closing line is kept, and more went than it": (
        [gone(0), line("returned", 5), dossier(7, "held")],
        "succeeded",
        7,
        5,
    ),
    "a success after the disposal": ([gone(0), gone(5), line("returned", 5000)], "succeeded", 5000, 5000),
    "an entry alone": ([line("returned", 3)], "succeeded", 3, 3),
}


@pytest.mark.parametrize("case", CASES)
def test_the_clock(case: str) -> None:
    entries, state, start, counts = CASES[case]
    clock = clock_of(entries, TABLE)
    assert clock.state == state
    assert clock.start_us == (None if start is None else us(start))
    assert (None if clock.closed_by is None else clock.closed_by.counts_us) == (
        None if counts is None else us(counts)
    )


@pytest.mark.parametrize(
    ("entry", "doubt"),
    [
        (line("returned", 50, received=5), "after-receipt"),
        (line("returned", 2, received=40), "too-long-ago"),
        (line("returned", -2, received=3), "before-first"),
        (line("returned", 2, received=3), ""),
    ],
)
def test_why_a_time_is_not_believed_is_told(entry: CaseEntry, doubt: str) -> None:
    closed = clock_of([dossier(0), entry], TABLE).closed_by
    assert closed is not None
    assert closed.doubt == doubt


def test_what_was_closed_once_stays_owed_while_it_is_open_again() -> None:
    clock = clock_of([dossier(0), line("returned", 5), dossier(7, "late"), line("supplement", 8)], TABLE)
    assert clock.is_open
    assert clock.floor_us == us(7)


def test_a_type_closes_only_on_the_days_of_its_rule() -> None:
    first, after = BEGIN.date() + timedelta(days=10), BEGIN.date() + timedelta(days=20)
    table = ClosingTable((ClosingRule("transaction.done", "success", since=first, until=after),))
    states = [clock_of([line("done", day)], table).state for day in (9, 10, 19, 20)]
    assert states == ["open", "succeeded", "succeeded", "open"]


def test_settings_add_types_and_change_built_in_ones() -> None:
    table = closing_table({"vsbhxh.ket-qua": "success", "transaction.rejected": "reopened"})
    assert table.effect_of("vsbhxh.ket-qua", BEGIN.date()) == "success"
    assert table.effect_of("transaction.rejected", BEGIN.date()) == "reopened"
    assert table.effect_of("transaction.returned", BEGIN.date()) == "success"


@pytest.mark.parametrize("closing", [{"a.b": "done"}, {"": "success"}, {"a" * 201: "success"}])
def test_settings_that_say_nothing_sensible_are_refused(closing: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"retention\.closing"):
        closing_table(closing)


# Any order, any node, any number of copies: the same clock.

_TYPES = ("returned", "refused", "withdrawn", "supplement", "accepted", "expired")
_DAY = st.integers(-60, 60)


@st.composite
def entries(draw: st.DrawFn) -> list[CaseEntry]:
    count = draw(st.integers(1, 8))
    found = []
    for number in range(count):
        received = draw(_DAY)
        if draw(st.booleans()):
            found.append(line(draw(st.sampled_from(_TYPES)), draw(_DAY), received, id=f"e{number}"))
        else:
            found.append(dossier(received, id=f"m{number}"))
    return found


@given(entries(), st.randoms(use_true_random=False))
def test_the_order_in_which_entries_come_changes_nothing(
    found: list[CaseEntry], chance: random.Random
) -> None:
    shuffled = [*found, *found[:2]]
    chance.shuffle(shuffled)
    assert clock_of(shuffled, TABLE) == clock_of(found, TABLE)


@dataclass
class Clerk:
    """Reads the log from top to bottom, as a person would; knows nothing of the fold."""

    state: str = "open"

    def read(self, type: str) -> None:
        word = type.removeprefix("transaction.")
        closes = {
            "returned": "succeeded",
            "refused": "refused",
            "withdrawn": "withdrawn",
            "expired": "expired",
        }
        if word == "supplement":
            self.state = "open"
        elif word == "returned" and self.state != "succeeded":
            self.state = "succeeded"
        elif word in closes and self.state == "open":
            self.state = closes[word]


@given(st.lists(st.sampled_from(_TYPES), min_size=1, max_size=10))
def test_lines_in_their_order_come_to_what_a_clerk_reads(types: list[str]) -> None:
    clerk = Clerk()
    log = [dossier(0)]
    for day, type in enumerate(types, start=1):
        log.append(line(type, day))
        clerk.read(log[-1].type)
    assert clock_of(log, TABLE).state == clerk.state


@given(entries())
def test_the_period_never_starts_before_the_last_entry_came(found: list[CaseEntry]) -> None:
    clock = clock_of(found, TABLE)
    last = max(one.received_us for one in found)
    assert clock.start_us is None or clock.start_us == last
    assert clock.is_open == (clock.start_us is None)


def test_a_period_after_a_disposal_misses_no_profile() -> None:
    clock = clock_of([gone(2), gone(5), dossier(5000, "late")], TABLE)
    assert clock.closed_us == us(2)
    assert clock.gone == GoneEntries(2, us(2), us(5))


def test_what_is_opened_again_after_a_disposal_is_kept_as_if_it_had_counted() -> None:
    clock = clock_of([gone(2), gone(5), line("supplement", 5000)], TABLE)
    assert (clock.is_open, clock.floor_us) == (True, us(5))
