"""A disk that loses what was not synced when the power goes.

The double stands behind ``os``: what the code under test does is done as ever, and noted. At any moment it
can say what would be left of a folder if the power went now. There are two such worlds, and code must be
right in both, since a real disk may be anywhere between them:

- ``lost``: only those names are there whose folder was synced since.
- ``kept``: every name is there already.

In both, a file holds the bytes of its last fsync, and nothing if there was none.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

World = Literal["lost", "kept"]
WORLDS: tuple[World, ...] = ("lost", "kept")

#: After each of these the disk has another state.
_STEPS = ("fsync", "link", "mkdir", "unlink", "rename", "replace", "rmdir", "write")
_Inode = tuple[int, int]


class LosingDisk:
    """What is durable below one folder; everything there is when it is made."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[_Inode, bytes] = {}
        self._folders: dict[_Inode, dict[str, _Inode]] = {}
        self._open: list[int] = []  # one for each inode that was noted: its number is not given again
        for path in (root, *root.rglob("*")):
            self._note(os.open(path, os.O_RDONLY | os.O_NOFOLLOW))

    @contextmanager
    def watched(self, look: Callable[[str], None] = lambda step: None) -> Iterator[None]:
        """While the block runs, changes are noted; ``look`` is called after each, with its name."""
        busy = False

        def recorded(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*given: Any, **named: Any) -> Any:
                nonlocal busy
                result = real(*given, **named)
                if name == "fsync" and not busy:
                    self._note(os.dup(given[0]))
                if not busy:
                    busy = True
                    try:
                        look(name)
                    finally:
                        busy = False
                return result

            return call

        with pytest.MonkeyPatch.context() as patch:
            for name in _STEPS:
                patch.setattr(os, name, recorded(name, getattr(os, name)))
            yield

    def after_power_cut(self, world: World, target: Path) -> Path:
        """A new folder ``target`` that holds what would be left."""
        shutil.rmtree(target, ignore_errors=True)
        self._write(self._root, _inode(self._root.stat()), world, target)
        return target

    def close(self) -> None:
        for descriptor in self._open:
            os.close(descriptor)
        self._open = []

    def _note(self, descriptor: int) -> None:
        """What this descriptor leads to is durable as it is."""
        self._open.append(descriptor)
        facts = os.fstat(descriptor)
        if stat.S_ISDIR(facts.st_mode):
            with os.scandir(descriptor) as entries:
                self._folders[_inode(facts)] = {
                    entry.name: _inode(entry.stat(follow_symlinks=False)) for entry in entries
                }
        else:
            again = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY)
            self._files[_inode(facts)] = os.pread(again, facts.st_size, 0)
            os.close(again)

    def _write(self, path: Path, inode: _Inode, world: World, target: Path) -> None:
        target.mkdir()
        names = dict(self._folders.get(inode, {}))
        if world == "kept" and path.is_dir():
            names = {entry.name: _inode(entry.lstat()) for entry in path.iterdir()}
        for name, below in names.items():
            if below in self._files or (path / name).is_file():
                (target / name).write_bytes(self._files.get(below, b""))
                (target / name).chmod(0o440)
            else:
                self._write(path / name, below, world, target / name)


def _inode(facts: os.stat_result) -> _Inode:
    return facts.st_dev, facts.st_ino
