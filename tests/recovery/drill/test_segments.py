"""Each scenario on a compacted archive, before and after the batches that segments hold were disposed of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recovery.backup.conftest import empty_repository
from tests.recovery.backup.kit import equip
from tests.recovery.drill.support import CopiedFolder, drill, drilled, failing
from tests.recovery.drill.test_scenarios import SIMPLE, escrow
from tests.support.compacted import AFTER_LOCKS, CompactedLab, build_compacted
from vanvault.archiver.catalogue.key_index import KeyIndex
from vanvault.archiver.core.names import parse_key
from vanvault.recovery.drill.conduct import Means
from vanvault.recovery.drill.readers import in_subset
from vanvault.recovery.drill.restic_copy import restic_copy
from vanvault.recovery.drill.run import FinishedDrill
from vanvault.recovery.verified import Subset

__all__ = ["empty_repository"]


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


@pytest.fixture
def lab(compacted_home: Path, tmp_path: Path) -> CompactedLab:
    return CompactedLab.copy(compacted_home, tmp_path / "home")


@pytest.fixture
def disposed(disposed_home: Path, tmp_path: Path) -> CompactedLab:
    lab = CompactedLab.copy(disposed_home, tmp_path / "home")
    lab.clock.moment += AFTER_LOCKS
    return lab


def check_passed(finished: FinishedDrill) -> None:
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


def test_keys_from_escrow_open_segments(disposed: CompactedLab, tmp_path: Path) -> None:
    bundle, shares = escrow(disposed, tmp_path / "escrow")
    check_passed(drilled(disposed, "keys-lost", Means(bundle=bundle, key_shares=tuple(shares[:2]))))


def test_segments_come_back_from_restic(
    disposed: CompactedLab, empty_repository: Path, tmp_path: Path
) -> None:
    kit = equip(disposed, empty_repository, tmp_path)
    kit.set("keys", "true")
    kit.run()
    with disposed.open() as archive:
        means = Means(third_copy=restic_copy(archive))
        check_passed(drill(archive, "both-sites-lost", tmp_path / "scratch", means))


def test_a_copy_from_before_the_compaction_serves_the_same_entries(lab: CompactedLab) -> None:
    """It holds the batches and no segment; production serves the same rows from segments."""
    third = CopiedFolder.of(lab)
    third.lost = {key for key in third.objects if key.startswith("segment/")}
    check_passed(drilled(lab, "both-sites-lost", Means(third_copy=third)))


@pytest.mark.parametrize("scenario", ["primary-lost", "objects-damaged", "node-lost", "ransomware"])
def test_shares_cover_segments(disposed: CompactedLab, scenario: str) -> None:
    every = drilled(disposed, scenario).plan.total
    recovered = 0
    for number in (1, 2):
        finished = drilled(disposed, scenario, Means(subset=Subset(number, 2)))
        failures = [one for one in finished.outcome.failures if "enough objects" not in one]
        assert failures == []
        recovered += finished.plan.todo.objects
    assert recovered == every.objects


def test_the_objects_of_a_segment_are_in_one_share(lab: CompactedLab) -> None:
    for segment in lab.segments():
        keys = [key for key in lab.keys(family="segment") if segment in key]
        assert len(keys) == 4
        held = [{key for key in keys if in_subset(key, Subset(number, 7))} for number in range(1, 8)]
        assert sorted(map(len, held)) == [0] * 6 + [4]


@pytest.mark.parametrize(("kind", "events_too"), [("originals", False), ("log", True), ("manifest", True)])
def test_a_survivor_that_lacks_a_part_has_lost_its_rows(
    disposed: CompactedLab, kind: str, events_too: bool
) -> None:
    manifest = disposed.manifest(1)
    with disposed.open() as archive:
        archive.catch_up()
    disposed.drop("standby", disposed.part(kind, 1))
    finished = drilled(disposed, "primary-lost")
    assert not finished.outcome.passed
    assert finished.outcome.loss is not None
    inline = 2  # of the messages; the other one is a large object, which is still there, but for its row
    assert finished.outcome.loss.messages == (manifest.messages if events_too else inline)
    assert finished.outcome.loss.events == (manifest.events if events_too else 0)


def test_a_part_that_is_lost_is_no_loss_while_the_batches_are_there(lab: CompactedLab) -> None:
    with lab.open() as archive:
        archive.catch_up()
    lab.drop("standby", lab.part("originals", 1))
    finished = drilled(lab, "primary-lost")
    assert finished.outcome.rpo_messages == 0
    assert not finished.outcome.passed  # the site itself is not whole, and that is said


def test_parts_of_segments_are_harmed(disposed: CompactedLab) -> None:
    alarms = drilled(disposed, "objects-damaged").outcome.alarms_expected
    assert any(alarm.split()[1].startswith("segment/") for alarm in alarms)


def test_an_index_that_was_not_lost_fails_the_drill(
    disposed: CompactedLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drill would prove nothing if the old index still answered."""
    monkeypatch.setattr(KeyIndex, "discard", lambda index: None)
    finished = drilled(disposed, "index-lost")
    assert "without the key index nothing is found in segments" in failing(finished)
