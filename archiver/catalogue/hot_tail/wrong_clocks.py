"""Times that were written under a clock ahead and accepted later, and how far the archive is without them.

An acceptance (``journal/clock_record.py``) names writers and the moment at which it was made. What such a
writer wrote with a later time counts as written at that moment: the true time is not known, but it was not
later. Rows keep the times that they have; only what asks how far the archive is goes by this.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vanvault.archiver.core.names import WRITER_ENTROPY, batch_prefix, new_writer_id
from vanvault.archiver.core.times import from_us

#: How far the clocks of writers may differ, generously; writers' ids begin with their start.
SKEW_US = 3_600 * 1_000_000
#: How long a writer must have been silent at a complete fold to be left out of the next listings.
_SILENT_US = 2 * 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class WrongClock:
    """A writer whose clock was ahead. Times in microseconds since 1970."""

    writer: str
    at_us: int  # when it was accepted: its later times count as this one
    from_us: int  # its times from here on are wrong
    until_us: int  # the last of them, as far as was known then

    def counts_as(self, us: int) -> int:
        """What a time of this writer counts as."""
        return min(us, self.at_us)


def learn(connection: sqlite3.Connection, found: Iterable[WrongClock]) -> bool:
    """Note what is on record; the earliest acceptance of a writer stands.

    True: something is new, so the next fold lists all.
    """
    before = connection.total_changes
    connection.executemany(
        "INSERT INTO wrong_clock VALUES(?, ?, ?, ?) ON CONFLICT(writer) DO UPDATE SET"
        " at_us = min(at_us, excluded.at_us), from_us = min(from_us, excluded.from_us),"
        " until_us = max(until_us, excluded.until_us)"
        " WHERE excluded.at_us < at_us OR excluded.from_us < from_us OR excluded.until_us > until_us",
        [(one.writer, one.at_us, one.from_us, one.until_us) for one in found],
    )
    new = connection.total_changes > before
    if new:
        connection.execute("DELETE FROM fact WHERE name = 'folded_us'")
    return new


def known(connection: sqlite3.Connection) -> dict[str, WrongClock]:
    """What was accepted, by writer."""
    rows = connection.execute("SELECT writer, at_us, from_us, until_us FROM wrong_clock ORDER BY writer")
    return {row[0]: WrongClock(*row) for row in rows}


def last_us(connection: sqlite3.Connection) -> int:
    """How far the archive is: its latest time, with those of a clock ahead as what they count as."""
    wrong = known(connection)
    if not wrong:
        row = connection.execute("SELECT max(high) FROM chunk").fetchone()
        compacted = connection.execute("SELECT max(last_us) FROM segment").fetchone()[0] or 0
        return max(compacted, int.from_bytes(row[0][:8]) if row[0] else 0)
    compacted = connection.execute(_COMPACTED_US).fetchone()[0] or 0
    return max(
        compacted, max((_counts_as(wrong, writer, us) for writer, us in _newest(connection)), default=0)
    )


def ahead(connection: sqlite3.Connection, at_us: int) -> list[WrongClock]:
    """The writers with times after ``at_us`` that no acceptance speaks of: what one made then would name."""
    wrong = known(connection)
    found = {}
    for writer, us in _newest(connection):
        if _counts_as(wrong, writer, us) > at_us:
            first = connection.execute(
                "SELECT min(created_us) FROM batch WHERE writer = ? AND created_us > ?", (writer, at_us)
            ).fetchone()[0]
            found[writer] = WrongClock(writer, at_us, max(at_us, first - SKEW_US), us)
    rows = connection.execute(
        "SELECT c.writer, s.first_us, s.last_us FROM segment s JOIN cover c ON c.segment = s.n"
        " WHERE s.last_us > ?",
        (at_us,),
    )
    for writer, first, last in rows:
        if _counts_as(wrong, writer, last) > at_us:
            one = found.get(writer, WrongClock(writer, at_us, max(at_us, first), last))
            begin, end = min(one.from_us, max(at_us, first)), max(one.until_us, last)
            found[writer] = WrongClock(writer, at_us, begin, end)
    return [found[writer] for writer in sorted(found)]


def fold_start(connection: sqlite3.Connection, now_us: int) -> str:
    """See ``HotTail.fold_start``."""
    row = connection.execute("SELECT value FROM fact WHERE name = 'folded_us'").fetchone()
    if row is None or int(row[0]) > now_us + SKEW_US:
        return ""  # never complete; or complete under a clock ahead: who wrote since then is not known
    folded_us = int(row[0])
    earliest = new_writer_id(from_us(max(0, folded_us - SKEW_US)), bytes(WRITER_ENTROPY))
    since = folded_us - _SILENT_US
    wrong = known(connection)
    active = min(
        (
            writer
            for writer, _, final, us in connection.execute(LAST_BATCHES)
            if not final and _counts_as(wrong, writer, us) >= since
        ),
        default=None,
    )
    compacted = connection.execute(_LATELY_COMPACTED, (since, since)).fetchone()[0]
    return f"{batch_prefix()}{min(earliest, active or earliest, compacted or earliest)}"


def _newest(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """Each writer and the time of its newest batch."""
    return [(writer, us) for writer, _, _, us in connection.execute(LAST_BATCHES)]


def _counts_as(wrong: Mapping[str, WrongClock], writer: str, us: int) -> int:
    one = wrong.get(writer)
    return one.counts_as(us) if one else us


#: The latest time in segments; one that holds anything of a writer whose clock was ahead tells no more than
#: when that was accepted.
_COMPACTED_US = """
SELECT max(min(s.last_us, coalesce(w.at_us, s.last_us))) FROM segment s LEFT JOIN (
    SELECT c.segment AS n, max(k.at_us) AS at_us FROM wrong_clock k JOIN cover c ON c.writer = k.writer
    GROUP BY c.segment) w ON w.n = s.n
"""
_LATELY_COMPACTED = """
SELECT min(c.writer) FROM cover c JOIN segment s ON s.n = c.segment
LEFT JOIN wrong_clock w ON w.writer = c.writer
WHERE s.last_us >= ? AND coalesce(w.at_us, s.last_us) >= ?
"""
#: The newest batch of every writer, by writer: one step of an index for each.
LAST_BATCHES = """
WITH RECURSIVE known(writer) AS (
    SELECT min(writer) FROM batch
    UNION ALL
    SELECT (SELECT min(writer) FROM batch WHERE writer > known.writer) FROM known WHERE writer IS NOT NULL
)
SELECT b.writer, b.key, b.final, b.created_us FROM known JOIN batch AS b ON b.writer = known.writer
AND b.sequence = (SELECT max(sequence) FROM batch AS o WHERE o.writer = known.writer)
"""
