"""Blocks of tokens answer as a plain set of pairs would, however rare or common a token is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from random import Random

import pytest

from vanvault.archiver.catalogue.hot_tail.token_blocks import (
    add_records,
    count,
    drop_positions,
    has,
    intersection,
    positions,
)

_TABLE = "CREATE TABLE block(id INTEGER PRIMARY KEY, tier, records, low, high, data)"
RARE, COMMON, OTHER = b"rare----", b"common--", b"other---"


def at(number: int) -> bytes:
    """A position."""
    return number.to_bytes(12)


@pytest.fixture
def blocks() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute(_TABLE)
    yield connection
    connection.close()


def test_a_common_token_that_is_probed_still_has_to_be_there(blocks: sqlite3.Connection) -> None:
    """A token that is a hundred times as common is asked at each position of the rarest."""
    add_records(blocks, [COMMON + at(number) for number in range(0, 1000, 2)])
    add_records(blocks, [RARE + at(500), RARE + at(501)])
    for newest in (True, False):
        found = list(intersection(blocks, [COMMON, RARE], at(0), at(1000), newest=newest))
        assert found == [at(500)]
        assert list(intersection(blocks, [COMMON, OTHER], at(0), at(1000), newest=newest)) == []


def test_the_first_and_the_last_position_of_a_block_are_found(blocks: sqlite3.Connection) -> None:
    add_records(blocks, [RARE + at(number) for number in (10, 20, 30)])
    for number in (10, 20, 30):
        assert has(blocks, RARE, at(number))
        assert count(blocks, RARE, at(number), at(number + 1)) == 1
    assert list(positions(blocks, RARE, at(30), at(40), newest=True)) == [at(30)]
    assert list(positions(blocks, RARE, at(0), at(10), newest=True)) == []
    assert list(positions(blocks, RARE, at(10), at(30), newest=False)) == [at(10), at(20)]


@pytest.mark.parametrize("gone", [(10,), (30,), (10, 30), (20,), (10, 20, 30)])
def test_positions_at_the_ends_of_a_block_are_dropped(
    blocks: sqlite3.Connection, gone: tuple[int, ...]
) -> None:
    add_records(blocks, [RARE + at(number) for number in (10, 20, 30)])
    add_records(blocks, [RARE + at(40)])
    drop_positions(blocks, [at(number) for number in gone])
    left = [at(number) for number in (10, 20, 30, 40) if number not in gone]
    assert list(positions(blocks, RARE, at(0), at(100), newest=False)) == left


@pytest.mark.parametrize("seed", range(4))
def test_answers_are_those_of_a_plain_set(blocks: sqlite3.Connection, seed: int) -> None:
    random = Random(seed)
    shares = {RARE: 0.005, OTHER: 0.3, COMMON: 0.9}
    pairs: set[tuple[bytes, bytes]] = set()
    for start in range(0, 400, 20):
        new = {(t, at(n)) for n in range(start, start + 20) for t in shares if random.random() < shares[t]}
        add_records(blocks, [token + position for token, position in new])
        pairs |= new
    gone = [at(number) for number in random.sample(range(400), 50)]
    drop_positions(blocks, gone)
    pairs = {(token, position) for token, position in pairs if position not in gone}
    for _ in range(30):
        low, high = sorted(map(at, random.sample(range(400), 2)))
        asked = random.sample(sorted(shares), random.randint(1, 3))
        newest = random.random() < 0.5
        wanted = sorted(
            (p for p in map(at, range(400)) if low <= p < high and all((t, p) in pairs for t in asked)),
            reverse=newest,
        )
        assert list(intersection(blocks, asked, low, high, newest=newest)) == wanted
