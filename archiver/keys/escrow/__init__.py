"""Key files of a home in a sealed bundle that k of n shares open."""

from __future__ import annotations

from vanvault.archiver.keys.escrow.bundle import set_of
from vanvault.archiver.keys.escrow.escrow import Opened, compare, open_with, split, to_restore
from vanvault.archiver.keys.escrow.files import (
    check_split,
    is_public,
    read_bundle,
    read_key_files,
    read_share,
    restore_key_files,
    write_escrow,
    write_key_files,
)

__all__ = [
    "Opened",
    "check_split",
    "compare",
    "is_public",
    "open_with",
    "read_bundle",
    "read_key_files",
    "read_share",
    "restore_key_files",
    "set_of",
    "split",
    "to_restore",
    "write_escrow",
    "write_key_files",
]
