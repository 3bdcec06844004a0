"""A key that no escrow holds is told loudly, and a new escrow brings the originals under it back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.backup.kit import write_settings
from tests.support.command import json_of, run_cli
from tests.support.lab import message
from vanvault.archiver.appliance import Archive, init_home


def commit(home: Path, number: int) -> str:
    """Acknowledge a message, as a node does; the archive's id of it."""
    with Archive.open(home) as archive:
        writer, _ = archive.open_writer()
        draft = message(archive, number)
        writer.commit([draft], final=True)
        writer.close()
    found = json_of(run_cli(home, "search", "--message-id", f"message-{number}", "--json"))
    return str(found["items"][0]["id"])


class Vault:
    """A home, its third copy, and the desk on which shares lie."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.home, self.desk, self.repository = folder / "home", folder, repository
        init_home(self.home)
        write_settings(self.home, str(repository))

    def ends(self, *arguments: object) -> tuple[int, Any]:
        done = run_cli(self.home, *arguments, "--json")
        return done.exit_code, json.loads(done.stdout.splitlines()[-1])

    def split(self, name: str) -> list[object]:
        """A new escrow of which the third copy saves the bundle; the options that open it."""
        folder = self.desk / name
        run_cli(self.home, "keys", "escrow", "split", "--threshold", 2, "--shares", 3, "--output", folder)
        shutil.copy(folder / "escrow-bundle.vve", self.home)
        return ["--bundle", folder / "escrow-bundle.vve", *self.shares(name)]

    def shares(self, name: str) -> list[object]:
        return [
            word for path in sorted((self.desk / name).glob("share-*.txt"))[:2] for word in ("--share", path)
        ]

    def verify_escrow(self, opened: list[object]) -> None:
        json_of(run_cli(self.home, "keys", "escrow", "verify", *opened, "--json"))

    def rebuilt(self, name: str, shares: str) -> Path:
        """Another home, from the third copy and these shares, as after the loss of sites and host."""
        home = self.desk / name
        place = ("--repository", self.repository, "--password-file", self.desk / "backup-password")
        json_of(run_cli(home, "backup", "restore", "--target", home, *place, "--json"))
        bundle = ("--bundle", home / "escrow-bundle.vve")
        json_of(run_cli(home, "keys", "escrow", "restore", *bundle, *self.shares(shares), "--json"))
        both = ("--objects", "primary", "--objects", "standby")
        run_cli(home, "backup", "restore", *both)
        return home


@pytest.fixture
def vault(empty_repository: Path, tmp_path: Path) -> Vault:
    shutil.copytree(empty_repository, tmp_path / "third-copy")
    return Vault(tmp_path, tmp_path / "third-copy")


def test_a_rotation_without_a_new_escrow_fails_loudly_and_a_new_one_brings_all_back(vault: Vault) -> None:
    first = commit(vault.home, 1)
    vault.verify_escrow(vault.split("old"))
    assert vault.ends("backup", "run")[0] == 0
    assert vault.ends("backup", "check")[0] == 0
    assert vault.ends("status")[0] == 0

    assert vault.ends("keys", "rotate", "originals")[0] == 0
    second = commit(vault.home, 2)
    code, ran = vault.ends("backup", "run")
    assert (code, ran["whole"]) == (3, True)
    assert "no escrow bundle holds originals/2" in ran["escrow_problems"][0]
    told_people = run_cli(vault.home, "backup", "run")
    assert told_people.exit_code == 3
    assert "warning: no escrow bundle holds originals/2" in told_people.stderr
    code, checked = vault.ends("backup", "check")
    assert (code, checked["whole"]) == (3, False)
    code, told = vault.ends("status")
    errors = [one["id"] for one in told["conditions"] if one["severity"] == "error"]
    assert (code, errors) == (3, ["escrow-stale"])
    drill = ("drill", "run", "both-sites-lost")
    given = [word if word != "--share" else "--shares" for word in vault.shares("old")]
    code, drilled = vault.ends(*drill, *given)
    assert code == 3
    assert "the escrow holds every key: originals/2" in drilled["failures"]

    lost = vault.rebuilt("lost", "old")
    assert run_cli(lost, "get", second).exit_code == 7, "what the warnings are about"

    opened = vault.split("new")
    assert vault.ends("backup", "run")[0] == 3, "nobody has opened the new bundle yet"
    vault.verify_escrow(opened)
    assert vault.ends("backup", "run")[0] == 0
    assert vault.ends("backup", "check")[0] == 0
    shutil.rmtree(vault.home)
    back = vault.rebuilt("back", "new")
    for number, entry in enumerate((first, second), start=1):
        got = run_cli(back, "get", entry)
        assert (got.exit_code, got.stdout_bytes) == (0, b"<dossier number='%d'/>" % number)


def test_an_old_bundle_in_the_third_copy_is_told_although_a_new_one_was_made(vault: Vault) -> None:
    vault.verify_escrow(vault.split("old"))
    assert vault.ends("keys", "rotate", "log")[0] == 0
    old = (vault.home / "escrow-bundle.vve").read_bytes()
    vault.verify_escrow(vault.split("new"))
    (vault.home / "escrow-bundle.vve").write_bytes(old)
    code, ran = vault.ends("backup", "run")
    assert code == 3
    assert "lacks log/2" in ran["escrow_problems"][0]
    code, checked = vault.ends("backup", "check")
    assert (code, len(checked["problems"])) == (3, 1)
    assert vault.ends("status")[0] == 0, "the keys themselves are in an escrow that opens"


def test_without_any_escrow_a_backup_warns_and_ends_well(vault: Vault) -> None:
    done = run_cli(vault.home, "backup", "run", "--json")
    assert done.exit_code == 0
    assert "no escrow bundle is saved" in done.stderr
    assert vault.ends("status")[0] == 0


def test_a_home_that_lost_its_cache_still_knows_that_its_escrow_is_stale(vault: Vault) -> None:
    vault.verify_escrow(vault.split("old"))
    assert vault.ends("keys", "rotate", "index")[0] == 0
    shutil.rmtree(vault.home / "cache")
    assert vault.ends("backup", "run")[0] == 3
