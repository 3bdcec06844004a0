"""Names that file systems and storage boxes make, told from those that people and programs choose."""

from __future__ import annotations

import pytest

from vanvault.archiver.core.system_files import is_system_file


@pytest.mark.parametrize(
    "name",
    [
        "lost+found", "@eaDir", ".snapshot", ".snapshots", "#snapshot", ".zfs", ".nfs000000000123abc4",
        ".DS_Store", "._site.json", ".AppleDouble", "Thumbs.db", "@Recycle", "#recycle", "$RECYCLE.BIN",
        "System Volume Information", ".Trash-1000", ".fuse_hidden0000000b00000001", "aquota.user",
    ],
)  # fmt: skip
def test_what_systems_make_by_themselves_is_known(name: str) -> None:
    assert is_system_file(name)


@pytest.mark.parametrize(
    "name",
    ["", "batch", "segment", "lost", "lost+found.bak", "notes.txt", ".nfs", ".nfsx", "snapshot", "site.json",
     ".hidden", "~0000000", "ransom.snapshot", "README", "._"],
)  # fmt: skip
def test_what_somebody_put_there_is_not(name: str) -> None:
    assert not is_system_file(name)
