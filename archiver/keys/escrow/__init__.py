"""The door of keys.escrow."""

from __future__ import annotations

from vanvault.archiver.keys.escrow.escrow import Opened, compare, open_with, split, to_restore
from vanvault.archiver.keys.escrow.files import (
    BUNDLE,
    check_empty,
    read_bundle,
    read_key_files,
    read_share,
    restore_key_files,
    write_escrow,
    write_key_files,
)

__all__ = [
    "BUNDLE",
    "Opened",
    "check_empty",
    "compare",
    "open_with",
    "read_bundle",
    "read_key_files",
    "read_share",
    "restore_key_files",
    "split",
    "to_restore",
    "write_escrow",
    "write_key_files",
]
