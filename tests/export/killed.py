"""An export that kills itself with SIGKILL: ``killed.py HOME OUTPUT FORMAT ITEMS STEP NTH``.

At the item of number ITEMS (0: never), or when, all items being written, the archive's own writer comes to
STEP for the NTH time; ("", 0) means never.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path

from vanvault.archiver.appliance import Archive
from vanvault.archiver.export import export, parse_request

HOME, OUTPUT, FORMAT = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
ITEMS, STEP, NTH = int(sys.argv[4]), sys.argv[5], int(sys.argv[6])
_steps = itertools.count(1)
_written = 0


def step(items: int) -> None:
    global _written
    _written += items
    if ITEMS and _written >= ITEMS:
        os.kill(os.getpid(), signal.SIGKILL)


def fault(name: str) -> None:
    if STEP and name == STEP and _written and next(_steps) == NTH:
        os.kill(os.getpid(), signal.SIGKILL)


with Archive.open(HOME, fault=fault) as archive:
    request = parse_request([("gateway", "gateway-1")], format=FORMAT, reason="an audit")
    export(archive, request, OUTPUT, who="auditor", step=step)
