"""Runs of tokens answer as a plain set would, whatever was merged, dropped or killed, and read few pages."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import unittest.mock
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from vanvault.archiver.catalogue.hot_tail.runs import RunKind, add, drop_positions, records_of
from vanvault.archiver.catalogue.hot_tail.token_search import TokenSearch

_TABLES = """
CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT, kind, tier, records, low, high, first);
CREATE TABLE page(id INTEGER PRIMARY KEY, data);
"""
RARE, COMMON, OTHER = b"rare----", b"common--", b"other---"
ALL = (b"", b"\xff" * 13)


def at(number: int, writer: int = 0) -> bytes:
    """A position."""
    return number.to_bytes(8) + writer.to_bytes(4)


def put(connection: sqlite3.Connection, pairs: list[tuple[bytes, bytes]]) -> None:
    """One run of (token, position)."""
    tokens, positions = [token for token, _ in pairs], [position for _, position in pairs]
    add(connection, RunKind.VALUES, records_of(tokens, positions, [1] * len(pairs)))


@pytest.fixture
def file() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_TABLES)
        yield connection


def test_a_common_token_that_is_probed_still_has_to_be_there(file: sqlite3.Connection) -> None:
    """A token that is a hundred times as common is asked at each position of the rarest."""
    put(file, [(COMMON, at(number)) for number in range(0, 1000, 2)])
    put(file, [(RARE, at(500)), (RARE, at(501))])
    for newest in (True, False):
        search = TokenSearch(file)
        assert list(search.intersection([COMMON, RARE], at(0), at(1000), newest=newest)) == [at(500)]
        assert list(search.intersection([COMMON, OTHER], at(0), at(1000), newest=newest)) == []


def test_the_first_and_the_last_position_of_a_run_are_found(file: sqlite3.Connection) -> None:
    put(file, [(RARE, at(number)) for number in (10, 20, 30)])
    search = TokenSearch(file)
    for number in (10, 20, 30):
        assert search.has(RARE, at(number))
        assert search.count(RARE, at(number), at(number + 1)) == 1
    assert list(search.positions(RARE, at(30), at(40), newest=True)) == [at(30)]
    assert list(search.positions(RARE, at(0), at(10), newest=True)) == []
    assert list(search.positions(RARE, at(10), at(30), newest=False)) == [at(10), at(20)]


@pytest.mark.parametrize("gone", [(10,), (30,), (10, 30), (20,), (10, 20, 30)])
def test_positions_at_the_ends_of_a_run_are_dropped(file: sqlite3.Connection, gone: tuple[int, ...]) -> None:
    put(file, [(RARE, at(number)) for number in (10, 20, 30)])
    put(file, [(RARE, at(40))])
    drop_positions(file, b"".join(at(number) for number in gone))
    left = [at(number) for number in (10, 20, 30, 40) if number not in gone]
    assert list(TokenSearch(file).positions(RARE, at(0), at(100), newest=False)) == left


def test_of_two_writers_at_one_time_only_the_entry_that_is_named_is_dropped(file: sqlite3.Connection) -> None:
    put(file, [(RARE, at(10, 1)), (RARE, at(10, 2)), (RARE, at(20, 1))])
    drop_positions(file, at(10, 2) + at(20, 2))
    assert list(TokenSearch(file).positions(RARE, *ALL, newest=False)) == [at(10, 1), at(20, 1)]


def test_claims_and_values_are_not_mixed(file: sqlite3.Connection) -> None:
    for number in range(20):
        for kind in RunKind:
            add(file, kind, records_of([RARE], [at(2 * number + kind)], [1]))
    for kind in RunKind:
        found = list(TokenSearch(file, kind).positions(RARE, *ALL, newest=False))
        assert found == [at(2 * number + kind) for number in range(20)]


def test_a_page_that_is_cut_is_damage(file: sqlite3.Connection) -> None:
    put(file, [(RARE, at(number)) for number in range(10)])
    file.execute("UPDATE page SET data = substr(data, 1, 100)")
    with pytest.raises(sqlite3.DatabaseError, match="not as long"):
        TokenSearch(file).has(RARE, at(3))


class Killed(Exception):
    """The process ended here."""


class Mortal(sqlite3.Connection):
    """A connection whose process is killed before some statement."""

    left: int | None = None

    def _step(self) -> None:
        if self.left is not None:
            if self.left == 0:
                raise Killed
            self.left -= 1

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        self._step()
        return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        self._step()
        return super().executemany(*arguments)


TOKENS = tuple(bytes([65 + number]) * 8 for number in range(6))
numbers = st.integers(0, 300)
pairs = st.lists(st.tuples(st.sampled_from(TOKENS), st.builds(at, numbers, st.integers(0, 2))), min_size=1)


class RunsMachine(RuleBasedStateMachine):
    """Pages and tiers are small here, so that merges and several levels come soon."""

    def __init__(self) -> None:
        super().__init__()
        self.model: set[tuple[bytes, bytes]] = set()
        self.stack = ExitStack()
        room = "vanvault.archiver.catalogue.hot_tail.runs."
        for name, value in (("PAGE_RECORDS", 4), ("WINDOW", 12), ("SMALLEST", 8), ("FAN", 3)):
            self.stack.enter_context(unittest.mock.patch(room + name, value))
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.lives = 0
        self.path = self.folder / "0.sqlite"
        self.file = self._opened()
        self.file.executescript(_TABLES)

    def _opened(self) -> Mortal:
        file = sqlite3.connect(self.path, isolation_level=None, factory=Mortal)
        file.execute("PRAGMA journal_mode=WAL")
        return file

    def teardown(self) -> None:
        self.file.close()
        self.stack.close()

    @rule(new=pairs)
    def fold(self, new: list[tuple[bytes, bytes]]) -> None:
        self.file.execute("BEGIN IMMEDIATE")
        put(self.file, new)
        self.file.execute("COMMIT")
        self.model |= set(new)

    @rule(new=pairs, after=st.integers(0, 40))
    def fold_until_killed(self, new: list[tuple[bytes, bytes]], after: int) -> None:
        self.file.execute("BEGIN IMMEDIATE")
        self.file.left = after
        try:
            put(self.file, new)
            self.file.execute("COMMIT")
        except Killed:
            self._next_life()
        else:
            self.file.left = None
            self.model |= set(new)

    def _next_life(self) -> None:
        """What a killed process leaves: its files as they are, without a rollback."""
        self.lives += 1
        old, self.path = self.path, self.folder / f"{self.lives}.sqlite"
        for suffix in ("", "-wal"):
            if Path(f"{old}{suffix}").exists():
                shutil.copyfile(f"{old}{suffix}", f"{self.path}{suffix}")
        self.file.left = None
        self.file.close()
        self.file = self._opened()

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        here = sorted({position for _, position in self.model})
        gone = data.draw(st.lists(st.sampled_from(here), min_size=1, max_size=20))
        self.file.execute("BEGIN IMMEDIATE")
        drop_positions(self.file, b"".join(gone))
        self.file.execute("COMMIT")
        self.model = {pair for pair in self.model if pair[1] not in gone}

    @rule(
        asked=st.lists(st.sampled_from(TOKENS), min_size=1, max_size=3, unique=True),
        bounds=st.tuples(st.builds(at, numbers), st.builds(at, numbers)),
        newest=st.booleans(),
    )
    def search(self, asked: list[bytes], bounds: tuple[bytes, bytes], newest: bool) -> None:
        low, high = sorted(bounds)
        wanted = {position for token, position in self.model if token == asked[0] and low <= position < high}
        for token in asked[1:]:
            wanted &= {position for of, position in self.model if of == token}
        found = list(TokenSearch(self.file).intersection(asked, low, high, newest=newest))
        assert found == sorted(wanted, reverse=newest)

    @invariant()
    def every_page_belongs_to_a_run(self) -> None:
        """Nothing is left behind, and each token has what the model says."""
        search = TokenSearch(self.file)
        for token in TOKENS:
            found = set(search.positions(token, *ALL, newest=False))
            assert found == {position for of, position in self.model if of == token}
        records = self.file.execute("SELECT coalesce(sum(records), 0) FROM run").fetchone()[0]
        held = self.file.execute("SELECT coalesce(sum(length(data)), 0) FROM page").fetchone()[0]
        assert held >= 20 * records
        assert held <= 30 * records


TestRunsMachine = RunsMachine.TestCase
TestRunsMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def filled(file: sqlite3.Connection, entries: int) -> None:
    """Entries in groups of 50, each with a token of its own, one of ten, and one that all have."""
    random = Random(entries)
    for start in range(0, entries, 50):
        group = range(start, min(start + 50, entries))
        few = random.choices(range(10), k=len(group))
        tokens = [
            token
            for number, one in zip(group, few, strict=True)
            for token in (own_token(number), b"few%05d" % one, COMMON)
        ]
        positions = [at(number) for number in group]
        add(file, RunKind.VALUES, records_of(tokens, positions, [3] * len(group)))


def own_token(number: int) -> bytes:
    return (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8)


def pages_read(file: sqlite3.Connection, tokens: list[bytes], most: int) -> tuple[int, list[bytes]]:
    """How many pages a search reads for its first ``most`` positions, and these."""
    statements: list[str] = []
    search = TokenSearch(file)
    file.set_trace_callback(statements.append)
    found = []
    for position in search.intersection(tokens, *ALL, newest=True):
        found.append(position)
        if len(found) == most:
            break
    file.set_trace_callback(None)
    return sum("FROM page" in statement for statement in statements), found


def test_a_look_up_reads_pages_as_the_logarithm_of_what_is_there(file: sqlite3.Connection) -> None:
    read = {}
    for entries in (1_000, 33_000):  # 3,000 and about 100,000 records
        file.executescript("DELETE FROM run; DELETE FROM page")
        filled(file, entries)
        runs = file.execute("SELECT count(*) FROM run").fetchone()[0]
        worst = 0
        for number in range(0, entries, entries // 20):
            pages, found = pages_read(file, [own_token(number)], 50)
            assert found == [at(number)]
            worst = max(worst, pages)
        assert worst <= 3 * runs
        read[entries] = worst
    assert file.execute("SELECT count(*) FROM page").fetchone()[0] > 240
    assert read[33_000] <= 3 * read[1_000]


def test_the_newest_of_a_common_token_cost_what_is_shown(file: sqlite3.Connection) -> None:
    filled(file, 33_000)
    pages, found = pages_read(file, [COMMON], 50)
    assert found == [at(number) for number in range(32_999, 32_949, -1)]
    assert pages <= 4
    pages, found = pages_read(file, [b"few00003"], 50)
    assert len(found) == 50
    assert pages <= 12
