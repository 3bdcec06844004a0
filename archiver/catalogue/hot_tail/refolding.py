"""When the hot tail is filled again: after a change of trust in keys, or where it was made anew at use.

Everything goes when one object must: what it hid, or claimed first, is not known one by one. The same after
an acceptance, which may bring objects from before all that is here. Until the fold is complete again, nobody
can say that an id was not archived before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from vanvault.archiver.catalogue.hot_tail import folded_to

#: All tables but that of facts: what a fold fills.
TABLES = (
    "batch",
    "early_commit",
    "degraded",
    "chunk",
    "run",
    "page",
    "unclaimed",
    "duplicate",
    "conflict",
    "segment",
    "cover",
    "replaces",
    "wrong_clock",
    "lost",
)


@dataclass(frozen=True, slots=True)
class TrustChange:
    """What has to be done: nothing; note the first state; list all batches anew; or empty the file."""

    kind: Literal["none", "note", "list", "clear"]
    state: str


def change_of(
    connection: sqlite3.Connection, state: Sequence[str], holds: Callable[[str], bool]
) -> TrustChange:
    """Compare the state of trust with the one that this file was filled under.

    Args:
        state: the last act of the trust record, how many acceptances there are, and the trusted keys.
        holds: is an object with this key still believed? Asked only when an act came.
    """
    now = orjson.dumps(list(state)).decode()
    stored = connection.execute("SELECT value FROM fact WHERE name = 'trust'").fetchone()
    if stored is None:
        return TrustChange("note", now)
    if stored[0] == now:
        return TrustChange("none", now)
    act, accepted, _ = orjson.loads(stored[0])
    if accepted != state[1] or (act != state[0] and not _all_hold(connection, holds)):
        return TrustChange("clear", now)
    return TrustChange("list", now)


def apply(connection: sqlite3.Connection, change: TrustChange) -> None:
    """Do it, within a write transaction."""
    if change.kind == "clear":
        for table in TABLES:
            connection.execute(f"DELETE FROM {table}")
        connection.execute("DELETE FROM fact WHERE name IN ('catalogue', 'recheck', 'lost_at')")
        folded_to.forget(connection)
        begin(connection)
    connection.execute("DELETE FROM fact WHERE name = 'folded_us'")
    connection.execute("INSERT OR REPLACE INTO fact VALUES('trust', ?)", (change.state,))


def list_all(connection: sqlite3.Connection) -> None:
    """Let the next fold look at every batch, also of writers of which all was folded or in segments."""
    folded_to.forget(connection)
    connection.execute("DELETE FROM fact WHERE name = 'folded_us'")


def begin(connection: sqlite3.Connection) -> None:
    """From now on the file lacks what it held, or what another one did. Under a mark of its own each time."""
    connection.execute("INSERT OR REPLACE INTO fact VALUES('refolding', hex(randomblob(8)))")


def mark(connection: sqlite3.Connection) -> str:
    """The mark under which the file is being filled again, "" when it is not."""
    row = connection.execute("SELECT value FROM fact WHERE name = 'refolding'").fetchone()
    return str(row[0]) if row is not None else ""


def end(connection: sqlite3.Connection, begun: str) -> None:
    """A fold that began under this mark is complete. Where it began anew meanwhile, that one goes on."""
    if begun:
        connection.execute("DELETE FROM fact WHERE name = 'refolding' AND value = ?", (begun,))


def _all_hold(connection: sqlite3.Connection, holds: Callable[[str], bool]) -> bool:
    rows = connection.execute("SELECT key FROM batch UNION ALL SELECT key FROM segment")
    return all(holds(key) for (key,) in rows)
