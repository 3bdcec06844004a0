"""No hint leads to a new archive in the place of a lost one, or to a promotion."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.command import json_of, run_cli

ROOT = Path(__file__).parents[2]
ROOMS = ("archiver", "recovery", "api", "cli")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def test_a_home_without_its_settings_is_brought_back_and_not_made_anew(home: Path) -> None:
    (home / "vanvault.toml").unlink()
    told = run_cli(home, "status")
    assert told.exit_code == 6
    assert "runbook home-lost" in told.stderr
    assert "init" not in told.stderr
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    refused = run_cli(home, "init", "--primary", "file:new-a", "--standby", "file:new-b")
    assert refused.exit_code == 6
    assert "runbook home-lost" in refused.stderr
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("left", ["keys", "gateways.json"])
def test_init_makes_no_archive_where_keys_or_gateways_of_another_are(home: Path, left: str) -> None:
    for path in home.iterdir():
        if path.name != left:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert run_cli(home, "init").exit_code == 6
    assert [path.name for path in home.iterdir()] == [left]


def test_an_attempt_that_failed_is_still_repeated(tmp_path: Path) -> None:
    """It leaves a draft of the settings beside the keys."""
    home = tmp_path / "home"
    json_of(run_cli(home, "init", "--json"))
    (home / "vanvault.toml").rename(home / "vanvault.toml.draft")
    assert run_cli(home, "init").exit_code == 0


def test_a_folder_that_never_was_a_home_may_become_one(tmp_path: Path) -> None:
    told = run_cli(tmp_path, "status").stderr
    assert "--home" in told
    assert "new archive" in told


@pytest.mark.parametrize("lost", ["keys", "keys/signing-1.pem", "keys/originals-1.key"])
def test_lost_keys_are_restored_and_not_made_anew(home: Path, lost: str) -> None:
    path = next(iter(home.glob(f"{lost}*"))) if "/" in lost else home / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    told = run_cli(home, "keys", "list").stderr + run_cli(home, "verify").stderr
    assert "escrow" in told
    assert not re.search(r"\binit\b|rotate", told)


#: ``hint=`` and the texts that follow it; then each of these texts.
_HINT, _TEXT = re.compile(r'hint\s*=\s*\(?((?:\s*f?"(?:[^"\\]|\\.)*")+)'), re.compile(r'"((?:[^"\\]|\\.)*)"')


def hints() -> list[str]:
    """What the program tells people to do, as its sources spell it."""
    texts = [path.read_text(encoding="utf-8") for path in SOURCES]
    return ["".join(_TEXT.findall(match[1])) for text in texts for match in _HINT.finditer(text)]


def test_no_hint_tells_to_begin_anew_or_to_promote() -> None:
    assert len(hints()) > 200
    for hint in hints():
        assert not re.search(r"or run init|: vanvault init|vanvault failover promote(?! --dry-run)", hint), (
            hint
        )
