"""Secret files on disk: written once, whole or not at all, and read only when nobody else may read them.

Every function raises MachineLimit when this machine, and not the folder, is why it failed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vanvault.archiver.core.errors import KeyUnavailable, SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.disk import create_file, take_lock

#: A key file is a few hundred bytes; more is no key file.
SIZE_LIMIT = 64 * 1024

#: What tells one state of a folder from the next: (name, inode, modified in ns, size) of each file.
FolderListing = tuple[tuple[str, int, int, int], ...]


def make_private_folder(folder: Path) -> None:
    """Make the folder with mode 0700, or check the one that is there. Raises SettingsError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise_limit(error)
        raise SettingsError(f"The key folder cannot be made: {error.strerror}.") from error
    check_private_folder(folder)


def check_private_folder(folder: Path) -> None:
    """Raises SettingsError unless the folder is there, is ours and is closed to group and others."""
    try:
        status = folder.stat()
    except OSError as error:
        raise_limit(error)
        raise SettingsError(
            f"The key folder cannot be read: {error.strerror}.",
            hint="Is its disk mounted? Else restore the keys from escrow: runbook keys-lost.",
        ) from error
    if not folder.is_dir():
        raise SettingsError("What the settings name as the key folder is not a folder.")
    if status.st_mode & 0o077 or status.st_uid not in (0, os.geteuid()):
        raise SettingsError(
            "The key folder is open to other users.",
            hint="Give it to the user that runs VanVault and set its mode: chmod 700.",
        )


def listing(folder: Path, names: re.Pattern[str]) -> FolderListing:
    """The folder's files with such names, in order. Raises KeyUnavailable.

    A few microseconds, so callers compare it at each use and see at once what another process added.
    """
    try:
        with os.scandir(folder) as entries:
            return tuple(
                sorted(
                    (entry.name, status.st_ino, status.st_mtime_ns, status.st_size)
                    for entry in entries
                    if names.fullmatch(entry.name)
                    for status in (entry.stat(),)
                )
            )
    except OSError as error:
        raise_limit(error)
        raise KeyUnavailable(
            f"The key folder cannot be read: {error.strerror}.",
            hint="Is its disk mounted? Else restore the keys from escrow: runbook keys-lost.",
        ) from error


def read_private(path: Path) -> bytes:
    """The bytes of a secret file. Raises KeyUnavailable when it is missing, too big, or open to others."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if status.st_mode & 0o077 or status.st_uid not in (0, os.geteuid()):
                raise KeyUnavailable(
                    f"The key file {path.name} is open to other users.",
                    hint="Give it to the user that runs VanVault and set its mode: chmod 600.",
                )
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise_limit(error)
        raise KeyUnavailable(f"The key file {path.name} cannot be read: {error.strerror}.") from error
    if len(data) > SIZE_LIMIT:
        raise KeyUnavailable(f"{path.name} is too big to be a key file.")
    return data


def read_public(path: Path, limit: int) -> bytes:
    """The bytes of a file that is no secret. Raises KeyUnavailable when it is missing or too big."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise_limit(error)
        raise KeyUnavailable(
            f"The key file {path.name} cannot be read: {error.strerror}.",
            hint="Restore the key folder from escrow.",
        ) from error
    if len(data) > limit:
        raise KeyUnavailable(f"{path.name} is too big to be a key file.")
    return data


def write_once(path: Path, data: bytes, *, mode: int) -> None:
    """Write a new file durably; it appears whole, or not at all, and never in place of another.

    Raises KeyUnavailable when there is a file of this name already, or the disk refuses.
    """
    try:
        create_file(path, data, mode=mode)
    except FileExistsError as error:
        raise KeyUnavailable(
            f"The key file {path.name} is there already; it was not touched.",
            hint="Another process may have rotated this key just now.",
        ) from error
    except OSError as error:
        raise_limit(error)
        raise KeyUnavailable(f"The key file {path.name} cannot be written: {error.strerror}.") from error


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file for as long as the block runs; others on this host wait. Raises KeyUnavailable."""
    try:
        lock = take_lock(path)
    except OSError as error:
        raise_limit(error)
        raise KeyUnavailable(f"The lock file {path.name} cannot be used: {error.strerror}.") from error
    with lock:
        yield
