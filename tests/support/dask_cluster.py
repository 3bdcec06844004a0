"""A real Dask scheduler with worker processes, over TLS, one for all tests that ask for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from tests.servers.processes import bound
from tests.support.certificates import Authority, Issued
from tests.support.server import free_port
from vanvault.archiver.core.settings import JobsSettings


@dataclass(frozen=True, slots=True)
class Scheduler:
    """A scheduler, and the certificate by which this process may use it."""

    address: str
    node: Issued

    @property
    def settings(self) -> JobsSettings:
        """The section ``jobs`` of a home that uses it."""
        return dask_settings(self.address, self.node)

    @property
    def environment(self) -> dict[str, str]:
        """The same as environment variables."""
        said = self.settings.model_dump(include={"dask", "dask_ca", "dask_certificate", "dask_key"})
        return {f"VANVAULT_JOBS__{name.upper()}": value for name, value in said.items()}

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let every home of a test use it."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)


def dask_settings(address: str, node: Issued) -> JobsSettings:
    """The section ``jobs`` for a scheduler and a certificate."""
    return JobsSettings(
        dask=address,
        dask_ca=str(node.authority),
        dask_certificate=str(node.certificate),
        dask_key=str(node.key),
    )


@contextmanager
def dask_cluster(workers: int, authority: Authority) -> Iterator[Scheduler]:
    """A scheduler and its workers, each a process, with nannies that start a lost one again."""
    address = f"tls://127.0.0.1:{free_port()}"
    host = authority.issue("worker-host")
    common = ["--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    common += ["--tls-ca-file", str(host.authority), "--tls-cert", str(host.certificate)]
    common += ["--tls-key", str(host.key)]
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
        yield Scheduler(address, authority.issue("node"))


@pytest.fixture(scope="session")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    """A scheduler with two workers."""
    with dask_cluster(2, Authority(tmp_path_factory.mktemp("dask"))) as found:
        yield found
