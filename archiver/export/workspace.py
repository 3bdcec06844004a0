"""The working folder of an export, ``OUTPUT.part``: append-only files and the checkpoint that binds them.

A checkpoint is durable: every file is synced before ``state.json`` names its length. After a kill each
file is cut back to the length that the last checkpoint named, so nothing is there twice or half.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import orjson

from vanvault.archiver.core.errors import Busy, Conflict, InvalidInput
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.disk import lock_descriptor, replace_file, still_named, sync_folder
from vanvault.archiver.export.request import ExportState

_STATE = "state.json"


class Spool:
    """One append-only file of the folder."""

    def __init__(self, path: Path, length: int) -> None:
        """Open it, or make it, and cut it back to ``length``. Raises Conflict when it is shorter."""
        self.path = path
        self.file: IO[bytes] = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        self.length = length
        self.reset(length)

    def reset(self, length: int) -> None:
        if self.file.seek(0, os.SEEK_END) < length:
            raise Conflict(
                f"{self.path} is shorter than its checkpoint says", hint=f"Delete {self.path.parent}."
            )
        self.file.truncate(length)
        self.file.seek(length)
        self.length = length

    def write(self, data: bytes) -> None:
        self.file.write(data)
        self.length += len(data)

    def patch(self, offset: int, data: bytes) -> None:
        """Overwrite bytes within what was written since the last checkpoint."""
        self.file.seek(offset)
        self.file.write(data)
        self.file.seek(self.length)

    def sync(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())

    def lines(self) -> Iterator[bytes]:
        """Every line, from the beginning."""
        self.file.flush()
        with self.path.open("rb") as file:
            yield from file


class Workspace:
    """The folder, while this process alone works in it."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.folder = output.with_name(f"{output.name}.part")
        self._spools: dict[str, Spool] = {}
        self._lengths: dict[str, int] = {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Raises Busy (another process is at it), InvalidInput (the folder cannot be made)."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise_limit(error)
            raise InvalidInput(f"{self.folder} cannot be made: {error.strerror}", field="output") from error
        try:
            # A run that ended between the two lines above has taken the folder with it.
            if not (lock_descriptor(held, wait=False) and still_named(held, self.folder)):
                raise Busy(f"another process works at {self.output}", hint="Let it finish.")
            try:
                yield
            finally:
                for spool in self._spools.values():
                    spool.file.close()
                if self.folder.is_dir() and not any(self.folder.iterdir()):
                    self.folder.rmdir()  # nothing was begun
        finally:
            os.close(held)

    def load(self) -> ExportState | None:
        """The last checkpoint, or None. Raises Conflict for one that cannot be read."""
        path = self.folder / _STATE
        if not path.exists():
            return None
        try:
            state = ExportState.from_dict(orjson.loads(path.read_bytes()))
        except (ValueError, KeyError, TypeError) as error:
            raise Conflict(
                f"{path} is no checkpoint", hint=f"Delete {self.folder}, and begin anew."
            ) from error
        self._lengths = dict(state.lengths)
        return state

    def spool(self, name: str) -> Spool:
        """The working file of this name, as long as the last checkpoint says."""
        if name not in self._spools:
            self._spools[name] = Spool(self.folder / name, self._lengths.get(name, 0))
        return self._spools[name]

    def checkpoint(self, state: ExportState) -> ExportState:
        """Make what was written so far, and the state, durable; the state with the files' lengths."""
        for spool in self._spools.values():
            spool.sync()
        self._lengths |= {name: spool.length for name, spool in self._spools.items()}
        saved = replace(state, lengths=dict(self._lengths))
        replace_file(self.folder / _STATE, orjson.dumps(saved.as_dict()))
        return saved

    def publish(self, name: str, target: Path) -> None:
        """Give a finished file its final name; does nothing where an earlier run did. Raises Conflict."""
        source = self.folder / name
        if not source.exists() and target.exists():
            return
        refuse_existing(target)
        source.rename(target)
        sync_folder(target.parent)

    def remove(self) -> None:
        """The export is where it belongs; nothing of the folder is needed any more."""
        # The checkpoint goes first: what a kill leaves then is no export that could be taken up again.
        (self.folder / _STATE).unlink()
        shutil.rmtree(self.folder)


def refuse_existing(path: Path) -> None:
    """Raises Conflict when something has this name."""
    if path.exists() or path.is_symlink():
        raise Conflict(f"{path} is there already", hint="A finished export is never replaced: name another.")
