"""A rotation never takes an id that objects of the archive name already."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.command import json_of, run_cli
from vanvault.archiver.appliance.keys_on_record import highest_on_record


def split(home: Path, folder: Path) -> list[object]:
    """The options that open an escrow of all keys the home has now."""
    numbers = ("--threshold", 2, "--shares", 2)
    json_of(run_cli(home, "keys", "escrow", "split", *numbers, "--output", folder, "--json"))
    first, second = sorted(folder.glob("share-*.txt"))
    return ["--bundle", folder / "escrow-bundle.vve", "--share", first, "--share", second]


def rotated_and_lost(home: Path, purpose: str) -> dict[Path, bytes]:
    """Key files that were made after an escrow and are gone now, and what they held."""
    paths = [home / "keys" / f"{purpose}-{version}.key" for version in (1, 2, 3)]
    for _ in range(2):
        json_of(run_cli(home, "keys", "rotate", purpose, "--json"))
    held = {path: path.read_bytes() for path in paths}
    for path in paths:
        path.unlink()
    return dict(list(held.items())[1:])


@pytest.mark.parametrize("purpose", ["originals", "log", "index"])
def test_an_outdated_escrow_brings_no_second_key_of_a_used_id(
    home: Path, tmp_path: Path, purpose: str
) -> None:
    outdated = split(home, tmp_path / "outdated")
    lost = rotated_and_lost(home, purpose)
    json_of(run_cli(home, "keys", "escrow", "restore", *outdated, "--json"))
    made = json_of(run_cli(home, "keys", "rotate", purpose, "--json"))
    assert made["key_id"] == f"{purpose}/4"
    for path, data in lost.items():
        path.write_bytes(data)
        path.chmod(0o600)
    assert json_of(run_cli(home, "verify", "--json"))["findings"] == []


def test_without_the_keys_that_tell_which_ids_are_taken_nothing_is_rotated(
    home: Path, tmp_path: Path
) -> None:
    outdated = split(home, tmp_path / "outdated")
    rotated_and_lost(home, "log")
    shutil.rmtree(home / "cache")
    run_cli(home, "keys", "escrow", "restore", *outdated)
    assert (home / "keys" / "log-1.key").exists()
    refused = run_cli(home, "keys", "rotate", "log")
    assert refused.exit_code == 7
    assert "log/2 is missing" in refused.stderr
    assert not (home / "keys" / "log-2.key").exists()


def test_all_masters_are_rotated_by_one_command(home: Path) -> None:
    made = json_of(run_cli(home, "keys", "rotate", "all", "--json"))
    assert made == {"purpose": "all", "key_ids": ["originals/2", "log/2", "index/2", "credentials/2"]}


def test_a_rotation_is_on_record_before_the_key_is_made(home: Path) -> None:
    run_cli(home, "keys", "rotate", "originals")
    found = json_of(run_cli(home, "search", "--type", "vanvault.keys.rotated", "--json"))
    assert '"key_id":"originals/2"' in str(found)


def test_the_highest_id_on_record_counts_rotations_and_escrows_of_its_purpose() -> None:
    details = [
        '{"key_id":"log/3"}',
        '{"key_id":"originals/9"}',
        '{"keys":["log/1","log/12","0011223344556677"]}',
        "{}",
    ]
    assert highest_on_record(details, "log") == 12
    assert highest_on_record(details, "originals") == 9
    assert highest_on_record(details, "index") == 0


@pytest.mark.parametrize(("options", "written"), [((), True), (("--stolen",), False)])
def test_a_stolen_signing_key_signs_no_record_of_its_rotation(
    home: Path, options: tuple[str, ...], written: bool
) -> None:
    before = {path.name for path in (home / "sites").rglob("*.parquet*")}
    made = json_of(run_cli(home, "keys", "rotate", "signing", *options, "--json"))
    after = {path.name for path in (home / "sites").rglob("*.parquet*")}
    assert bool(after - before) is written
    keys = json_of(run_cli(home, "keys", "list", "--json"))["keys"]
    active = [one["key_id"] for one in keys if one["purpose"] == "signing" and one["active"]]
    assert active == [made["key_id"]]


def test_only_a_signing_key_is_rotated_as_stolen(home: Path) -> None:
    refused = run_cli(home, "keys", "rotate", "originals", "--stolen")
    assert refused.exit_code == 2
    assert "key-disclosed" in refused.stderr
    assert not (home / "keys" / "originals-2.key").exists()
