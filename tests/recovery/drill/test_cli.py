"""``vanvault drill``, as a shell calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from tests.recovery.drill.test_scenarios import escrow
from tests.support.clocks import TickingClock
from tests.support.command import run_cli
from tests.support.lab import Lab
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.canonical import canonical
from vanvault.cli.main import main
from vanvault.recovery.drill.record import SCHEDULED, scheduled_detail


def vanvault(lab: Lab, *arguments: object) -> tuple[int, Any]:
    """Exit code, and the last line of stdout as JSON."""
    result = run_cli(lab.home, *arguments, "--json")
    return result.exit_code, json.loads(result.stdout.splitlines()[-1])


def test_a_drill_ends_with_one_summary(lab: Lab) -> None:
    code, summary = vanvault(lab, "drill", "run", "primary-lost", "--approver", "Trần Thị B")
    assert code == 0
    assert summary["scenario"] == "primary-lost"
    assert (summary["passed"], summary["rpo_messages"], summary["failures"]) == (True, 0, [])
    assert 0 < summary["rto_seconds"] < 60
    assert summary["archived"] is True
    evidence = Path(summary["evidence"])
    assert evidence == lab.home / "drills" / summary["id"]
    assert {path.suffix for path in evidence.iterdir()} == {".json", ".html", ".pdf"}
    code, shown = vanvault(lab, "drill", "show", summary["id"], "--verify")
    assert (code, shown["verified"], shown["report"]["approver"]) == (0, True, "Trần Thị B")
    assert "primary-lost" in (evidence / "report.vi.html").read_text()
    assert lab.verify().whole


def test_a_failed_drill_has_an_exit_code_of_its_own(lab: Lab) -> None:
    code, summary = vanvault(lab, "drill", "run", "both-sites-lost")
    assert (code, summary["passed"]) == (3, False)
    assert "no third copy is configured" in summary["failures"][0]
    assert (Path(summary["evidence"]) / "report.json").is_file()


def test_keys_come_back_from_escrow(lab: Lab, tmp_path: Path) -> None:
    bundle, shares = escrow(lab, tmp_path / "escrow")
    given = ["--bundle", bundle, "--shares", shares[0]]
    assert vanvault(lab, "drill", "run", "keys-lost", *given)[0] == 3
    assert vanvault(lab, "drill", "run", "keys-lost", *given, "--shares", shares[1])[0] == 0
    code, error = vanvault(lab, "drill", "run", "keys-lost")
    assert (code, error["error"]["kind"]) == (2, "invalid-input")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", "earthquake"), 4),
        (("run", "node-lost", "--subset", "9"), 2),
        (("show", "20260101t000000z-node-lost-000000"), 4),
        (("schedule", "node-lost"), 2),
        (("schedule", "node-lost", "--every", "soon"), 2),
        (("schedule", "node-lost", "--every", "30d", "--off"), 2),
        (("schedule", "earthquake", "--every", "30d"), 4),
        (("schedule", "node-lost", "--every", "9999d"), 2),
    ],
)
def test_wrong_arguments_have_their_exit_code(lab: Lab, arguments: tuple[str, ...], code: int) -> None:
    assert vanvault(lab, "drill", *arguments)[0] == code


def test_a_plan_without_doing_anything(lab: Lab) -> None:
    code, plan = vanvault(lab, "drill", "run", "primary-lost", "--dry-run", "--subset", "1/2")
    assert (code, plan["dry_run"], plan["share"]) == (0, True, "1/2")
    assert plan["todo"]["objects"] < plan["objects"]
    assert plan["expected_ms"] is None
    assert not (lab.home / "drills").exists()


def test_a_changed_report_is_found_out(lab: Lab) -> None:
    _, summary = vanvault(lab, "drill", "run", "clock-wrong")
    path = Path(summary["evidence"]) / "report.json"
    path.write_bytes(canonical(orjson.loads(path.read_bytes()) | {"approver": "somebody"}))
    assert vanvault(lab, "drill", "show", path)[0] == 0
    code, error = vanvault(lab, "drill", "show", path, "--verify")
    assert (code, error["error"]["kind"]) == (3, "damaged")


def test_a_report_is_verified_with_nothing_but_the_public_key(lab: Lab, tmp_path: Path) -> None:
    _, summary = vanvault(lab, "drill", "run", "clock-wrong")
    key = lab.home / "keys" / "signing-1.pub.pem"
    elsewhere = run_cli(
        tmp_path / "nowhere", "drill", "show", summary["evidence"], "--verify", "--public-key", key, "--json"
    )
    assert elsewhere.exit_code == 0, elsewhere.stderr


def test_what_is_overdue_is_an_alarm(tmp_path: Path) -> None:
    old = Lab(tmp_path / "home")
    old.clock = TickingClock(days=-100)
    init_home(old.home, clock=old.clock)
    with old.open() as archive:
        for scenario, days in (("node-lost", 30), ("primary-lost", 3660)):
            archive.record(SCHEDULED, scheduled_detail(scenario, days, "operator"))
    code, listed = vanvault(old, "drill", "list")
    assert (code, listed["overdue"], listed["partial"]) == (0, ["node-lost"], False)
    due = {one["scenario"]: (one["due"] is not None, one["overdue"]) for one in listed["drills"]}
    assert due["node-lost"] == (True, True)
    assert due["primary-lost"] == (True, False)
    assert due["ransomware"] == (False, False)
    assert "the drill node-lost is overdue" in run_cli(old.home, "drill", "list").stderr
    status = run_cli(old.home, "status", "--json")
    assert json.loads(status.stdout)["drills"]["overdue"] == ["node-lost"]
    assert "the drill node-lost is overdue" in status.stderr
    assert vanvault(old, "drill", "schedule", "node-lost", "--off")[0] == 0
    assert vanvault(old, "drill", "list")[1]["overdue"] == []


def test_people_see_tables(lab: Lab) -> None:
    text = CliRunner().invoke(main, ["--home", str(lab.home), "drill", "run", "standby-lost"]).stdout
    assert "standby-lost passed" in text
    listed = CliRunner().invoke(main, ["--home", str(lab.home), "drill", "list"]).stdout
    assert "never" in listed
    assert "passed" in listed
