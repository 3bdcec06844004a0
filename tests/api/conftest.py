"""One running server for all tests of bad input, with small limits, and two gateways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.server import Server
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.people import Gateways

MAX_MESSAGE = 256 * 1024
MAX_REQUEST = 512 * 1024
SETTINGS = {
    "INTAKE__MAX_MESSAGE_BYTES": str(MAX_MESSAGE),
    "INTAKE__MAX_REQUEST_BYTES": str(MAX_REQUEST),
    "INTAKE__MAX_REQUEST_ENTRIES": "20",
    "INTAKE__LARGE_MESSAGE_BYTES": "65536",
    "INTAKE__BODY_TIMEOUT_S": "2",
    "INTAKE__MEMORY_BYTES": str(2 * 2**20),
    "METRICS__PUBLIC": "true",
}


@dataclass(frozen=True)
class Appliance:
    """A running server and the tokens of its gateways."""

    server: Server
    home: Path
    token: str
    other_token: str


@pytest.fixture(scope="package")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    home = tmp_path_factory.mktemp("api") / "home"
    token = init_home(home)
    other = Gateways(home).add("gateway-2", SystemEntropy(), SystemClock()).secret
    with Server(home, settings=SETTINGS) as server:
        yield Appliance(server.wait_ready(), home, token, other)
        assert server.stop() == 0


@pytest.fixture
def client(appliance: Appliance) -> Iterator[httpx.Client]:
    with appliance.server.client(appliance.token) as found:
        yield found


@pytest.fixture
def other_client(appliance: Appliance) -> Iterator[httpx.Client]:
    with appliance.server.client(appliance.other_token) as found:
        yield found


def check_problem(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    """The answer is an RFC 9457 problem with this status and name, and says what to do."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"] == (f"urn:vanvault:problem:{name}" if name else "about:blank")
    assert problem["title"]
    assert problem["detail"]
    assert (status == 503) == ("retry-after" in answer.headers)
    assert (status == 401) == ("www-authenticate" in answer.headers)
    return problem
