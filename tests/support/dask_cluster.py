"""A real Dask scheduler with worker processes, one for all tests that ask for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.servers.processes import bound
from tests.support.server import free_port


@contextmanager
def dask_cluster(workers: int) -> Iterator[str]:
    """A scheduler and its workers, each a process, with nannies that start a lost one again."""
    address = f"tcp://127.0.0.1:{free_port()}"
    common = ["--no-dashboard"]
    with ExitStack() as stack:
        for arguments in (
            ["scheduler", "--host", address, *common],
            *(["worker", address, "--nthreads", "1", *common] for _ in range(workers)),
        ):
            process = subprocess.Popen(
                bound([sys.executable, "-m", "dask", *arguments]),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
        yield address


@pytest.fixture(scope="session")
def scheduler() -> Iterator[str]:
    """Address of a scheduler with two workers."""
    with dask_cluster(2) as address:
        yield address
