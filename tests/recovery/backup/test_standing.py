"""How the third copy stands, by what is on record."""

from __future__ import annotations

from datetime import datetime

from tests.support.command import run_cli
from tests.support.lab import Lab
from vanvault.archiver.appliance import Archive
from vanvault.recovery.backup import backup_standing


def recorded(archive: Archive, type: str, **detail: object) -> datetime:
    archive.record(type, detail)
    return archive.clock.now()


def test_without_a_repository_nothing_is_kept(lab: Lab) -> None:
    with lab.open() as archive:
        found = backup_standing(archive)
        assert (found.configured, found.last_good, found.left_out_since) == (False, None, None)


def test_runs_that_leave_objects_out_are_told_since_the_first_of_them(lab: Lab) -> None:
    with lab.open() as archive:
        recorded(archive, "backup.ran", whole=False)
        good = recorded(archive, "backup.ran", whole=True)
        found = backup_standing(archive)
        assert found.last_good is not None
        assert found.last_good <= good
        assert found.left_out_since is None
        first = recorded(archive, "backup.ran", whole=False)
        recorded(archive, "backup.ran", whole=False)
        found = backup_standing(archive)
        assert found.last_good is not None
        assert found.last_good <= good
        assert found.left_out_since is not None
        assert good < found.left_out_since <= first


def test_a_repository_is_unsound_until_a_check_finds_it_sound(lab: Lab) -> None:
    with lab.open() as archive:
        recorded(archive, "backup.checked", whole=False, sound=False)
        assert backup_standing(archive).unsound_since is not None
        recorded(archive, "backup.checked", whole=False, sound=True)  # too old, or a stale escrow
        assert backup_standing(archive).unsound_since is None


def test_a_check_of_an_older_version_counts_by_what_it_said(lab: Lab) -> None:
    with lab.open() as archive:
        recorded(archive, "backup.checked", whole=False)
        assert backup_standing(archive).unsound_since is not None
        recorded(archive, "backup.checked", whole=True)
        assert backup_standing(archive).unsound_since is None


def test_a_run_without_every_key_in_escrow_saved_all_and_is_no_good_run(lab: Lab) -> None:
    with lab.open() as archive:
        stale = ["no escrow bundle holds originals/2"]
        recorded(archive, "backup.ran", whole=True, escrow_problems=stale)
        found = backup_standing(archive)
        assert (found.last_good, found.left_out_since) == (None, None)
        assert found.last_saved is not None
        good = recorded(archive, "backup.ran", whole=True, escrow_problems=[])
        recorded(archive, "backup.ran", whole=True, escrow_problems=stale)
        found = backup_standing(archive)
        assert found.last_good is not None
        assert found.last_saved is not None
        assert found.last_good <= good < found.last_saved
        recorded(archive, "backup.ran", whole=False, escrow_problems=[])
        assert backup_standing(archive).last_saved == found.last_saved


def test_status_tells_such_a_run_as_what_it_is(lab: Lab) -> None:
    settings = lab.home / "vanvault.toml"
    settings.write_text(f'{settings.read_text()}\n[backup]\nrepository = "/nowhere"\n')
    with lab.open() as archive:
        recorded(archive, "backup.ran", whole=True, escrow_problems=["no escrow bundle holds originals/2"])
    (line,) = (line for line in run_cli(lab.home, "status").stdout.splitlines() if "third copy" in line)
    assert "no good run yet" in line
    assert "saved every object, BUT NOT EVERY KEY IN USE WAS IN ESCROW" in line
