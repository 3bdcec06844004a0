"""A server that kills itself with SIGKILL at one step of its writing: ``node.py HOME PORT STEP NTH [SITE]``.

``STEP`` is a step of the writer (``commit-point``, ...) or, with a ``SITE``, of the file store's put at
that site (``after-link``, ...); the process dies when it comes there for the NTH time.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import uvicorn

from vanvault.api.app import create_app
from vanvault.archiver.appliance import Archive, open_components
from vanvault.archiver.stores import FileSite
from vanvault.archiver.stores.lazy import LazySite

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
    if step == STEP:
        die_in_turn()


def open_archive() -> Archive:
    components = open_components(HOME, fault=fault)
    if SITE:
        folder, clock = HOME / "sites" / SITE, components.ports.clock
        killed = LazySite(SITE, lambda: FileSite(folder, SITE, clock=clock, fault=store_fault))
        components = replace(components, sites={**components.sites, SITE: killed})
    return Archive.of(components)


uvicorn.run(
    create_app(open_archive),
    host="127.0.0.1",
    port=PORT,
    access_log=False,
    log_level="warning",
)
