"""A file site in a temporary folder, with a clock that the test moves; and the real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.harness import SERVERS
from tests.servers.endpoint import Endpoint
from tests.support.clocks import ManualClock
from vanvault.archiver.stores import FileSite


@pytest.fixture(params=list(SERVERS))
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """Each real server in turn."""
    found: Endpoint = request.getfixturevalue(SERVERS[request.param][0])
    return found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def root(tmp_path: Path, clock: ManualClock) -> Path:
    folder = tmp_path / "site"
    FileSite.create(folder, "primary", archive="test", clock=clock)
    return folder


@pytest.fixture
def site(root: Path, clock: ManualClock) -> Iterator[FileSite]:
    found = FileSite(root, "primary", clock=clock)
    yield found
    found.close()
