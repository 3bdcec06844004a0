"""The embedded file store; the plain way is one durable file at each site: no HTTP, no lock, no receipt.

Per message: SHA-256 once; at each site a temporary file, write, fsync, rename to its name, fsync of the
folder. That is the least that any program must do before it may acknowledge a message on its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from common import Original, Stored, allocated

from vanvault.archiver.appliance import init_home


@dataclass(frozen=True, slots=True)
class FileSites:
    """``Sites`` in a folder, which is also where the home is expected."""

    folder: Path
    home: Path

    def init(self, home: Path) -> str:
        return init_home(home)

    def cpu_s(self) -> float:
        return 0.0  # the store is part of its client

    def stored(self) -> Stored:
        objects = self.home / "sites" / "primary" / "objects"
        sizes = [path.stat().st_size for path in objects.rglob("*") if path.is_file()]
        return Stored(len(sizes), sum(sizes), allocated(objects))

    @contextmanager
    def plainly(self) -> Iterator[Callable[[Original], None]]:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        descriptors = []
        for name in ("primary", "standby"):
            (folder / name).mkdir()
            descriptors.append(os.open(folder / name, os.O_RDONLY | os.O_DIRECTORY))

        def store(original: Original) -> None:
            name = f"{original.message_id}-{hashlib.sha256(original.body).hexdigest()}"
            for descriptor in descriptors:
                _store(descriptor, name, original.body)

        try:
            yield store
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
            shutil.rmtree(folder)


def _store(folder: int, name: str, body: bytes) -> None:
    temporary = f".{name}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440, dir_fd=folder)
    try:
        os.write(descriptor, body)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)
