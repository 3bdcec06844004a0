"""What compacted rows say of large objects, until their writer's turn comes: on disk when there are many."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from vanvault.archiver.core.names import large_prefix
from vanvault.archiver.core.times import from_us, to_us
from vanvault.recovery.objects import LAST
from vanvault.recovery.verify.contents import Reference


class References:
    """Used from one thread; SQLite keeps a nameless database in a file of its own, which goes with it."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute(
            "CREATE TABLE reference(key TEXT PRIMARY KEY, row, size, sha256, sha512, until_us) WITHOUT ROWID"
        )

    def add(self, references: Iterable[Reference]) -> None:
        self._database.executemany(
            "INSERT OR REPLACE INTO reference VALUES(?, ?, ?, ?, ?, ?)",
            [
                (
                    one.key,
                    one.row,
                    one.size,
                    one.sha256,
                    one.sha512,
                    to_us(one.retain_until) if one.retain_until else None,
                )
                for one in references
            ],
        )

    def of(self, writer: str) -> dict[str, Reference]:
        """References to a writer's large objects, by key."""
        prefix = large_prefix(writer)
        rows = self._database.execute(
            "SELECT * FROM reference WHERE key > ? AND key < ?", (prefix, prefix + LAST)
        )
        return {
            key: Reference(key, row, size, sha256, sha512, from_us(until) if until is not None else None)
            for key, row, size, sha256, sha512, until in rows
        }

    def close(self) -> None:
        self._database.close()
