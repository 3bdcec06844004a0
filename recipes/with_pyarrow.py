"""Rows and originals with pyarrow and the data keys alone.

    python with_pyarrow.py keys.json SITE [--originals FOLDER]

SITE is the folder of a file site, or one with copies of the objects under their names. It counts messages by
state and procedure. ``--originals`` writes each original of the opened objects to a folder, named by its
SHA-256. pyarrow reads everything that the archive writes.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
from bundle import Opened, opened


def table_of(one: Opened) -> pa.Table:
    """All of an object. ``use_threads=False``: see docs/open-elsewhere.md."""
    properties = pe.create_decryption_properties(footer_key=one.key)
    with pq.ParquetFile(one.path, decryption_properties=properties) as file:
        return file.read(use_threads=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("keys", type=Path)
    parser.add_argument("site", type=Path)
    parser.add_argument("--originals", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    states: Counter[tuple[str, str]] = Counter()
    written = 0
    for one in opened(given.keys, given.site):
        table = table_of(one)
        if one.kind == "log":
            table = table.filter(pc.equal(table["entry"], "message"))
        if one.kind in ("log", "messages"):
            states.update(zip(table["state"].to_pylist(), table["procedure"].to_pylist(), strict=True))
        if given.originals is not None and one.kind in ("originals", "messages"):
            given.originals.mkdir(parents=True, exist_ok=True)
            for body in table["body"].to_pylist():
                if body is not None:  # a large one lies in an object of its own
                    (given.originals / hashlib.sha256(body).hexdigest()).write_bytes(body)
                    written += 1
    print("state\tprocedure\tmessages")
    for (state, procedure), count in sorted(states.items()):
        print(f"{state}\t{procedure}\t{count}")
    if given.originals is not None:
        print(f"{written} originals in {given.originals}")


if __name__ == "__main__":
    main()
