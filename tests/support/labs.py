"""Archives in files that are built once a process; each test harms a copy of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.compacted import CompactedLab, build_compacted
from tests.support.lab import Lab, build


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that ``lab`` is a copy of; only to be read."""
    home = tmp_path_factory.mktemp("archive") / "home"
    build(home)
    return home


@pytest.fixture
def lab(template: Path, tmp_path: Path) -> Lab:
    return Lab.copy(template, tmp_path / "home")


@pytest.fixture(scope="session")
def compacted_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that ``compacted`` is a copy of; only to be read."""
    home = tmp_path_factory.mktemp("compacted") / "home"
    build_compacted(home)
    return home


@pytest.fixture
def compacted(compacted_template: Path, tmp_path: Path) -> CompactedLab:
    return CompactedLab.copy(compacted_template, tmp_path / "home")


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """An archive with an id and keys of its own; only to be read."""
    home = tmp_path_factory.mktemp("other") / "home"
    build(home)
    return Lab(home)
