"""What all tests share: a home with sites in memory, and Hypothesis at a pace that fits a whole suite."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.archives import Home, memory_home
from tests.support.command import NOWHERE

pytest_plugins = [
    "tests.servers.fixtures",
    "tests.support.dask_cluster",
    "tests.support.labs",
    "tests.support.sharing_out",
]

settings.register_profile(
    "suite", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

#: Variables that are meant for the tests. All others are an operator's: they name his home and his server.
OF_TESTS = ("VANVAULT_TEST_", "VANVAULT_REQUIRE_SERVERS")
for _name in list(os.environ):
    if _name.startswith("VANVAULT_") and not _name.startswith(OF_TESTS):
        del os.environ[_name]
os.environ["VANVAULT_URL"] = NOWHERE


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A new home whose two sites are in memory."""
    with memory_home(tmp_path / "home") as found:
        yield found
