"""Copies of remote index files, or of parts of them, on local disk, bounded by bytes.

Everything here may be deleted at any time. Parts carry their SHA-256; whole files are checked by whoever maps
them.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from vanvault.archiver.catalogue.index.folder_store import MappedPath
from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.machine import raise_limit

_DIGEST_BYTES = 32
_DRAFT = ".draft"


class LocalCache:
    """Safe to share between threads, and between processes that use the same folder."""

    def __init__(self, folder: Path, limit: int) -> None:
        """``limit``: bytes; what was used longest ago goes first. Raises SettingsError."""
        self._folder, self._limit = folder, limit
        self._lock = threading.Lock()
        self._drafts = 0
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        except OSError as error:
            raise_limit(error)
            raise SettingsError(
                f"the index cache cannot be made: {error.strerror}", hint="Choose another folder for it."
            ) from error

    def part(self, name: str, offset: int, length: int, load: Callable[[], bytes]) -> bytes:
        """A part of a file; ``load`` fetches it when no good copy is here."""
        path = self._path(name, f"{offset}-{length}")
        with suppress(OSError):
            held = path.read_bytes()
            if hashlib.sha256(held[_DIGEST_BYTES:]).digest() == held[:_DIGEST_BYTES]:
                os.utime(path)
                return held[_DIGEST_BYTES:]
        data = load()
        self._keep(path, lambda draft: draft.write_bytes(hashlib.sha256(data).digest() + data))
        return data

    def whole(self, name: str, load: Callable[[Path], object]) -> MappedPath:
        """A whole file as memory; ``load`` writes it to the path that it is given. Raises OSError."""
        path = self._path(name, "whole")
        for _ in range(2):
            try:
                os.utime(path)
                return MappedPath(path)
            except FileNotFoundError:  # not here yet, or another process has just made room
                self._keep(path, load, needed=True)
        return MappedPath(path)

    def forget(self, name: str) -> None:
        """Drop every copy of a file."""
        for path in self._folder.glob(self._path(name, "*").name):
            path.unlink(missing_ok=True)

    def _path(self, name: str, part: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}-{part}"

    def _keep(self, path: Path, write: Callable[[Path], object], *, needed: bool = False) -> None:
        """Add a copy, whole or not at all. A full disk is no error unless the copy is ``needed``."""
        with self._lock:
            self._drafts += 1
            draft = self._folder / f"{os.getpid()}-{id(self)}-{self._drafts}{_DRAFT}"
        try:
            write(draft)
            draft.replace(path)
            self._make_room(path)
        except OSError:
            if needed:
                raise
        finally:
            draft.unlink(missing_ok=True)

    def _make_room(self, newest: Path) -> None:
        """Remove what was used longest ago until the rest fits; maps of removed files stay good."""
        with self._lock:
            found = []
            for path in self._folder.iterdir():
                with suppress(FileNotFoundError):
                    facts = path.stat()
                    found.append((facts.st_mtime_ns, facts.st_size, path))
            size = sum(one for _, one, _ in found)
            for _, one, path in sorted(found):
                if size <= self._limit:
                    return
                if path != newest and path.suffix != _DRAFT:
                    path.unlink(missing_ok=True)
                    size -= one
