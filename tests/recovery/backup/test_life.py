"""The life of a third copy, with a real restic: saved, saved again, lost, brought back, forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.recovery.backup.conftest import program_of
from tests.recovery.backup.kit import STAGE_BYTES, Kit, equip
from tests.support.lab import Lab
from tests.support.refusing import RefusingSite, everything
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput, SiteUnavailable
from vanvault.recovery.backup.check import check_backup, forget_backups, list_backups
from vanvault.recovery.backup.restore import restore_control
from vanvault.recovery.backup.run import plan_backup, run_backup
from vanvault.recovery.backup.stage import open_stage

CONTROL = ["gateways.json", "keys/signing-1.pub.pem", "vanvault.toml"]


@pytest.mark.parametrize("name", ["installed", "newer"])
def test_both_sites_are_lost_and_come_back(
    name: str, lab: Lab, empty_repository: Path, tmp_path: Path
) -> None:
    kit = equip(lab, empty_repository, tmp_path, program_of(name))
    kit.put("log", b"a day of messages")
    before = kit.objects("standby")
    report = kit.run()
    assert report.whole
    assert report.saved.objects == len(before)
    assert report.slices_saved > 3
    assert all(sum(entry.size for entry in one.entries) <= STAGE_BYTES for one in report.record.slices)
    assert sorted(report.record.control) == CONTROL

    kit.lose_sites()
    back = kit.load("primary", "standby")
    assert back.whole
    assert back.restored.objects == len(before)
    for site in ("primary", "standby"):
        assert kit.objects(site) == before
    kit.lab.forget()
    assert kit.load("primary", "standby").restored.objects == 0


def test_the_restored_archive_verifies(kit: Kit) -> None:
    assert kit.run().whole
    kit.lose_sites()
    assert kit.load("primary", "standby").whole
    kit.lab.forget()
    assert kit.lab.verify().whole


def test_only_what_is_new_is_saved_again(kit: Kit) -> None:
    first = kit.run()
    again = kit.run()
    assert (again.saved.objects, again.slices_saved) == (0, 0)
    assert again.record.slices == first.record.slices

    version = kit.put("log", b"x" * STAGE_BYTES)
    third = kit.run()
    assert (third.saved.objects, third.saved.bytes) == (1, STAGE_BYTES)
    assert [one for one in third.record.slices if one in first.record.slices] == list(first.record.slices)
    assert third.record.slices[-1].entries[0].key == version.key

    full = kit.run(full=True)
    assert full.saved.objects == first.saved.objects + 1


def test_a_lock_that_was_extended_comes_back_extended(kit: Kit) -> None:
    version = kit.put("log", b"open transaction", years=1)
    kit.run()
    assert version.retain_until is not None
    later = version.retain_until + timedelta(days=400)
    with kit.lab.open() as archive:
        archive.sites["standby"].extend(version.key, version.version, later)
    assert kit.run().slices_saved == 0
    kit.lose_sites()
    kit.load("primary")
    assert kit.objects("primary")[version.key] == (b"open transaction", later)


def test_what_was_disposed_of_does_not_come_back(kit: Kit) -> None:
    version = kit.put("log", b"expired")
    kit.run()
    kit.lab.drop("standby", version.key)
    assert kit.run().whole
    kit.lose_sites()
    assert kit.load("primary").whole
    assert version.key not in kit.objects("primary")


def test_an_expired_lock_is_renewed_for_a_day(kit: Kit) -> None:
    version = kit.put("log", b"soon gone", years=1)
    kit.run()
    kit.lose_sites()
    kit.lab.clock.moment += timedelta(days=800)
    kit.load("primary")
    _, until = kit.objects("primary")[version.key]
    assert until is not None
    assert until > kit.lab.clock.moment


def test_the_control_plane_alone(kit: Kit, tmp_path: Path) -> None:
    kit.set("what", '"control"')
    report = kit.run()
    assert (report.record.slices, sorted(report.record.control)) == ((), CONTROL)
    target = tmp_path / "new"
    with kit.open() as (archive, repository):
        back = restore_control(repository, target, public=archive.signing.public_keys())
        assert back.proved
    assert sorted(back.files) == CONTROL
    for name in CONTROL:
        assert (target / name).read_bytes() == (kit.home / name).read_bytes()
    assert (target / "keys").stat().st_mode & 0o777 == 0o700
    assert (target / "vanvault.toml").stat().st_mode & 0o777 == 0o600
    assert sorted(entry.name for entry in target.iterdir()) == ["gateways.json", "keys", "vanvault.toml"]


def test_keys_and_escrow_only_as_set(kit: Kit) -> None:
    (kit.home / "safe").mkdir()
    (kit.home / "safe" / "bundle").write_bytes(b"sealed")
    kit.set("escrow_bundle", '"safe/bundle"')
    control = kit.run().record.control
    assert control["escrow-bundle.vve"] == b"sealed"
    assert not [name for name in control if name.endswith((".key", "signing-1.pem"))]
    kit.set("keys", "true")
    with_keys = kit.run().record.control
    assert {"keys/originals-1.key", "keys/log-1.key", "keys/index-1.key", "keys/signing-1.pem"} < set(
        with_keys
    )


def test_the_list_and_an_older_backup(kit: Kit, tmp_path: Path) -> None:
    kit.run()
    kit.put("log", b"later")
    kit.lab.clock.moment += timedelta(days=1)
    kit.run()
    with kit.open() as (_, repository):
        newest, oldest = list_backups(repository)
    assert newest.made - oldest.made >= timedelta(days=1)
    assert (newest.good, newest.objects) == (True, oldest.objects + 1)
    kit.lose_sites()
    kit.load("primary", backup=oldest.id[:10])
    assert len(kit.objects("primary")) == oldest.objects


@pytest.fixture
def old_kit(empty_repository: Path, tmp_path: Path) -> Kit:
    """A home of the year 2020: restic takes no snapshot from the future for the newest."""
    lab = Lab(tmp_path / "home")
    lab.clock.moment = datetime(2020, 1, 1, tzinfo=UTC)
    init_home(lab.home, clock=lab.clock)
    return equip(lab, empty_repository, tmp_path)


def test_forget_keeps_what_a_backup_needs(old_kit: Kit) -> None:
    kit = old_kit
    kit.put("messages", b"kept")
    version = kit.put("log", b"y" * STAGE_BYTES)
    kit.run()
    kit.lab.drop("standby", version.key)
    for _ in range(2):
        kit.lab.clock.moment += timedelta(days=40)
        kit.run()
    before = kit.objects("standby")
    with kit.open() as (archive, repository):
        calls = kit.snapshots()
        with pytest.raises(InvalidInput, match="below the floor"):
            forget_backups(archive, repository, keep_days=29)
        assert kit.snapshots() == calls
        planned = forget_backups(archive, repository, keep_days=50, dry_run=True)
        assert kit.snapshots() == calls
        done = forget_backups(archive, repository, keep_days=50)
        assert done == planned
        assert (len(done.backups), len(done.slices)) == (1, 1)
        assert len(list_backups(repository)) == 2
        assert check_backup(archive, repository, read_percent=100).whole
        assert forget_backups(archive, repository, keep_days=50).backups == ()
    kit.lose_sites()
    assert kit.load("primary").whole
    found = kit.objects("primary")  # locked by the rules of today: batches for less long than they were
    assert {key: data for key, (data, _) in found.items()} == {key: data for key, (data, _) in before.items()}


def test_forget_never_takes_the_newest(old_kit: Kit) -> None:
    kit = old_kit
    kit.put("messages", b"kept")
    kit.run()
    kit.lab.clock.moment += timedelta(days=1000)
    with kit.open() as (archive, repository):
        assert forget_backups(archive, repository, keep_days=30).backups == ()
        assert len(list_backups(repository)) == 1


def test_check_says_when_the_last_good_run_was(kit: Kit) -> None:
    with kit.open() as (archive, repository):
        found = check_backup(archive, repository, read_percent=0)
        assert (found.whole, found.last_good, found.problems) == (False, None, ("there is no good run yet",))
    kit.run()
    with kit.open() as (archive, repository):
        found = check_backup(archive, repository, read_percent=100)
        assert found.whole
        assert found.age is not None
        assert found.age < timedelta(minutes=1)
    kit.lab.clock.moment += timedelta(days=2, seconds=1)
    with kit.open() as (archive, repository):
        found = check_backup(archive, repository, read_percent=0)
        assert found.problems == ("the last good run is older than 2 days",)


def test_an_object_that_the_site_refuses_is_left_out_and_ends_no_backup(kit: Kit) -> None:
    refused = kit.lab.keys(kind="messages")[0]
    with kit.open() as (archive, repository), open_stage(kit.home / "cache" / "backup") as stage:
        for site in ("primary", "standby"):
            archive.sites[site] = RefusingSite(archive.sites[site], {refused})  # type: ignore[index]
        plan = plan_backup(archive, repository)
        report = run_backup(archive, repository, plan, stage)
    assert report.record.left_out == (refused,)
    assert (report.whole, report.exit_code) == (False, ExitCode.CHECK_FAILED)
    assert report.saved.objects == len(kit.lab.keys()) - 1
    assert kit.run().whole


def test_a_site_that_gives_nothing_ends_the_backup(kit: Kit) -> None:
    with kit.open() as (archive, repository), open_stage(kit.home / "cache" / "backup") as stage:
        site = archive.settings.backup.site
        archive.sites[site] = RefusingSite(archive.sites[site], everything)  # type: ignore[index]
        plan = plan_backup(archive, repository)
        with pytest.raises(SiteUnavailable):
            run_backup(archive, repository, plan, stage)
