"""restic, as Debian has it."""

from __future__ import annotations

import shutil

from tests.servers.debian import install_packages
from tests.servers.processes import ServerUnavailable

PACKAGE = "restic"


def install() -> str:
    """Install restic when it is not there; one line that says what was done. Raises ServerUnavailable."""
    if shutil.which(PACKAGE):
        return "restic: already installed"
    return install_packages("restic", [PACKAGE])


def program() -> str:
    """Where it is. Raises ServerUnavailable."""
    found = shutil.which(PACKAGE)
    if found is None:
        raise ServerUnavailable("restic is not installed: python -m tests.servers.install")
    return found
