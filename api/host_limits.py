"""Limits of the machine, whatever they come as: told as what they are, not as what failed for them."""

from __future__ import annotations

import errno

from vanvault.archiver.core.errors import Busy

_FILES = frozenset((errno.EMFILE, errno.ENFILE))
_MEMORY = frozenset((errno.ENOMEM, errno.ENOBUFS))


def host_limit(error: BaseException | None) -> tuple[str, Busy] | None:
    """The limit and the error to tell, if the machine's limits are why ``error`` was raised.

    The causes of the error are looked at, too: a key that cannot be read because no file can be opened is
    not missing.
    """
    seen = 0
    while error is not None and seen < 20:
        name = _limit(error)
        if name is not None:
            return name, Busy(
                f"the machine's limit is reached: no {_WANTED[name]}",
                retry_after=5,
                hint="Send the same request again. Operators: the limits of the service, or of the host.",
            )
        error, seen = error.__cause__ or error.__context__, seen + 1
    return None


_WANTED = {
    "files": "file can be opened",
    "memory": "memory can be had",
    "threads": "thread can be started",
}


def _limit(error: BaseException) -> str | None:
    if isinstance(error, OSError) and error.errno in _FILES:
        return "files"
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _MEMORY):
        return "memory"
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return "threads"
    return None
