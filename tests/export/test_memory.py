"""Memory does not grow with what is exported."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.export.conftest import Filled
from tests.support.archives import Home, Node, event, memory_home

FEW, MANY = 800, 2400


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with memory_home(tmp_path_factory.mktemp("crowded") / "home") as home:
        yield _crowded(home)


def _crowded(home: Home) -> Filled:
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        node.submit([event(f"e-{n}", type="many" if n % 4 else "few") for n in range(FEW + MANY)])
    archive.catch_up()
    return Filled(home, archive)


def peak(full: Filled, output: Path, format: str, type: str) -> int:
    tracemalloc.start()
    try:
        report = full.export(output, format, type=type)
        assert report.state.counts.items == (FEW if type == "few" else MANY)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("format", ["csv", "ndjson", "zip"])
def test_three_times_the_entries_in_the_same_memory(crowded: Filled, tmp_path: Path, format: str) -> None:
    peak(crowded, tmp_path / "warm", format, "few")
    few = peak(crowded, tmp_path / "few", format, "few")
    many = peak(crowded, tmp_path / "many", format, "many")
    assert many < 1.3 * few + 500_000
