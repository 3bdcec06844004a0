"""The last object of every writer that the hot tail knows: a step of the index for each, not a scan."""

from __future__ import annotations

from dataclasses import dataclass

from vanvault.archiver.catalogue.hot_tail.tail import HotTail

_LAST = """
WITH RECURSIVE known(writer) AS (
    SELECT min(writer) FROM batch
    UNION ALL
    SELECT (SELECT min(writer) FROM batch WHERE writer > known.writer) FROM known WHERE writer IS NOT NULL
)
SELECT b.writer, b.key, b.final, b.created_us FROM known JOIN batch AS b ON b.writer = known.writer
AND b.sequence = (SELECT max(sequence) FROM batch AS o WHERE o.writer = known.writer)
"""


@dataclass(frozen=True, slots=True)
class LastBatch:
    """The newest object of a writer, as far as is known here."""

    writer: str
    key: str
    final: bool
    created_us: int


def last_batches(tail: HotTail) -> list[LastBatch]:
    """One for each writer, by writer."""
    return [
        LastBatch(str(writer), str(key), bool(final), int(created_us))
        for writer, key, final, created_us in tail.connection().execute(_LAST)
    ]
