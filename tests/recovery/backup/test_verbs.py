"""``vanvault backup``: exit codes, JSON, events in the archive, and no secret where others could read it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.recovery.backup.kit import PASSWORD, Kit
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.format.batches import decode_batch
from vanvault.archiver.core.model import Event
from vanvault.archiver.core.names import parse_key
from vanvault.cli.main import main


def vanvault(home: Path, *arguments: str) -> tuple[int, Any]:
    result = CliRunner().invoke(main, ["--home", str(home), "backup", *arguments, "--json"])
    assert PASSWORD not in result.output
    return result.exit_code, json.loads(result.stdout.splitlines()[-1])


def events(home: Path) -> list[str]:
    """Types of the system's own events, as the archive holds them."""
    found = []
    with Archive.open(home) as archive:
        for version in archive.sites["primary"].list("batch/"):
            name = parse_key(version.key)
            if name is not None and name.kind == "events":
                batch = decode_batch(version.key, archive.sites["primary"].get(version.key), archive.parquet)
                found += [entry.type for entry in batch.entries if isinstance(entry, Event)]
    return [type for type in found if ".backup." in type]


def test_the_verbs_from_beginning_to_end(kit: Kit, tmp_path: Path) -> None:
    home, log = kit.home, tmp_path / "arguments"
    kit.wrap(f'echo "$@" >> {log}; exec restic "$@"')
    shutil.rmtree(kit.repository_path)
    assert vanvault(home, "run")[1]["error"]["kind"] == "not-found"
    code, made = vanvault(home, "init")
    assert (code, made["made"]) == (0, True)
    assert vanvault(home, "init")[0] == 5
    assert vanvault(home, "check", "--read-data", "0")[1]["problems"] == ["there is no good run yet"]
    code, plan = vanvault(home, "run", "--dry-run")
    assert (code, plan["to_save"]) == (0, plan["total"])
    code, report = vanvault(home, "run")
    assert (code, report["whole"], report["saved"]) == (0, True, report["total"])
    code, listed = vanvault(home, "list")
    assert [one["id"].startswith(report["backup"]) for one in listed["backups"]] == [True]
    code, checked = vanvault(home, "check", "--read-data", "100")
    assert (code, checked["whole"], checked["problems"]) == (0, True, [])
    code, error = vanvault(home, "forget", "--keep-days", "1")
    assert (code, error["error"]["field"]) == (2, "keep-days")
    assert vanvault(home, "forget", "--dry-run")[1]["backups"] == []
    recorded = events(home)
    assert {"vanvault.backup.initialised", "vanvault.backup.ran", "vanvault.backup.checked"} <= set(recorded)

    target = tmp_path / "new"
    code, back = vanvault(home, "restore", "--target", str(target))
    assert (code, back["signature_proved"]) == (0, True)
    assert vanvault(home, "restore", "--target", str(target))[0] == 2
    place = ("--repository", str(kit.repository_path), "--password-file", str(tmp_path / "backup-password"))
    shutil.rmtree(target)
    code, back = vanvault(tmp_path / "no-home", "restore", "--target", str(target), *place)
    assert (code, back["signature_proved"]) == (0, False)

    kit.lose_sites()
    both = ("--objects", "primary", "--objects", "standby")
    code, plan = vanvault(home, "restore", *both, "--dry-run")
    assert (code, plan["to_load"]) == (0, report["total"])
    code, loaded = vanvault(home, "restore", *both)
    assert (code, loaded["whole"], loaded["restored"]) == (0, True, report["total"])
    assert "vanvault.backup.restored" in events(home)
    assert PASSWORD not in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("restore",), 2),
        (("restore", "--target", "x", "--objects", "primary"), 2),
        (("restore", "--objects", "elsewhere"), 4),
        (("restore", "--target", "x", "--repository", "nowhere"), 6),
        (("check", "--read-data", "101"), 2),
    ],
)
def test_wrong_arguments_have_their_exit_code(kit: Kit, arguments: tuple[str, ...], code: int) -> None:
    assert vanvault(kit.home, *arguments)[0] == code


def test_a_run_that_leaves_something_out_ends_with_3(kit: Kit) -> None:
    key = kit.lab.keys(kind="messages")[0]
    for site in ("primary", "standby"):
        kit.lab.flip(site, key)
    code, report = vanvault(kit.home, "run")
    assert (code, report["whole"], report["left_out"]) == (3, False, [key])
    code, checked = vanvault(kit.home, "check", "--read-data", "0")
    assert (code, checked["last_good"]) == (3, None)
