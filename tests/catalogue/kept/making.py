"""An archive of which both sites keep the index."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.clocks import ManualClock

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.catalogue.index.sealing import INDEX_HEADER_BYTES, decode_index_header
from vanvault.archiver.core.ports import Ports

SEGMENTS = 5
EACH = 6


@dataclass
class Kept:
    """A home of which both sites keep the index, and nodes of it."""

    home: Path
    clock: ManualClock
    old: bytes = b""  # the directory when there were fewer segments

    def open(self, home: Path | None = None) -> Archive:
        return Archive.open(home or self.home, ports=Ports.under(self.clock))

    def folder(self, site: str) -> Path:
        return self.home / "sites" / site / "index"

    def files(self, site: str) -> list[Path]:
        return sorted(self.folder(site).rglob("*.idx"))

    def names(self) -> frozenset[str]:
        """Of the index files of the home's own node."""
        folder = self.home / "index"
        return frozenset(path.relative_to(folder).as_posix() for path in folder.rglob("*.idx"))

    def new_node(self, name: str = "new") -> Path:
        """The home of another node: settings and keys, nothing else."""
        path = self.home.parent / name
        shutil.copytree(
            self.home, path, ignore=shutil.ignore_patterns("cache", "index", "index-work", "sites", "*.lock")
        )
        (path / "sites").symlink_to(self.home / "sites")
        return path


def name_another_key(path: Path) -> None:
    """The header names an index key that nobody has; its checksum is right, since that takes no key."""
    data = path.read_bytes()
    header = decode_index_header(data[:INDEX_HEADER_BYTES], path.name)
    path.write_bytes(replace(header, key_id="index/99").encode() + data[INDEX_HEADER_BYTES:])


def found(archive: Archive) -> int:
    """How many messages a search finds; all of the archive, or it says what it lacks."""
    page = archive.search.page(Query({"employer_code": "E"}, limit=1000))
    assert page.unread == ()
    return len(page.items)


def check_whole(archive: Archive) -> None:
    """Everything is found, and no id is taken as a new one."""
    assert found(archive) == SEGMENTS * EACH
    for turn in range(SEGMENTS):
        assert archive.claims.find("message", "gateway-1", f"m{turn}-0") is not None
    assert archive.claims.find("message", "gateway-1", "new") is None
