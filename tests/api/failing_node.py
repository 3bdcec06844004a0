"""A server whose writing thread meets a bug at its second commit: ``failing_node.py HOME PORT``."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import uvicorn

from vanvault.api.app import create_app
from vanvault.archiver.appliance import Archive

HOME, PORT = Path(sys.argv[1]), int(sys.argv[2])
_commits = itertools.count(1)


def fault(step: str) -> None:
    if step == "before-encode" and next(_commits) == 2:
        raise ZeroDivisionError


uvicorn.run(
    create_app(lambda: Archive.open(HOME, fault=fault)),
    host="127.0.0.1",
    port=PORT,
    access_log=False,
    log_level="warning",
)
