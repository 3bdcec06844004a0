"""Chromium, as Debian has it, and axe-core's rules of accessibility, from its npm package.

Chromium runs without the sandbox, which root cannot have, and asks no other host for anything.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.servers.debian import install_packages
from tests.servers.minio import cache
from tests.servers.processes import ServerUnavailable, programs_missing

PACKAGE = "chromium"
#: In front of text of Vietnamese: Debian's Chromium brings no fonts.
FONTS = "fonts-dejavu-core"
AXE_VERSION = "4.14.1"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
#: So that it looks no host up at its start, and needs no display.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def install() -> str:
    """Install what is not there; one line that says what was done. Raises ServerUnavailable."""
    if shutil.which(PACKAGE):
        told = "Chromium: already installed"
    else:
        told = install_packages("Chromium", [PACKAGE, FONTS])
    return f"{told}; {_install_axe()}"


def program() -> str:
    """Where Chromium is. Raises ServerUnavailable."""
    found = shutil.which(PACKAGE)
    if found is None:
        raise ServerUnavailable("Chromium is not installed: python -m tests.servers.install")
    return found


def axe_rules() -> str:
    """The script of axe-core. Raises ServerUnavailable: it is not here, or not as it was pinned."""
    path = _axe()
    if not path.is_file():
        raise ServerUnavailable("axe-core is not here: python -m tests.servers.install")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != AXE_SHA256:
        raise ServerUnavailable(f"{path} is not axe-core {AXE_VERSION} as it was pinned: remove it")
    return data.decode()


def _axe() -> Path:
    return cache() / f"axe-core-{AXE_VERSION}.min.js"


def _install_axe() -> str:
    """Take the script out of its package, whole or not at all."""
    if _axe().is_file():
        return f"axe-core {AXE_VERSION}: already there"
    if programs_missing(["npm"]):
        raise ServerUnavailable("axe-core needs npm to be fetched")
    _axe().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_axe().parent) as place:
        command = ["npm", "pack", "--silent", f"axe-core@{AXE_VERSION}"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerUnavailable(f"{' '.join(command)} failed: {done.stderr[-500:]}")
        (package,) = Path(place).glob("*.tgz")
        with tarfile.open(package) as archive:
            member = archive.extractfile("package/axe.min.js")
            data = member.read() if member else b""
        if hashlib.sha256(data).hexdigest() != AXE_SHA256:
            raise ServerUnavailable(f"axe-core {AXE_VERSION} is not as it was pinned")
        whole = Path(place) / "axe.min.js"
        whole.write_bytes(data)
        whole.replace(_axe())
    return f"axe-core {AXE_VERSION}: fetched"
