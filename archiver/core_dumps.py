"""No memory of a process that opens keys is written to disk when it crashes."""

from __future__ import annotations

import ctypes
import resource

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def forbid_core_dumps() -> None:
    """Called first by every process of ours; what it starts can write none either.

    Two ways: a kernel that pipes dumps to a program (core_pattern) does not ask the limit, and the other mark
    is lost when a process becomes another program. See core(5), prctl(2).
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
