"""Clocks of whole segments are those that each transaction has by itself, whatever leads to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.archives import Home, Node, memory_home, message
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Unread
from vanvault.archiver.core.model import Draft, Metadata
from vanvault.archiver.core.times import rfc3339_seconds, to_us
from vanvault.archiver.intake import event_draft
from vanvault.archiver.upkeep import compact
from vanvault.recovery.retention import EntryClock, clock_beside, clocks_of_segments

GATEWAYS = st.sampled_from(["gateway-1", "gateway-1", "gateway-2"])
#: Two spellings of one, others, and none.
TRANSACTIONS = st.sampled_from(["", "", "t-1", "T-1", "t-2", "Hồ sơ 3"])
DOSSIERS = st.sampled_from(["", "", "01/2026", "AB/1", "ab/1", "Số 7", "SỐ 7"])
TYPES = st.sampled_from(["transaction.returned", "transaction.supplement", "transaction.refused", "seen"])


@dataclass(frozen=True)
class Told:
    """An entry as it is drawn: a message, or a line of the log."""

    gateway: str
    transaction: str
    dossier: str
    type: str = ""
    message: int = 0  # the number of the one that the line names
    days_ago: int = 0


MESSAGES = st.builds(Told, GATEWAYS, TRANSACTIONS, DOSSIERS)
LINES = st.builds(Told, GATEWAYS, TRANSACTIONS, DOSSIERS, TYPES, st.integers(0, 6), st.integers(-1, 40))
DAYS = st.lists(st.lists(MESSAGES | LINES, min_size=1, max_size=6), min_size=1, max_size=4)


class Writing:
    """Writes what was drawn, day by day."""

    def __init__(self, home: Home, archive: Archive) -> None:
        self.home, self.archive = home, archive
        self.count = 0

    def day(self, entries: list[Told], *, compacted: bool = True) -> None:
        with Node(self.archive) as node:
            node.wait_ready()
            for outcome, _ in node.submit([self._draft(one) for one in entries]):
                assert isinstance(outcome, dict), outcome
        self.archive.refresh()
        self.home.clock.advance(timedelta(days=2))
        if compacted:
            compact(self.archive)

    def _draft(self, told: Told) -> Draft:
        self.count += 1
        now = self.home.clock.now()
        names = {"transaction_id": told.transaction, "dossier_number": told.dossier}
        if not told.type:
            id = f"m-{self.count % 7}" if self.count < 7 else f"m-{self.count}"
            given = Metadata(**names)
            return message(id, id.encode(), gateway=told.gateway, given=given, received_us=to_us(now))
        fields = {
            "event_id": f"e-{self.count}",
            "occurred_at": rfc3339_seconds(now - timedelta(days=told.days_ago)),
            "type": told.type,
            "message_id": f"m-{told.message}",
            **{name: value for name, value in names.items() if value},
        }
        return event_draft(told.gateway, fields, received=now)


def in_bulk(archive: Archive) -> tuple[list[EntryClock], list[Unread]]:
    unread: list[Unread] = []
    return list(clocks_of_segments(archive, archive.catalogue.segments(), unread.append)), unread


def check(archive: Archive) -> int:
    """Each entry has the clock that its transaction has by itself; how many there are."""
    found, unread = in_bulk(archive)
    assert unread == []
    of_gateways = [one for one in found if not one.is_own]
    for one in of_gateways:
        alone = clock_beside(archive, archive.search.entry(one.id))
        due = None if alone.log is None else to_us(alone.log.until)
        originals = None if alone.originals is None else to_us(alone.originals.until)
        assert (one.state, one.due_log_us, one.due_originals_us) == (alone.clock.state, due, originals), one
        assert not one.unread
    return len(of_gateways)


@settings(max_examples=40, deadline=None)
@given(DAYS, st.booleans())
def test_any_archive_has_the_same_clocks_in_bulk_and_one_by_one(
    days: list[list[Told]], last_is_compacted: bool
) -> None:
    with (
        TemporaryDirectory() as folder,
        memory_home(Path(folder) / "home") as home,
        home.archive() as archive,
    ):
        writing = Writing(home, archive)
        for day in days[:-1]:
            writing.day(day)
        writing.day(days[-1], compacted=last_is_compacted)
        compacted = days if last_is_compacted else days[:-1]
        assert check(archive) == sum(map(len, compacted))


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[Writing]:
    with memory_home(tmp_path / "home") as home, home.archive() as archive:
        yield Writing(home, archive)


def dossier(transaction: str, number: str = "") -> Told:
    return Told("gateway-1", transaction, number)


def line(type: str, *, transaction: str = "", number: str = "", message: int = 99) -> Told:
    return Told("gateway-1", transaction, number, type, message)


def states(archive: Archive, segment: int = 0) -> set[str]:
    key = archive.catalogue.segments()[segment].key
    return {one.state for one in in_bulk(archive)[0] if one.segment == key and not one.is_own}


def test_a_line_of_a_later_segment_closes_what_came_before(writing: Writing) -> None:
    writing.day([dossier("t-1")])
    writing.day([line("transaction.returned", transaction="t-1")])
    assert states(writing.archive) == {"succeeded"}


def test_a_line_in_the_hot_tail_opens_it_again(writing: Writing) -> None:
    writing.day([dossier("t-1"), line("transaction.returned", transaction="t-1")])
    assert states(writing.archive) == {"succeeded"}
    writing.day([line("transaction.supplement", transaction="t-1")], compacted=False)
    assert states(writing.archive) == {"open"}


def test_a_line_closes_by_the_message_that_it_names(writing: Writing) -> None:
    writing.day([dossier("t-1")])
    writing.day([line("transaction.returned", message=1)])
    assert states(writing.archive) == states(writing.archive, 1) == {"succeeded"}


def test_a_number_of_two_transactions_closes_neither(writing: Writing) -> None:
    writing.day([dossier("t-1", "AB/1")])
    writing.day([line("transaction.returned", number="ab/1")])
    assert states(writing.archive) == {"succeeded"}
    writing.day([dossier("t-2", "AB/1")], compacted=False)
    assert states(writing.archive) == {"open"}


def test_another_spelling_of_a_transaction_is_the_same_one(writing: Writing) -> None:
    writing.day([dossier("T-1", "AB/1"), dossier("t-1", "AB/1")])
    writing.day([line("transaction.returned", number="AB/1")])
    assert check(writing.archive) == 3
    assert states(writing.archive) == {"succeeded"}


def test_what_cannot_be_read_puts_its_transactions_in_doubt_and_no_others(writing: Writing) -> None:
    writing.day([dossier("t-1"), dossier("t-2"), line("transaction.returned", transaction="t-2")])
    writing.day([dossier("t-1")])
    first, second = writing.archive.catalogue.segments()
    log = next(part.key for part in second.manifest.parts if part.kind == "log")
    writing.archive.close()
    for site in writing.home.sites.values():
        site.damage.flip(log, bit=8 * 200)
    with writing.home.archive() as archive:
        archive.refresh()
        found, unread = in_bulk(archive)
        assert {one.object for one in unread} == {log}
        doubted = {one.transaction: one.unread for one in found if not one.is_own}
        assert doubted == {"t-1": True, "t-2": False}
        assert {one.segment for one in found} == {first.key}
