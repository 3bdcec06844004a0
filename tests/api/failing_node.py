"""A server whose writing thread meets a bug once HOME/broken exists: ``failing_node.py HOME PORT``."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from vanvault.api.app import create_app
from vanvault.archiver.appliance import Archive

HOME, PORT = Path(sys.argv[1]), int(sys.argv[2])


def fault(step: str) -> None:
    if step == "before-encode" and (HOME / "broken").exists():
        raise ZeroDivisionError


uvicorn.run(
    create_app(lambda: Archive(HOME, fault=fault)),
    host="127.0.0.1",
    port=PORT,
    access_log=False,
    log_level="warning",
)
