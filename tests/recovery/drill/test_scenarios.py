"""Every scenario passes on a sound archive, and fails when what it rehearses would not work."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.recovery.drill.support import CopiedFolder, drill, drilled, failing
from tests.support.archives import Home, Node, message
from tests.support.lab import Lab
from tests.support.memory_site import MemorySite
from vanvault.archiver.core.errors import InvalidInput, NotFound
from vanvault.archiver.core.ports import Clock, SystemEntropy
from vanvault.archiver.keys import KeyFiles
from vanvault.archiver.keys.escrow import read_key_files, write_escrow
from vanvault.archiver.keys.escrow.escrow import split
from vanvault.archiver.keys.trust import Revocation
from vanvault.recovery.drill.conduct import Means
from vanvault.recovery.drill.harm import How, harm
from vanvault.recovery.drill.plan import check_room
from vanvault.recovery.drill.run import prepare, scenario_of
from vanvault.recovery.drill.scenarios import SCENARIOS
from vanvault.recovery.drill.stores import AttackedSite
from vanvault.recovery.verified import Subset

SIMPLE = (
    "node-lost",
    "primary-lost",
    "standby-lost",
    "objects-damaged",
    "index-lost",
    "ransomware",
    "clock-wrong",
    "key-disclosed",
    "signing-key-stolen",
)


def escrow(lab: Lab, folder: Path) -> tuple[Path, list[Path]]:
    """A bundle and its 3 subsets, of which 2 open it."""
    folder.mkdir(mode=0o700)
    files = read_key_files(lab.home / "keys")
    with lab.open() as archive:
        made = split(
            files, archive=archive.settings.archive, threshold=2, shares=3,
            clock=archive.clock, entropy=SystemEntropy(),
        )  # fmt: skip
    write_escrow(folder, made)
    return folder / "escrow-bundle.vve", sorted(folder.glob("share-*.txt"))


@pytest.mark.parametrize("scenario", SIMPLE)
def test_a_sound_archive_passes(lab: Lab, scenario: str) -> None:
    finished = drilled(lab, scenario)
    assert finished.outcome.failures == ()
    assert finished.outcome.passed
    assert finished.outcome.rpo_messages == 0
    assert finished.outcome.rto_s > 0
    assert bool(finished.outcome.alarms_expected) == SCENARIOS[scenario].negative
    if scenario != "clock-wrong" and scenario != "objects-damaged":
        assert len(finished.outcome.samples) > 12


@pytest.mark.parametrize("scenario", ["primary-lost", "node-lost", "objects-damaged", "ransomware"])
def test_the_shares_of_a_drill_cover_everything(lab: Lab, scenario: str) -> None:
    every = drilled(lab, scenario).plan.total
    recovered = 0
    for number in (1, 2):
        finished = drilled(lab, scenario, Means(subset=Subset(number, 2)))
        assert finished.outcome.failures == ()
        assert 0 < finished.plan.todo.objects < every.objects
        assert finished.outcome.rto_whole_s > finished.outcome.rto_s
        recovered += finished.plan.todo.objects
    assert recovered == every.objects


def test_the_same_seed_takes_the_same_samples(lab: Lab) -> None:
    one, same, other = (
        {sample.id for sample in drilled(lab, "node-lost", Means(samples=6, seed=seed)).outcome.samples}
        for seed in ("a", "a", "b")
    )
    assert one == same
    assert one != other


@pytest.mark.parametrize("how", ["flip", "drop"])
def test_a_survivor_that_lacks_a_batch_is_data_lost(lab: Lab, how: str) -> None:
    """Acknowledged at both sites; but what is left after the loss of one does not have it."""
    key = lab.keys(kind="messages")[0]
    with lab.open() as archive:
        archive.catch_up()
    lab.flip("standby", key) if how == "flip" else lab.drop("standby", key)
    finished = drilled(lab, "primary-lost")
    assert not finished.outcome.passed
    assert finished.outcome.loss is not None
    assert (finished.outcome.loss.messages, finished.outcome.loss.events) == (3, 0)


def test_a_large_object_that_is_gone_is_a_message_lost(lab: Lab) -> None:
    with lab.open() as archive:
        archive.catch_up()
    lab.drop("primary", lab.keys(family="large")[1])
    finished = drilled(lab, "standby-lost")
    assert not finished.outcome.passed
    assert finished.outcome.rpo_messages == 1


def test_harm_that_nobody_notices_fails_the_drill(lab: Lab) -> None:
    """The detector is given sound files where damage was to be: no alarm comes, and that is the failure."""

    def leave_two_alone(how: How, file: Path, other: Path) -> None:
        if how != "truncated":
            harm(how, file, other)

    finished = drilled(lab, "objects-damaged", Means(harm=leave_two_alone))
    assert not finished.outcome.passed
    assert len(finished.outcome.alarms_missing) == 4
    assert all(alarm.startswith("damaged ") for alarm in finished.outcome.alarms_missing)


def test_damage_in_production_itself_fails_the_drill_and_is_not_mended_by_it(lab: Lab) -> None:
    key = lab.keys(kind="messages")[2]
    lab.flip("primary", key)
    before = lab.data("primary", key)
    finished = drilled(lab, "objects-damaged")
    assert "the good site is whole" in failing(finished)
    assert lab.data("primary", key) == before
    assert len(lab.files("primary", key)) == 1


class Forgetful(MemorySite):
    """A store whose lock is only a date: whoever asks may delete."""

    def delete(self, key: str, version: str) -> None:
        self._held[key] = [held for held in self._held[key] if held.facts.version != version]


def forgetful(folder: Path, site: str, archive: str, clock: Clock) -> AttackedSite:
    return Forgetful(site, clock=clock)


def test_a_store_that_gives_way_fails_the_ransomware_drill(lab: Lab) -> None:
    finished = drilled(lab, "ransomware", Means(store=forgetful))
    assert not finished.outcome.passed
    assert {alarm.split(":")[0] for alarm in finished.outcome.alarms_missing} == {"delete refused"}
    assert len(finished.outcome.alarms_missing) == 12


def test_a_store_that_failed_its_probe_fails_the_ransomware_drill(lab: Lab) -> None:
    assert drilled(lab, "ransomware", Means(probes={"primary": "weak"})).outcome.passed
    for verdict in ("refused", ""):
        assert failing(drilled(lab, "ransomware", Means(probes={"primary": verdict})))


def test_a_revocation_that_lets_all_stand_fails_the_drill(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Revocation, "stands", lambda revocation, key: True)
    finished = drilled(lab, "signing-key-stolen")
    assert "nothing forged is believed" in failing(finished)
    assert finished.outcome.alarms_missing


@pytest.mark.parametrize("scenario", ["key-disclosed", "signing-key-stolen"])
def test_a_part_of_the_objects_is_enough_to_rehearse_trust(lab: Lab, scenario: str) -> None:
    finished = drilled(lab, scenario, Means(subset=Subset(1, 2)))
    assert finished.outcome.failures == ()


def test_clocks_that_are_not_wrong_raise_no_alarm_and_that_fails(lab: Lab) -> None:
    finished = drilled(lab, "clock-wrong", Means(wrong_by=timedelta(seconds=20)))
    assert not finished.outcome.passed
    assert len(finished.outcome.alarms_missing) == 7


class Late:
    """Production's clock, set back behind what it archived."""

    def now(self) -> datetime:
        return datetime.fromisoformat("2026-11-01T00:00:00+00:00")


def test_a_wrong_clock_of_production_fails_the_clock_drill(lab: Lab) -> None:
    lab.clock = Late()  # type: ignore[assignment]
    assert "the clocks of production agree" in failing(drilled(lab, "clock-wrong"))


def test_keys_come_back_from_any_two_shares(lab: Lab, tmp_path: Path) -> None:
    bundle, shares = escrow(lab, tmp_path / "escrow")
    for chosen in ((shares[0], shares[1]), (shares[2], shares[0])):
        finished = drilled(lab, "keys-lost", Means(bundle=bundle, key_shares=chosen))
        assert finished.outcome.failures == ()
        assert len(finished.outcome.samples) > 12


def test_too_few_or_foreign_shares_fail_with_the_reason(lab: Lab, tmp_path: Path) -> None:
    bundle, shares = escrow(lab, tmp_path / "escrow")
    _, foreign = escrow(lab, tmp_path / "other")
    for chosen, reason in (((shares[0],), "Too few shares"), (tuple(foreign[:2]), "The bundle is of set")):
        finished = drilled(lab, "keys-lost", Means(bundle=bundle, key_shares=chosen))
        assert not finished.outcome.passed
        assert finished.outcome.rpo_messages is None
        (said,) = [check.detail for check in finished.outcome.checks if not check.passed]
        assert said.startswith(reason)


def test_an_escrow_from_before_a_rotation_lacks_a_key(lab: Lab, tmp_path: Path) -> None:
    bundle, shares = escrow(lab, tmp_path / "escrow")
    KeyFiles(lab.home / "keys", SystemEntropy()).rotate("log")
    finished = drilled(lab, "keys-lost", Means(bundle=bundle, key_shares=tuple(shares)))
    assert failing(finished) == ["the escrow holds every key"]


def test_without_an_escrow_the_keys_drill_does_not_start(lab: Lab) -> None:
    with pytest.raises(InvalidInput, match="none was given"):
        drilled(lab, "keys-lost")


def test_both_sites_come_back_from_the_third_copy(lab: Lab) -> None:
    finished = drilled(lab, "both-sites-lost", Means(third_copy=CopiedFolder.of(lab)))
    assert finished.outcome.failures == ()
    assert len(finished.outcome.samples) > 12


def test_without_a_third_copy_the_drill_fails(lab: Lab) -> None:
    finished = drilled(lab, "both-sites-lost")
    assert failing(finished) == ["the third copy is there"]
    assert "no third copy is configured" in finished.outcome.failures[0]


def test_a_third_copy_that_lags_loses_messages(lab: Lab) -> None:
    third = CopiedFolder.of(lab)
    third.lost = {lab.keys(kind="messages")[-1]}
    finished = drilled(lab, "both-sites-lost", Means(third_copy=third))
    assert not finished.outcome.passed
    assert finished.outcome.rpo_messages == 1


def test_a_third_copy_without_keys_needs_the_escrow(lab: Lab, tmp_path: Path) -> None:
    third = CopiedFolder.of(lab)
    third.control = {name: data for name, data in third.control.items() if not name.startswith("keys/")}
    assert failing(drilled(lab, "both-sites-lost", Means(third_copy=third))) == ["the keys can be had"]
    bundle, shares = escrow(lab, tmp_path / "escrow")
    means = Means(third_copy=third, bundle=bundle, key_shares=tuple(shares[:2]))
    assert drilled(lab, "both-sites-lost", means).outcome.passed


def test_a_site_that_goes_away_during_the_drill_fails_it(lab: Lab) -> None:
    def break_standby(how: How, file: Path, other: Path) -> None:
        shutil.rmtree(file, ignore_errors=True)
        raise OSError(5, "Input/output error")

    finished = drilled(lab, "objects-damaged", Means(harm=break_standby))
    assert failing(finished) == ["the rehearsal ran to its end"]
    assert "Input/output error" in finished.outcome.failures[0]


def test_a_scratch_folder_that_is_too_small_is_refused(lab: Lab) -> None:
    with lab.open() as archive, archive.reader() as production:
        plan = prepare(production, scenario_of("primary-lost"), Means(), bytes_per_s=1000.0)
    assert plan.expected_s == plan.total.bytes / 1000
    check_room(plan, plan.scratch_bytes)
    with pytest.raises(InvalidInput, match="scratch folder has 5"):
        check_room(plan, 5)


def test_an_unknown_scenario() -> None:
    with pytest.raises(NotFound, match="fire"):
        scenario_of("fire")


@pytest.mark.parametrize("scenario", ["node-lost", "index-lost", "standby-lost"])
def test_what_one_site_alone_acknowledged_is_no_loss(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: str
) -> None:
    """Under ``any``, six messages lie at the standby alone: a rebuilt node knows them as production does."""
    monkeypatch.setenv("VANVAULT_SITES__POLICY", "any")
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        for number in range(12):
            node.push(message(f"both-{number}", b"<dossier>%d</dossier>" % number))
        home.primary.fail_next("put", times=10_000)
        for number in range(6):
            assert node.push(message(f"standby-{number}", b"<late>%d</late>" % number))["degraded"]
    home.primary.fail_next("put", times=0)
    finished = drill(archive, scenario, tmp_path / "scratch")
    lost = 6 if scenario == "standby-lost" else 0  # rebuilt from the primary, it lacks what only it held
    assert (finished.outcome.rpo_messages, finished.outcome.passed) == (lost, not lost)
