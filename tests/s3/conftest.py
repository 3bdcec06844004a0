"""Homes over pairs of real servers, shared proxies, and a running node."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.endpoint import Endpoint
from tests.servers.fault_proxy import FaultProxy, fault_proxy


@pytest.fixture(scope="session")
def session_proxies(minio_pair: tuple[Endpoint, Endpoint]) -> Iterator[dict[str, FaultProxy]]:
    with fault_proxy(minio_pair[0].url) as primary, fault_proxy(minio_pair[1].url) as standby:
        yield {"primary": primary, "standby": standby}


@pytest.fixture
def proxies(session_proxies: dict[str, FaultProxy]) -> Iterator[dict[str, FaultProxy]]:
    """By site, a proxy before its MinIO; they break nothing when a test begins."""
    for proxy in session_proxies.values():
        proxy.clear()
    yield session_proxies
    for proxy in session_proxies.values():
        proxy.clear()
