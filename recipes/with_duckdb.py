"""SQL over all opened objects with DuckDB and the data keys alone.

    python with_duckdb.py keys.json SITE ["SELECT ... FROM entries"]

SITE is the folder of a file site, or one with copies of the objects under their names. The table ``entries``
has a row for each message and event in the opened objects, those beyond the result too: object, entry,
gateway, received_at, size, and all texts (state, procedure, employer_code and so on). DuckDB opens the files
by itself; what DuckDB 2.0 cannot read of them (lists, pushed filters) is left out of the table or switched
off: docs/open-elsewhere.md says why.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb
from bundle import opened

TEXTS = (
    "gateway", "transaction_id", "ivan", "employer_code", "tax_code", "dossier_number", "procedure", "period",
    "state", "agency",
)  # fmt: skip
BY_STATE = (
    "SELECT state, procedure, count(*), sum(size) FROM entries WHERE entry = 'message'"
    " GROUP BY state, procedure ORDER BY state, procedure"
)


def entries(connection: duckdb.DuckDBPyConnection, keys: Path, site: Path) -> None:
    """Fill the table ``entries``."""
    connection.execute("SET disabled_optimizers = 'filter_pushdown'")
    columns = ", ".join(f"{name} VARCHAR" for name in ("object", "entry", *TEXTS))
    connection.execute(f"CREATE TABLE entries ({columns}, received_at TIMESTAMPTZ, size BIGINT)")
    rows = [one for one in opened(keys, site) if one.kind != "originals"]
    for number, one in enumerate(rows):
        connection.execute(f"PRAGMA add_parquet_key('k{number}', '{one.key_base64}')")
        entry = "entry" if one.kind == "log" else f"'{one.kind.removesuffix('s')}'"
        connection.execute(
            f"INSERT INTO entries SELECT ?, {entry}, {', '.join(TEXTS)}, received_at, size"
            f" FROM read_parquet(?, encryption_config = {{footer_key: 'k{number}'}})",
            [one.name, str(one.path)],
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("keys", type=Path)
    parser.add_argument("site", type=Path)
    parser.add_argument("sql", nargs="?", default=BY_STATE)
    given = parser.parse_args()
    with duckdb.connect() as connection:
        entries(connection, given.keys, given.site)
        for row in connection.execute(given.sql).fetchall():
            print("\t".join(map(str, row)))


if __name__ == "__main__":
    main()
