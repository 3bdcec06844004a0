"""Where things lie in a home."""

from __future__ import annotations

from pathlib import Path

INDEX_WORK = Path("index-work")  # index files in the making
HOT_TAIL = Path("cache") / "hot-tail.sqlite"  # with the index key in its name: hot_tail_of


def hot_tail_of(home: Path, key_id: str) -> Path:
    """The hot tail under one index key: a rotation makes another file and leaves a running node its own."""
    return home / HOT_TAIL.with_stem(f"{HOT_TAIL.stem}-{key_id.replace('/', '-')}")
