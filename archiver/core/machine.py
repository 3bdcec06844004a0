"""Limits of this machine, told as what they are: open files, memory, threads and processes, disk. Pure.

A limit that is reached shows as an OSError, a MemoryError or a RuntimeError at whatever comes next: a key
file, a site's folder, a socket. Whoever turns such an error into a kind of its own asks here first, so that
nobody restores keys from escrow, or takes a site out, because a process had too many files open.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator

from vanvault.archiver.core.errors import MachineLimit, Resource, SiteUnavailable, VanVaultError

_OF_ERRNO: dict[int, Resource] = {
    errno.EMFILE: "files",
    errno.ENFILE: "files",
    errno.ENOMEM: "memory",
    errno.ENOBUFS: "memory",
    errno.EAGAIN: "threads",  # fork(2) and clone(2); files and our sockets never give it
    errno.ENOSPC: "disk",
    errno.EDQUOT: "disk",
    errno.EFBIG: "file-size",
}
#: Where the number is lost on the way, the text remains, as in an ImportError of a shared library.
_OF_TEXT: dict[str, Resource] = {
    "Too many open files": "files",
    "Cannot allocate memory": "memory",
    "can't start new thread": "threads",
}
_SAID: dict[Resource, str] = {
    "files": "too many files are open",
    "memory": "there is no memory left",
    "threads": "no more threads or processes can be started",
    "disk": "the disk has no room left, or its quota is used up",
    "file-size": "a file would be larger than this process may write",
}
_HINTS: dict[Resource, str] = {
    "files": "Raise the limit of open files: LimitNOFILE= of the systemd unit, ulimit -n in a shell; or,"
    " where the whole host is at it, sysctl fs.file-max.",
    "memory": "Give the service or the machine more memory (MemoryMax= of the systemd unit, ulimit -v), or"
    " let it do less at once: jobs.workers, search.threads, intake.",
    "threads": "Raise the limit of threads and processes: TasksMax= and LimitNPROC= of the systemd unit, "
    "ulimit -u in a shell.",
    "disk": "Free or add space on that disk (df shows it), or raise the quota of the user.",
    "file-size": "Raise the limit of the size of files: LimitFSIZE= of the systemd unit, ulimit -f.",
}
_CHAIN = 10  # errors that are looked at, from the last to what caused it


def machine_limit(error: BaseException, *, may_be_stored: bool = False) -> MachineLimit | None:
    """What ``error`` says about a limit of this machine; None when it says nothing of the kind.

    ``may_be_stored``: it ended a write that may have reached a site.
    """
    of_site = False  # a site that is full is the site's own limit
    for one in _chain(error):
        if isinstance(one, MachineLimit):
            return one
        of_site = of_site or isinstance(one, SiteUnavailable)
        resource = _resource(one)
        if resource is not None and not (of_site and resource in ("disk", "file-size")):
            return limit_of(resource, _path(one), may_be_stored=may_be_stored)
    return None


def limit_of(resource: Resource, path: str = "", *, may_be_stored: bool = False) -> MachineLimit:
    """The error for one resource; ``path``: what was being used."""
    return MachineLimit(
        f"a limit of the machine is reached: {_SAID[resource]}",
        resource=resource,
        path=path,
        may_be_stored=may_be_stored,
        hint=f"{_HINTS[resource]} Nothing is wrong with keys or sites.",
    )


def raise_limit(error: BaseException) -> None:
    """Raise MachineLimit if ``error`` says that a limit of this machine is reached; else do nothing."""
    found = machine_limit(error)
    if found is error:
        raise error
    if found is not None:
        raise found from error


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes."""
    found: BaseException | None = error
    for _ in range(_CHAIN):
        if found is None:
            return
        yield found
        # What was merely being handled when one of our own errors was raised did not cause it.
        found = found.__cause__ or (None if isinstance(found, VanVaultError) else found.__context__)


def _resource(error: BaseException) -> Resource | None:
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, sqlite3.OperationalError):
        full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        return "disk" if full else None
    if isinstance(error, OSError) and error.errno is not None:
        return _OF_ERRNO.get(error.errno)
    if isinstance(error, (OSError, ImportError, RuntimeError)):
        text = str(error)
        return next((resource for said, resource in _OF_TEXT.items() if said in text), None)
    return None


def _path(error: BaseException) -> str:
    name = error.filename if isinstance(error, OSError) else None
    return name if isinstance(name, str) else ""
