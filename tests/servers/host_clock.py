"""A host's clock that a test may set: processes that are started with it see the true time plus some seconds.

A small library for LD_PRELOAD, built once with the C compiler. libfaketime does the same, but in the version
of Debian it makes ``time.sleep`` fail (EINVAL of clock_nanosleep) when the monotonic clock is left alone.
"""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
from datetime import timedelta
from pathlib import Path

from tests.servers.debian import install_packages
from tests.servers.minio import cache
from tests.servers.processes import ServerUnavailable, programs_missing

_SOURCE = Path(__file__).with_name("host_clock.c")


class HostClock:
    """The clock of one host: what is started with ``environment`` goes by it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._path.write_bytes(struct.pack("=q", 0))
        self.environment = {"LD_PRELOAD": str(library()), "VANVAULT_TEST_CLOCK": str(path)}

    def set_off(self, by: timedelta) -> None:
        """From now on it is wrong by this much, in whole seconds; zero: it is right again."""
        with self._path.open("r+b") as file:
            file.write(struct.pack("=q", int(by.total_seconds())))


def library() -> Path:
    """Where the built library is, or would be: its name carries the digest of its source."""
    digest = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]
    return cache() / f"host-clock-{digest}.so"


def build() -> str:
    """Build it when it is not in the cache; one line that says what was done. Raises ServerUnavailable."""
    path = library()
    if path.is_file():
        return f"host clock: already built, {path}"
    if programs_missing(["cc"]):
        install_packages("host clock", ["gcc", "libc6-dev"])
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(draft), str(_SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServerUnavailable(f"{' '.join(command)} failed: {done.stderr[-1000:]}")
    draft.replace(path)
    return f"host clock: built {path}"
