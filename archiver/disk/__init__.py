"""Local files, done once for every room: locks between processes, files that a crash leaves whole."""

from __future__ import annotations

from vanvault.archiver.disk.files import (
    create_file,
    read_plain,
    read_small,
    replace_file,
    sync_folder,
    synced_file,
)
from vanvault.archiver.disk.locks import (
    HeldLock,
    lock_beside,
    lock_descriptor,
    lock_file,
    still_named,
    take_lock,
    try_lock,
)

__all__ = [
    "HeldLock",
    "create_file",
    "lock_beside",
    "lock_descriptor",
    "lock_file",
    "read_plain",
    "read_small",
    "replace_file",
    "still_named",
    "sync_folder",
    "synced_file",
    "take_lock",
    "try_lock",
]
