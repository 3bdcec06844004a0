"""How many files this process may have open, and how many of them connections may take."""

from __future__ import annotations

import resource

from vanvault.archiver.core.errors import MachineLimit

#: Most files that the soft limit is raised to: tables of a million files would cost memory for nothing.
_ENOUGH = 65_536
#: Files kept for sites, the hot tail, index and jobs.
_RESERVE = 512
#: Fewest files of a node: half of fewer does not do for sites, hot tail and the connections that are ending.
_LEAST = 256


def raise_file_limit() -> int:
    """Raise the soft limit on open files as far as the hard one allows; the limit from now on.

    Raises MachineLimit: with so few, silent connections alone would keep the node from its work.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if most < _LEAST:
        raise MachineLimit(
            f"this process may have {most} files open, and a node needs {_LEAST}",
            resource="files",
            hint="Raise the limit: LimitNOFILE= of the systemd unit, ulimit -n in a shell.",
        )
    if soft == resource.RLIM_INFINITY or soft >= most:
        return soft if soft != resource.RLIM_INFINITY else _ENOUGH
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


def room_for_connections(files: int, wanted: int) -> int:
    """Connections that ``files`` open files leave room for: half of few files are kept, 512 of many."""
    return max(1, min(wanted, files - min(_RESERVE, files // 2)))
