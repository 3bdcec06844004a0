"""SoftHSM2: PKCS#11 tokens in software, each a folder of files.

The library reads its configuration once for each process, so there is one folder of tokens a process.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.servers.debian import install_packages
from tests.servers.processes import ServerUnavailable, programs_missing

PACKAGE = "softhsm2"  # Debian's
PIN, SO_PIN = "246813", "13572468"  # test data only
_PLACES = (
    "/usr/lib/softhsm",
    "/usr/lib/x86_64-linux-gnu/softhsm",
    "/usr/lib64/pkcs11",
    "/usr/local/lib/softhsm",
)


@dataclass(frozen=True)
class SoftHsm:
    """Where tokens are made; ``SOFTHSM2_CONF`` names ``configuration`` for this process and its children."""

    module: Path
    folder: Path

    def add_token(self, label: str) -> None:
        """Make a token with the user PIN ``PIN``."""
        command = [
            "softhsm2-util",
            "--init-token",
            "--free",
            "--label",
            label,
            "--pin",
            PIN,
            "--so-pin",
            SO_PIN,
        ]
        subprocess.run(command, check=True, capture_output=True)


def install() -> str:
    """Install SoftHSM2 from Debian when it is not there; return one line that says what was done.

    Raises ServerUnavailable where that is not possible (no root, no apt-get, no archive).
    """
    if _module() is not None:
        return "SoftHSM2: already installed"
    return install_packages("SoftHSM2", [PACKAGE])


def softhsm_in(folder: Path) -> SoftHsm:
    """A place for tokens, used by this process from now on. Raises ServerUnavailable."""
    module = _module()
    if module is None or programs_missing(["softhsm2-util"]):
        raise ServerUnavailable("SoftHSM2 is not installed: python -m tests.servers.install")
    (folder / "tokens").mkdir(parents=True)
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    return SoftHsm(module, folder / "tokens")


def _module() -> Path | None:
    return next((path for place in _PLACES if (path := Path(place) / "libsofthsm2.so").is_file()), None)
