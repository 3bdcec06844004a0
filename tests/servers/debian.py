"""Packages of Debian that tests need."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from tests.servers.processes import ServerUnavailable, programs_missing


def install_packages(name: str, packages: Sequence[str]) -> str:
    """Install packages; one line that says so.

    Raises ServerUnavailable where that is not possible (no root, no apt-get, no archive).
    """
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or programs_missing(["apt-get"]):
        raise ServerUnavailable(f"{name} is not installed. As root on Debian: {' '.join(command)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update"], command):
        done = subprocess.run(step, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerUnavailable(f"{' '.join(step)} failed: {done.stderr[-1000:]}")
    return f"{name}: installed {', '.join(packages)} from Debian"
