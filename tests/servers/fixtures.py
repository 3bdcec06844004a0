"""Fixtures with real servers, two of each kind as two sites, started once a session when first asked for.

A pytest plugin: ``pytest_plugins = ["tests.servers.fixtures"]`` in the root ``conftest.py`` of the tests.

Where a server cannot be had, its tests are skipped and the last lines of the run say so; with
VANVAULT_REQUIRE_SERVERS=1 they fail instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

import pytest

from tests.servers.ceph import CephServer
from tests.servers.endpoint import Endpoint
from tests.servers.keycloak import KeycloakServer
from tests.servers.minio import MinioServer
from tests.servers.processes import ServerUnavailable
from tests.servers.softhsm import SoftHsm, softhsm_in


class Stoppable(Protocol):
    """A server that was started here."""

    def stop(self) -> None: ...


S = TypeVar("S", bound=Stoppable)

REQUIRE = "VANVAULT_REQUIRE_SERVERS"

MISSING_KEY = "servers that could not be had"
missing: dict[str, str] = {}  # kind -> why it cannot be had


class Reporter(Protocol):
    """What ``summarise`` needs of pytest's terminal reporter."""

    def section(self, title: str, sep: str = ..., **markup: bool) -> None: ...
    def line(self, msg: str, **markup: bool) -> None: ...


def summarise(reporter: Reporter) -> None:
    """Say loudly, at the end of the run, which servers could not be had and so were not tested."""
    if missing:
        reporter.section("SERVERS THAT COULD NOT BE HAD", sep="!", red=True, bold=True)
        for kind, why in missing.items():
            reporter.line(f"NOT TESTED on {kind}: {why}", red=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Pytest's hook for the last lines of a run."""
    summarise(terminalreporter)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    """pytest-xdist's hook, where tests are shared out: what one process could not have is told at the end."""
    missing.update(getattr(node, "workeroutput", {}).get(MISSING_KEY, {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Pytest's hook for the end of one process; the one that shares out the tests, if any, is told."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[MISSING_KEY] = missing


def unavailable(kind: str, why: str) -> NoReturn:
    """Skip the test (or fail, where servers are required), and say so at the end of the run."""
    missing.setdefault(kind, why.splitlines()[0])
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{kind} cannot be had, and {REQUIRE}=1: {why}", pytrace=False)
    pytest.skip(f"{kind} cannot be had: {why}")


def running(kind: str, start: Callable[[Path], S], folder: Path) -> Iterator[S]:
    if kind in missing:
        unavailable(kind, missing[kind])
    try:
        server = start(folder)
    except ServerUnavailable as error:
        unavailable(kind, str(error))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def minio_server_a(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioServer]:
    """A MinIO whose processes a test may freeze and thaw."""
    yield from running("MinIO", MinioServer, tmp_path_factory.mktemp("minio") / "a")


@pytest.fixture(scope="session")
def minio_a(minio_server_a: MinioServer) -> Endpoint:
    """A MinIO, as the first site."""
    return minio_server_a.endpoint


@pytest.fixture(scope="session")
def minio_server_b(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioServer]:
    """Another MinIO whose processes a test may freeze and thaw."""
    yield from running("MinIO", MinioServer, tmp_path_factory.mktemp("minio") / "b")


@pytest.fixture(scope="session")
def minio_b(minio_server_b: MinioServer) -> Endpoint:
    """Another MinIO, as the second site."""
    return minio_server_b.endpoint


@pytest.fixture(scope="session")
def minio_pair(minio_a: Endpoint, minio_b: Endpoint) -> tuple[Endpoint, Endpoint]:
    """Two MinIO servers that know nothing of each other."""
    return minio_a, minio_b


@pytest.fixture(scope="session")
def ceph_server_a(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CephServer]:
    """A Ceph cluster to which a test may add users."""
    yield from running("Ceph", CephServer, tmp_path_factory.mktemp("ceph") / "a")


@pytest.fixture(scope="session")
def ceph_a(ceph_server_a: CephServer) -> Endpoint:
    """A Ceph cluster with its gateway, as the first site."""
    return ceph_server_a.endpoint


@pytest.fixture(scope="session")
def ceph_server_b(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CephServer]:
    """Another Ceph cluster to which a test may add users."""
    yield from running("Ceph", CephServer, tmp_path_factory.mktemp("ceph") / "b")


@pytest.fixture(scope="session")
def ceph_b(ceph_server_b: CephServer) -> Endpoint:
    """Another Ceph cluster, as the second site."""
    return ceph_server_b.endpoint


@pytest.fixture(scope="session")
def ceph_pair(ceph_a: Endpoint, ceph_b: Endpoint) -> tuple[Endpoint, Endpoint]:
    """Two Ceph clusters that know nothing of each other."""
    return ceph_a, ceph_b


@pytest.fixture(scope="session")
def keycloak_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeycloakServer]:
    """A Keycloak for the whole session; each test that needs one makes a realm of its own."""
    yield from running("Keycloak", KeycloakServer, tmp_path_factory.mktemp("keycloak") / "a")


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    """A place for PKCS#11 tokens in software, the same for the whole session."""
    try:
        return softhsm_in(tmp_path_factory.mktemp("softhsm"))
    except ServerUnavailable as error:
        unavailable("SoftHSM2", str(error))
