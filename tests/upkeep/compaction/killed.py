"""A compaction that kills itself with SIGKILL at one step: ``killed.py HOME UNTIL STEP NTH``."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from vanvault.archiver.appliance import Archive
from vanvault.archiver.upkeep import compact

HOME, UNTIL, STEP, NTH = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), sys.argv[3], int(sys.argv[4])
_count = itertools.count(1)


def fault(step: str) -> None:
    if step == STEP and next(_count) == NTH:
        os.kill(os.getpid(), signal.SIGKILL)


with Archive.open(HOME) as archive:
    compact(archive, UNTIL, fault=fault)
