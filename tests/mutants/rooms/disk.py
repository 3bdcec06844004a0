"""Bugs in ``archiver/disk``."""

from __future__ import annotations

from tests.mutants.model import Mutant

MUTANTS = (
    Mutant(
        "replace-folder-unsynced",
        "archiver/disk/files.py",
        "replace_file",
        "sync_folder(path.parent)",
        "pass",
        ("tests/disk/test_files.py",),
    ),
    Mutant(
        "create-replaces",
        "archiver/disk/files.py",
        "create_file",
        "path.hardlink_to(draft)",
        "draft.replace(path)",
        ("tests/disk/test_files.py",),
    ),
    Mutant(
        "create-folder-unsynced",
        "archiver/disk/files.py",
        "create_file",
        "sync_folder(path.parent)",
        "pass",
        ("tests/disk/test_files.py",),
    ),
    Mutant(
        "draft-unsynced",
        "archiver/disk/files.py",
        "_draft",
        "os.fsync(descriptor)",
        "pass",
        ("tests/disk/test_files.py",),
    ),
    Mutant(
        "written-file-unsynced",
        "archiver/disk/files.py",
        "synced_file",
        "os.fsync(descriptor)",
        "pass",
        ("tests/disk/test_files.py",),
    ),
)
