"""How far the batches of each writer are folded without a gap, so that a fold lists what comes after.

A writer numbers its batches 0, 1, 2, ... and puts each number once. What is folded, or in a segment, up to a
number is known by this file alone; it is counted once and remembered (fact ``folded_to:WRITER``), so that
the next look counts only what came since. A hole ends the count: what comes late into it is listed.
Objects of strangers below it are found by those that list everything (the keeper, a verification).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import orjson

from vanvault.archiver.core.names import batch_prefix

#: A writer with fewer batches is listed from its start: to pass over them takes a request of its own.
LEAST = 100
_FACT = "folded_to:"

#: Keys between two: greater than the first, less than the second ("": no bound).
KeyRange = tuple[str, str]


def ranges_after(connection: sqlite3.Connection, start: str) -> list[KeyRange]:
    """What is to be listed after this key, in order: all but what is known to be folded."""
    ranges, after = [], start
    for writer, number in _counted(connection, _writer_of(start)):
        before = batch_prefix(writer)
        if after < before and after != before[:-1]:
            ranges.append((after, before))
        after = max(after, batch_prefix(writer, number))
    return [*ranges, (after, "")]


def remember(connection: sqlite3.Connection) -> None:
    """Keep the counts, within a write transaction."""
    found = {f"{_FACT}{writer}": str(number) for writer, number in _counted(connection, "")}
    known = dict(connection.execute(_KNOWN))
    if found != known:
        gone = [(name,) for name in known if name not in found]
        connection.executemany("DELETE FROM fact WHERE name = ?", gone)
        connection.executemany("INSERT OR REPLACE INTO fact VALUES(?, ?)", found.items())


def taken(connection: sqlite3.Connection) -> Iterator[tuple[str, int, int]]:
    """(writer, first, last) of all that is folded or in a segment, in order; long beginnings as one."""
    known = {name.removeprefix(_FACT): int(number) for name, number in connection.execute(_KNOWN)}
    for writer in _writers(connection, ""):
        number = known.get(writer, 0)
        if number:
            yield writer, 0, number - 1
        yield from ((writer, first, last) for first, last in connection.execute(_AFTER, (writer, number) * 2))


def heads(connection: sqlite3.Connection) -> Iterator[str]:
    """Keys that the first batches of writers name: the last ones of writers before them."""
    for writer in _writers(connection, ""):
        for (text,) in connection.execute(_HEADS, (writer,)):
            yield from orjson.loads(text)


def forget(connection: sqlite3.Connection) -> None:
    """The batches that were counted leave the file."""
    connection.execute(f"DELETE FROM fact WHERE name GLOB '{_FACT}*'")


def _counted(connection: sqlite3.Connection, since: str) -> list[tuple[str, int]]:
    """Writers from this one on with ``LEAST`` batches or more, and the first number that is not folded."""
    known = {name.removeprefix(_FACT): int(number) for name, number in connection.execute(_KNOWN)}
    found = []
    for writer in _writers(connection, since):
        number = _count(connection, writer, known.get(writer, 0))
        if number >= LEAST:
            found.append((writer, number))
    return found


def _count(connection: sqlite3.Connection, writer: str, number: int) -> int:
    """The first number, from this one on, that is neither folded nor in a segment."""
    for first, last in connection.execute(_AFTER, (writer, number) * 2):
        if first > number:
            break
        number = max(number, last + 1)
    return number


def _writers(connection: sqlite3.Connection, since: str) -> list[str]:
    return [writer for (writer,) in connection.execute(_WRITERS, {"since": since})]


def _writer_of(start: str) -> str:
    return start.removeprefix(batch_prefix()).partition("/")[0]


_KNOWN = f"SELECT name, value FROM fact WHERE name >= '{_FACT}' AND name < '{_FACT}~'"
#: One step of an index for each writer, not a scan of its batches.
_WRITERS = """
WITH RECURSIVE folded(writer) AS (
    SELECT min(writer) FROM batch WHERE writer >= :since
    UNION ALL
    SELECT (SELECT min(writer) FROM batch WHERE writer > folded.writer) FROM folded WHERE writer IS NOT NULL
), covered(writer) AS (
    SELECT min(writer) FROM cover WHERE writer >= :since
    UNION ALL
    SELECT (SELECT min(writer) FROM cover WHERE writer > covered.writer) FROM covered WHERE writer IS NOT NULL
)
SELECT writer FROM folded WHERE writer IS NOT NULL UNION SELECT writer FROM covered WHERE writer IS NOT NULL
ORDER BY 1
"""
_HEADS = "SELECT heads FROM batch WHERE writer = ? AND sequence = 0"
_AFTER = """
SELECT sequence, sequence FROM batch WHERE writer = ? AND sequence >= ?
UNION ALL SELECT first, last FROM cover WHERE writer = ? AND last >= ? ORDER BY 1, 2
"""
