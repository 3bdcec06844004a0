"""Which nodes of a home run on this machine: one lock file for each, ``nodes/<process id>`` in the home.

The kernel gives a lock back when its process ends, however it ends, so a file that nobody locks is of a node
that is over. A process id alone proves nothing: it is used again, and in another container it means another
process. So a process counts as a node only when it has this very file open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.disk import try_lock

_FOLDER = "nodes"


@contextmanager
def running_here(home: Path) -> Iterator[None]:
    """This process is a node of the home until the block ends. Raises OSError."""
    path = home / _FOLDER / str(os.getpid())
    path.parent.mkdir(mode=0o700, exist_ok=True)
    lock = try_lock(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        if lock is not None:
            lock.release()


def running_nodes(home: Path) -> list[int]:
    """Process ids of the nodes of a home that run here; forgets those that are over.

    Raises AccessDenied: a node runs under another account, or in another container.
    """
    folder, found = home / _FOLDER, []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not path.name.isdecimal() or _is_over(path):
            continue
        if _has_open(int(path.name), path):
            found.append(int(path.name))
        elif not _is_over(path):  # or it ended between the two looks
            raise AccessDenied(
                f"a node of this home runs elsewhere: nothing is known here of process {path.name}",
                authenticated=True,
                hint="Run this as the account of the node, in its container.",
            )
    return found


def _is_over(path: Path) -> bool:
    """Nobody locks the file; then it is removed."""
    lock = try_lock(path)
    if lock is None:
        return False
    path.unlink(missing_ok=True)
    lock.release()
    return True


def _has_open(pid: int, path: Path) -> bool:
    try:
        wanted = path.stat()
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
    for descriptor in descriptors:
        with suppress(OSError):  # closed meanwhile
            one = descriptor.stat()
            if (one.st_dev, one.st_ino) == (wanted.st_dev, wanted.st_ino):
                return True
    return False
