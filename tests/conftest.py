"""What all tests share: a home with sites in memory, and Hypothesis at a pace that fits a whole suite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.archives import Home, memory_home

pytest_plugins = ["tests.servers.fixtures", "tests.support.dask_cluster"]

settings.register_profile(
    "suite", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A new home whose two sites are in memory."""
    with memory_home(tmp_path / "home") as found:
        yield found
