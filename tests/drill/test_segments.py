"""Each scenario on a compacted archive, before and after the batches that segments hold were disposed of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drill.support import drilled
from tests.drill.test_scenarios import SIMPLE
from tests.recovery.compacted import CompactedLab, build_compacted
from vanvault.archiver.format.names import parse_key
from vanvault.recovery.drill.run import Finished


@pytest.fixture(scope="session")
def compacted_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("drilled-segments") / "home"
    build_compacted(home)
    return home


@pytest.fixture(scope="session")
def disposed_home(compacted_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The batches that segments hold are gone at both sites."""
    home = tmp_path_factory.mktemp("drilled-disposed") / "home"
    CompactedLab.copy(compacted_home, home).dispose()
    return home


def opened(home: Path, copy: Path) -> CompactedLab:
    """A copy for one test, after all that was done to it."""
    lab = CompactedLab.copy(home, copy)
    lab.clock.moment += CompactedLab(home).clock.moment - lab.clock.moment
    return lab


@pytest.fixture
def lab(compacted_home: Path, tmp_path: Path) -> CompactedLab:
    return CompactedLab.copy(compacted_home, tmp_path / "home")


@pytest.fixture
def disposed(disposed_home: Path, tmp_path: Path) -> CompactedLab:
    from tests.recovery.compacted import AFTER_LOCKS

    lab = CompactedLab.copy(disposed_home, tmp_path / "home")
    lab.clock.moment += AFTER_LOCKS
    return lab


def check_passed(finished: Finished) -> None:
    assert finished.outcome.failures == ()
    assert finished.outcome.rpo_messages == 0


@pytest.mark.parametrize("scenario", SIMPLE)
def test_a_compacted_archive_passes(lab: CompactedLab, scenario: str) -> None:
    check_passed(drilled(lab, scenario))


@pytest.mark.parametrize("scenario", [name for name in SIMPLE if name != "clock-wrong"])
def test_it_passes_without_the_batches(disposed: CompactedLab, scenario: str) -> None:
    finished = drilled(disposed, scenario)
    check_passed(finished)
    if scenario != "objects-damaged":
        sampled = {parse_key(sample.object) for sample in finished.outcome.samples}
        assert any(name and name.key not in disposed.keys(family="batch") for name in sampled)
    assert finished.outcome.loss is not None
    if scenario.endswith("lost"):
        assert finished.outcome.loss.acknowledged >= 2 + len(disposed.keys(family="batch"))
