"""The archive is built once; each drill has a copy of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.lab import Lab, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("drilled") / "home"
    build(home)
    return home


@pytest.fixture
def lab(built: Path, tmp_path: Path) -> Lab:
    return Lab.copy(built, tmp_path / "home")
