"""Walks a file site's folders: versions in key order, and files that the layout does not know.

Memory is bounded by one shard folder and by the names in the folders above it.
"""

from __future__ import annotations

import errno
import heapq
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter

from vanvault.archiver.core.system_files import is_system_file
from vanvault.archiver.stores.files.layout import (
    FileName,
    folder_of,
    last_part,
    may_hold,
    parse_file_name,
)
from vanvault.archiver.stores.port import StoredVersion, Stray
from vanvault.archiver.stores.rules import is_key, printable

#: Names in one folder: a shard has some thousands, and all writers of an archive are in one.
MOST_NAMES = 10**6
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def key_versions(objects: int, key: str) -> list[StoredVersion]:
    """All versions of one key, newest first. Raises OSError; FileNotFoundError if its folder is not there."""
    folder = folder_of(key)
    return list(_shard(objects, folder, key.removesuffix(last_part(key)), lambda found: found == key))


def walk(objects: int, prefix: str, after: str, stem: str = "") -> Iterator[StoredVersion]:
    """Every version of every key that starts with ``stem`` and ``prefix`` and is greater than ``after``.

    By key, newest version first. A folder that vanishes meanwhile is passed over, and so is what the file
    system makes: a folder ``.snapshot`` holds whole copies of the site. Raises OSError.
    """
    names = [name for name in _names(objects, stem) if not is_system_file(name)]
    shards = sorted(
        name for name in names if name.startswith("~") and may_hold(stem + name[1:], prefix, after)
    )
    # "a-b/" sorts before "a/" as keys do, so the slash takes part in the comparison.
    folders = sorted(
        f"{name}/" for name in names if may_hold(f"{stem}{name}/", prefix, after) and is_key(stem + name)
    )

    def wanted(key: str) -> bool:
        return key > after and key.startswith(prefix)

    here = (version for shard in shards for version in _shard_if_there(objects, stem + shard, stem, wanted))
    below = (version for folder in folders for version in walk(objects, prefix, after, stem + folder))
    yield from heapq.merge(here, below, key=lambda version: version.key)


def strays(objects: int, within: str, stem: str = "") -> Iterator[Stray]:
    """What lies under ``objects`` and this layout did not make; ``within``: their path. Raises OSError."""
    for name in sorted(_names(objects, stem)):
        if is_system_file(name) or not _is_folder(objects, stem + name):
            yield stray(f"{within}/{stem}", name)
        elif name.startswith("~"):
            yield from _shard_strays(objects, within, stem + name)
        elif is_key(stem + name):
            yield from strays(objects, within, f"{stem}{name}/")
        else:
            yield stray(f"{within}/{stem}", f"{name}/")


def stray(folder: str, name: str) -> Stray:
    """What lies in a folder (``""``, or with a slash at its end) and the layout does not know."""
    return Stray(printable(folder + name), system=is_system_file(name.rstrip("/")))


def names_starting(folder: int, start: str) -> list[str]:
    """The names in an open folder that start with ``start``. Raises OSError, also when there are too many."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, MOST_NAMES + 1)]
    if len(names) > MOST_NAMES:
        raise OSError(errno.E2BIG, f"a folder has more than {MOST_NAMES} names")
    return [name for name in names if name.startswith(start)]


def _shard_if_there(
    objects: int, folder: str, stem: str, wanted: Callable[[str], bool]
) -> Iterator[StoredVersion]:
    """As ``_shard``, but a folder that vanished, or a file in its place, holds no versions."""
    with suppress(FileNotFoundError, NotADirectoryError):
        yield from _shard(objects, folder, stem, wanted)


def _shard(objects: int, folder: str, stem: str, wanted: Callable[[str], bool]) -> Iterator[StoredVersion]:
    """The versions of the wanted keys in one shard folder, by key, newest first. Raises OSError.

    Names are read at once and looked at one by one: who polls for what is new lists a full folder again and
    again, and wants few of its keys, or only the first.
    """
    shard = last_part(folder)
    descriptor = os.open(folder, _FOLDER_FLAGS, dir_fd=objects)
    try:
        parted = (name.partition("~") for name in names_starting(descriptor, ""))
        names = sorted((last, rest) for last, _, rest in parted if wanted(stem + last))
        for last, same in groupby(names, itemgetter(0)):
            files = [parse_file_name(f"{last}~{rest}", shard) for _, rest in same]
            yield from _versions(descriptor, stem + last, [file for file in files if file is not None])
    finally:
        os.close(descriptor)


def _versions(shard: int, key: str, files: Sequence[FileName]) -> Iterator[StoredVersion]:
    """The versions of one key, newest first, of all its files in an open folder. Raises OSError."""
    retain_until: dict[str, datetime] = {}
    for file in files:
        known = retain_until.get(file.version, file.retain_until)
        retain_until[file.version] = max(known, file.retain_until)
    for file in sorted(files, key=lambda file: file.version, reverse=True):
        if file.is_marker:
            continue
        with suppress(FileNotFoundError):  # disposed of since the folder was read
            facts = os.stat(f"{file.last}~{file.version}", dir_fd=shard, follow_symlinks=False)
            if stat.S_ISREG(facts.st_mode):
                until = retain_until[file.version]
                yield StoredVersion(key, file.version, facts.st_size, until, file.stored_at)


def _shard_strays(objects: int, within: str, folder: str) -> Iterator[Stray]:
    """Files that are neither the data of a version nor a marker that belongs to one."""
    names = set(_names(objects, f"{folder}/"))
    for name in sorted(names):
        file = parse_file_name(name, last_part(folder))
        known = file is not None and _is_regular(objects, f"{folder}/{name}")
        if not known or (file is not None and file.is_marker and f"{file.last}~{file.version}" not in names):
            yield stray(f"{within}/{folder}/", name)


def _names(objects: int, stem: str) -> list[str]:
    """The names in a folder given as ``""`` or with a slash at its end; none if it has vanished.

    Nor of a link to a folder: it leads out of the site. With its slash the path would be followed.
    """
    try:
        descriptor = os.open(stem.rstrip("/") or ".", _FOLDER_FLAGS, dir_fd=objects)
    except (FileNotFoundError, NotADirectoryError):
        if not stem:
            raise
        return []
    try:
        return names_starting(descriptor, "")
    finally:
        os.close(descriptor)


def _mode(objects: int, path: str) -> int:
    with suppress(FileNotFoundError):
        return os.stat(path, dir_fd=objects, follow_symlinks=False).st_mode
    return 0


def _is_folder(objects: int, path: str) -> bool:
    return stat.S_ISDIR(_mode(objects, path))


def _is_regular(objects: int, path: str) -> bool:
    return stat.S_ISREG(_mode(objects, path))
