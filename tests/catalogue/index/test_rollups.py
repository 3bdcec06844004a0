"""Sums over rollups, exact and in bounded steps."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
from tests.catalogue.index.making import DAY_US, Folder, row

from vanvault.archiver.catalogue.index.reader import IndexReader
from vanvault.archiver.catalogue.index.rollups import (
    Combination,
    Rollups,
    Total,
    add_up,
    day_number,
    day_text,
)

ONE = Combination("g", "message", "dossier", "600", "accepted")
TWO = Combination("h", "event", "", "600", "received")


def lines(*given: tuple[int, Combination, int, int]) -> Rollups:
    combinations = tuple(dict.fromkeys(one for _, one, _, _ in given))
    columns = zip(
        *((day, combinations.index(one), count, size) for day, one, count, size in given), strict=True
    )
    return Rollups(combinations, *(np.array(column, np.int64) for column in columns))


def test_sums_are_exact_beyond_what_a_float_holds() -> None:
    total = add_up([lines((0, ONE, 1, 2**60 + 1)), lines((0, ONE, 1, 2**60 + 2))])
    assert total.total() == Total(2, 2**61 + 3)
    assert total.by("gateway") == {"g": Total(2, 2**61 + 3)}


def test_totals_by_anything() -> None:
    found = add_up([lines((0, ONE, 2, 20), (31, TWO, 3, 30)), lines((31, ONE, 1, 5), (400, TWO, 1, 7))])
    assert found.by("day") == {
        "1970-01-01": Total(2, 20),
        "1970-02-01": Total(4, 35),
        "1971-02-05": Total(1, 7),
    }
    assert found.by("month") == {"1970-01": Total(2, 20), "1970-02": Total(4, 35), "1971-02": Total(1, 7)}
    assert found.by("year") == {"1970": Total(6, 55), "1971": Total(1, 7)}
    assert found.by("state") == {"accepted": Total(3, 25), "received": Total(4, 37)}
    assert found.select(entry="event", procedure="600").by("year") == {
        "1970": Total(3, 30),
        "1971": Total(1, 7),
    }
    assert found.select(gateway="nobody").total() == Total(0, 0)
    assert found.between("1970-02-01", "1970-12-31").by("kind") == {"": Total(3, 30), "dossier": Total(1, 5)}


def test_the_table_holds_the_same() -> None:
    table = lines((0, ONE, 2, 20), (31, TWO, 3, 30)).table()
    assert table.to_pylist() == [
        {"day": date(1970, 1, 1), **ONE._asdict(), "count": 2, "bytes": 20},
        {"day": date(1970, 2, 1), **TWO._asdict(), "count": 3, "bytes": 30},
    ]
    assert Rollups.empty().table().num_rows == 0


def test_days_are_written_and_read() -> None:
    for day in ("1969-12-31", "1970-01-01", "2026-11-22"):
        assert day_text(day_number(day)) == day


def test_merged_rollups_of_more_days_than_one_step_sums(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    files = [
        folder.build({f"s{part}": [row(n, (3 * n + part) * DAY_US, state=f"x{n % 2}") for n in range(40)]})
        for part in range(3)
    ]
    merged = IndexReader([folder.merge(files)]).rollups()
    assert merged.days.tolist() == sorted(merged.days.tolist())
    assert merged.by("day") == IndexReader(files).rollups().by("day")
    assert len(merged.by("day")) == 120
    assert merged.by("state") == IndexReader(files).rollups().by("state")


def test_merged_rollups_reach_to_the_last_day_of_any_input(tmp_path: Path) -> None:
    """The input that begins last need not be the one that ends last."""
    folder = Folder(tmp_path)
    spans = [range(0, 90, 3), range(1, 20, 3), range(2, 40, 3)]
    files = [
        folder.build({f"s{part}": [row(100 * part + day, day * DAY_US) for day in days]})
        for part, days in enumerate(spans)
    ]
    for inputs in (files, files[::-1]):
        merged = IndexReader([folder.merge(inputs)]).rollups()
        assert merged.by("day") == IndexReader(files).rollups().by("day")
        assert merged.total().entries == sum(map(len, spans))
