"""A server that kills itself with SIGKILL at one step of its writing: ``node.py HOME PORT STEP NTH [SITE]``.

``STEP`` is a step of the writer (``commit-point``, ...) or, with a ``SITE``, of the file store's put at
that site (``after-link``, ...); the process dies when it comes there for the NTH time.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from pathlib import Path

import uvicorn

from vanvault.api.app import create_app
from vanvault.archiver.archive import Archive

HOME, PORT, STEP, NTH = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
SITE = sys.argv[5] if len(sys.argv) > 5 else ""
_count = itertools.count(1)


def die_in_turn() -> None:
    if next(_count) == NTH:
        os.kill(os.getpid(), signal.SIGKILL)


def fault(step: str) -> None:
    if not SITE and step == STEP:
        die_in_turn()


def store_fault(step: str) -> None:
    # The writer's own thread puts at the first site, its helpers at the second.
    site = "primary" if threading.current_thread().name == "committer" else "standby"
    if site == SITE and step == STEP:
        die_in_turn()


uvicorn.run(
    create_app(lambda: Archive(HOME, fault=fault, store_fault=store_fault)),
    host="127.0.0.1",
    port=PORT,
    access_log=False,
    log_level="warning",
)
