"""Flips every bit of an encrypted Parquet file and opens it. Run as a process of its own: were pyarrow to
abort, the last line on the standard output tells at which bit.

Usage: python -m tests.keys.parquet_flips KEY_FOLDER FILE; writes one line for each flip: byte, bit, outcome.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
from tests.support.key_ring import KeyRing

from vanvault.archiver.core.errors import Damaged, KeyUnavailable
from vanvault.archiver.core.format.encrypted import opened
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import KeyFiles


def main(folder: Path, file: Path) -> None:
    ring = KeyRing.over(folder, KeyFiles(folder, SystemEntropy()))
    data = file.read_bytes()
    key = ring.key_of(data, "messages")

    def read(candidate: bytes) -> pa.Table:
        with opened(candidate, ring.parquet, key) as file:
            return file.read(use_threads=False)

    whole = read(data)
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            print(place, bit, end=" ", flush=True)
            try:
                print("same" if read(bytes(changed)).equals(whole) else "OTHER CONTENT")
            except (Damaged, KeyUnavailable) as error:
                print(type(error).__name__)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
