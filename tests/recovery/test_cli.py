"""The verbs: exit codes, and JSON that ends with one object."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.lab import Lab
from vanvault.cli.main import main


def vanvault(lab: Lab, *arguments: str) -> tuple[int, Any]:
    result = CliRunner().invoke(main, ["--home", str(lab.home), *arguments])
    lines = result.stdout.splitlines()
    return result.exit_code, json.loads(lines[-1]) if "--json" in arguments else result.stdout


def test_verify_of_a_whole_archive(lab: Lab) -> None:
    code, summary = vanvault(lab, "verify", "--json")
    assert code == 0
    assert summary["whole"] is True
    assert summary["findings"] == []
    assert (summary["messages"], summary["events"]) == (30, 14)
    assert summary["bytes"] == sum(site["bytes"] for site in summary["sites"].values())
    code, text = vanvault(lab, "verify")
    assert code == 0
    assert "whole: " in text


def test_verify_repair_verify(lab: Lab) -> None:
    key = lab.keys(kind="events")[2]
    lab.flip("standby", key)
    code, summary = vanvault(lab, "verify", "--json")
    assert code == 3
    (finding,) = summary["findings"]
    assert finding["failing"] is True
    assert (finding["problem"], finding["site"], finding["key"]) == ("damaged", "standby", key)
    assert "damaged" in vanvault(lab, "verify")[1]
    code, plan = vanvault(lab, "repair", "--dry-run", "--json")
    assert (code, len(plan["actions"])) == (0, 1)
    assert vanvault(lab, "verify", "--json")[0] == 3
    code, report = vanvault(lab, "repair", "--json")
    assert (code, report["whole"], len(report["repaired"])) == (0, True, 1)
    assert vanvault(lab, "verify", "--site", "standby", "--subset", "1/1", "--json")[0] == 0
    assert "repaired 0" in vanvault(lab, "repair")[1]


def test_a_verify_that_finds_only_strangers_files_does_not_send_the_operator_to_repair(lab: Lab) -> None:
    stranger = lab.root("standby") / "archive" / "notes.txt"
    stranger.parent.mkdir(parents=True, exist_ok=True)
    stranger.write_text("not ours")
    code, text = vanvault(lab, "verify")
    assert code == 3
    assert "(extra)" not in text
    assert "extra" in text
    assert "no repair removes it" in text
    assert "vanvault repair copies" not in text
    lab.flip("standby", lab.keys(kind="events")[2])
    text = vanvault(lab, "verify")[1]
    assert "vanvault repair copies" in text


def test_a_missing_key_has_its_own_exit_code(lab: Lab) -> None:
    (lab.home / "keys" / "originals-1.key").unlink()
    code, summary = vanvault(lab, "verify", "--json")
    assert code == 7
    assert [finding["problem"] for finding in summary["findings"]] == ["key"]


def test_restore_brings_a_lost_site_back(lab: Lab) -> None:
    objects = len(lab.keys())
    shutil.rmtree(lab.root("primary"))
    assert vanvault(lab, "verify", "--json")[0] == 3
    code, plan = vanvault(lab, "restore", "--from", "standby", "--dry-run", "--json")
    assert (code, plan["to_copy"]["objects"]) == (0, objects)
    code, report = vanvault(lab, "restore", "--from", "standby", "--json")
    assert (code, report["whole"], report["copied"]["objects"]) == (0, True, objects)
    assert report["verification"]["whole"] is True
    code, text = vanvault(lab, "restore", "--from", "standby", "--no-verify")
    assert code == 0
    assert "0 objects copied" in text


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("verify", "--subset", "5"), 2),
        (("verify", "--site", "nowhere"), 4),
        (("restore",), 2),
        (("restore", "--from", "nowhere"), 4),
    ],
)
def test_wrong_arguments_have_their_exit_code(lab: Lab, arguments: tuple[str, ...], code: int) -> None:
    assert vanvault(lab, *arguments)[0] == code


def test_restore_from_a_lost_site_is_refused(lab: Lab) -> None:
    shutil.rmtree(lab.root("primary"))
    code, error = vanvault(lab, "restore", "--from", "primary", "--json")
    assert code == 10
    assert error["error"]["kind"] == "site-unavailable"
