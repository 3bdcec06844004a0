"""Other versions of Python on this machine, for scripts that run at other people's."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path


@cache
def interpreter(version: str) -> str | None:
    """A Python of this version, such as 3.8; None: there is none here."""
    managed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for path in (*map(str, managed), shutil.which(f"python{version}")):
        if path and _is(path, version):
            return path
    return None


def _is(path: str, version: str) -> bool:
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([path, "-I", "-c", asked], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0 and done.stdout.strip() == version
