"""What a user might keep the same log in instead: an encrypted DuckDB file, or chDB (ClickHouse)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

#: Rows that are handed over at once.
_ROWS = 500_000

#: Query -> its condition and what it returns. ``{name}`` is a value of the query.
CONDITIONS = {
    "message_id": "message_id = '{message_id}'",
    "dossier": "dossier_number = '{dossier_number}'",
    "insurance_number": "insurance_number = '{insurance_number}'",
    "transaction": "transaction_id = '{transaction_id}'",
    "employer_year": "employer_code = '{employer_code}' AND received_at >= '{from}' AND received_at < '{to}'",
    "employer_newest": "employer_code = '{employer_code}'",
    "procedure_state_month": (
        "procedure = '{procedure}' AND state = '{state}' AND received_at >= '{from}' AND received_at < '{to}'"
    ),
    "procedure_newest": "procedure = '{procedure}'",
}


KEYS = ("message_id", "dossier_number", "insurance_number", "transaction_id", "employer_code")


class Rival(Protocol):
    """A database with the same rows."""

    name: str

    def load(self, tables: Iterable[pa.Table]) -> None: ...

    def rows(self, query: str, values: dict[str, str]) -> list[Any]:
        """The newest 50 rows, every column."""
        ...

    def histogram(self, values: dict[str, str]) -> list[Any]:
        """Rows a month of one procedure."""
        ...

    def size(self) -> int: ...

    def reopen(self) -> None:
        """Close and open again, for a cold look-up."""
        ...

    def close(self) -> None: ...


@dataclass
class DuckDb:
    """One native encrypted file, rows in order of time, zone maps as it makes them."""

    folder: Path
    name: str = "duckdb"

    def __post_init__(self) -> None:
        self._path = self.folder / "log.duckdb"
        self._open()

    def _open(self) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET memory_limit = '2GB'")
        # Its own OpenSSL comes with an extension that has to be downloaded; this cipher reads as fast.
        self._connection.execute("SET force_mbedtls_unsafe = 'true'")
        self._connection.execute(f"ATTACH '{self._path}' AS log (ENCRYPTION_KEY 'benchmark')")
        self._connection.execute("USE log")

    def load(self, tables: Iterable[pa.Table]) -> None:
        made = False
        for batch in _gathered(tables):
            self._connection.register("batch", batch)
            verb = "INSERT INTO entry" if made else "CREATE TABLE entry AS"
            self._connection.execute(f"{verb} SELECT * FROM batch")
            self._connection.unregister("batch")
            made = True
        self._connection.execute("CHECKPOINT")

    def rows(self, query: str, values: dict[str, str]) -> list[Any]:
        condition = CONDITIONS[query].format(**values)
        statement = f"SELECT * FROM entry WHERE {condition} ORDER BY received_at DESC LIMIT 50"
        return self._connection.execute(statement).fetchall()

    def histogram(self, values: dict[str, str]) -> list[Any]:
        return self._connection.execute(
            "SELECT date_trunc('month', received_at), count(*), sum(size) FROM entry"
            f" WHERE procedure = '{values['procedure']}' GROUP BY 1 ORDER BY 1"
        ).fetchall()

    def size(self) -> int:
        return self._path.stat().st_size

    def reopen(self) -> None:
        self._connection.close()
        self._open()

    def close(self) -> None:
        self._connection.close()


@dataclass
class ChDb:
    """A MergeTree table by time, with a projection for each of the four keys and for the employer."""

    folder: Path
    name: str = "chdb"

    def __post_init__(self) -> None:
        from chdb import session

        self._session = session
        self._path = self.folder / "chdb"
        self._db = session.Session(str(self._path))

    def load(self, tables: Iterable[pa.Table]) -> None:
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            path = Path(scratch) / "part.parquet"
            made = False
            for batch in _gathered(tables):
                pq.write_table(batch, path, compression="lz4")
                if not made:
                    self._make(path)
                    made = True
                self._db.query(f"INSERT INTO log.entry SELECT * FROM file('{path}', Parquet)")
        self._db.query("OPTIMIZE TABLE log.entry FINAL")

    def _make(self, path: Path) -> None:
        self._db.query("CREATE DATABASE IF NOT EXISTS log")
        self._db.query(
            "CREATE TABLE log.entry ENGINE = MergeTree ORDER BY received_at"
            f" AS SELECT * FROM file('{path}', Parquet) LIMIT 0"
        )
        for name in KEYS:
            self._db.query(
                f"ALTER TABLE log.entry ADD PROJECTION by_{name} (SELECT * ORDER BY {name}, received_at)"
            )

    def rows(self, query: str, values: dict[str, str]) -> list[Any]:
        condition = CONDITIONS[query].format(**values)
        statement = f"SELECT * FROM log.entry WHERE {condition} ORDER BY received_at DESC LIMIT 50"
        return self._fetched(statement)

    def histogram(self, values: dict[str, str]) -> list[Any]:
        statement = (
            "SELECT toStartOfMonth(received_at) AS month, count(), sum(size) FROM log.entry"
            f" WHERE procedure = '{values['procedure']}' GROUP BY month ORDER BY month"
        )
        return self._fetched(statement)

    def _fetched(self, statement: str) -> list[Any]:
        data = self._db.query(statement, "ArrowStream").bytes()
        rows: list[Any] = pa.ipc.open_stream(data).read_all().to_pylist() if data else []
        return rows

    def size(self) -> int:
        return sum(path.stat().st_size for path in self._path.rglob("*") if path.is_file())

    def reopen(self) -> None:
        self._db.close()
        self._db = self._session.Session(str(self._path))

    def close(self) -> None:
        self._db.close()


def _gathered(tables: Iterable[pa.Table]) -> Iterable[pa.Table]:
    waiting: list[pa.Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += table.num_rows
        if rows >= _ROWS:
            yield pa.concat_tables(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pa.concat_tables(waiting)
