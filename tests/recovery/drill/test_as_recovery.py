"""Drills do what recovery does: what one site alone holds is there, and batches stand in for a log."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.recovery.drill.support import drill, drilled, failing
from tests.recovery.drill.test_segments import compacted_home
from tests.support.archives import SITES, Home, Node, message
from tests.support.compacted import CompactedLab
from tests.support.lab import Lab
from vanvault.recovery.drill.conduct import Means
from vanvault.recovery.verified import Subset

__all__ = ["compacted_home"]

#: Those that lose neither site: what the standby alone holds is not lost.
BOTH_THERE = (
    "node-lost",
    "index-lost",
    "primary-lost",
    "objects-damaged",
    "ransomware",
    "key-disclosed",
    "signing-key-stolen",
)


def six_at_the_standby(home: Home, settings: str) -> None:
    """Six messages that were acknowledged while the primary took nothing; it is there again."""
    with (home.path / "vanvault.toml").open("a") as file:
        file.write(f"[sites]\n{settings}\n")
    with Node(home.archive()) as node:
        node.wait_ready()
        home.primary.fail_next("put", times=100_000)
        for number in range(6):
            assert node.push_until_accepted(message(f"m-{number}", b"<x/>"))["degraded"]
    home.primary.fail_next("put", times=0)
    assert len(list(home.standby.list())) >= 6 + len(list(home.primary.list()))


@pytest.mark.parametrize("settings", ['policy = "any"', "fall_back = true"])
@pytest.mark.parametrize("scenario", ["node-lost", "index-lost"])
def test_what_the_standby_alone_holds_is_not_lost_with_a_node(
    home: Home, tmp_path: Path, scenario: str, settings: str
) -> None:
    six_at_the_standby(home, settings)
    finished = drill(home.archive(), scenario, tmp_path / "scratch")
    assert finished.outcome.failures == ()
    assert finished.outcome.rpo_messages == 0
    assert len(finished.outcome.samples) >= 6


def test_no_scenario_that_leaves_the_standby_signs_a_loss(home: Home, tmp_path: Path) -> None:
    six_at_the_standby(home, 'policy = "any"')
    before = {name: len(list(site.list())) for name, site in home.sites.items()}
    for scenario in BOTH_THERE:
        finished = drill(home.archive(), scenario, tmp_path / "scratch", Means(samples=3))
        assert (scenario, finished.outcome.rpo_messages) == (scenario, 0)
        assert (scenario, finished.outcome.failures) == (scenario, ())
    # What a new node put at the primary on its way went into the scratch folder.
    assert {name: len(list(site.list())) for name, site in home.sites.items()} == before


def test_with_the_only_site_that_holds_them_they_are_lost(home: Home, tmp_path: Path) -> None:
    six_at_the_standby(home, 'policy = "any"')
    finished = drill(home.archive(), "standby-lost", tmp_path / "scratch")
    assert finished.outcome.rpo_messages == 6
    assert not finished.outcome.passed


@pytest.fixture
def spoiled(compacted_home: Path, tmp_path: Path) -> CompactedLab:
    """The log of one segment rotted at both sites; its batches are still there."""
    lab = CompactedLab.copy(compacted_home, tmp_path / "home")
    for site in SITES:
        lab.flip(site, lab.part("log"))
    return lab


@pytest.mark.parametrize("forget", [False, True], ids=["indexed before", "never indexed"])
@pytest.mark.parametrize("subset", [Subset(), Subset(1, 2), Subset(2, 2)], ids=str)
def test_batches_stand_in_for_a_log_as_in_production(
    spoiled: CompactedLab, subset: Subset, forget: bool
) -> None:
    if forget:
        for folder in ("cache", "index"):
            shutil.rmtree(spoiled.home / folder)
    finished = drilled(spoiled, "node-lost", Means(subset=subset))
    assert finished.outcome.rpo_messages == 0
    assert failing(finished) == []


def test_a_log_whose_batches_are_gone_is_a_loss_and_the_drill_runs_to_its_end(
    spoiled: CompactedLab,
) -> None:
    manifest = spoiled.manifest()
    spoiled.dispose()
    finished = drilled(spoiled, "node-lost")
    assert "the rehearsal ran to its end" not in failing(finished)
    assert finished.outcome.loss is not None
    assert (finished.outcome.loss.messages, finished.outcome.loss.events) == (
        manifest.messages,
        manifest.events,
    )


def test_a_site_restored_with_a_rotted_log_serves_its_batches(spoiled: CompactedLab) -> None:
    finished = drilled(spoiled, "primary-lost")
    assert "the rehearsal ran to its end" not in failing(finished)
    assert finished.outcome.rpo_messages == 0
    assert "verify: the recovered site is whole" in failing(finished)


def test_a_stranger_at_a_site_is_set_aside_in_a_drill_as_in_production(lab: Lab) -> None:
    lab.add("standby", "encrypted/0001.locked", b"?")
    finished = drilled(lab, "node-lost")
    assert finished.outcome.failures == ()
