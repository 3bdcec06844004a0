"""The verb: a plan that is shown, a reason, a second person, hooks, and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import home as home
from tests.support.command import COMMAND, json_of, run_cli
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import AccessDenied, Conflict, InvalidInput
from vanvault.archiver.journal import EventType, own_events
from vanvault.recovery.failover import approve, current_plan, promote
from vanvault.recovery.work import account


def settings(home: Path, text: str) -> None:
    file = home / "vanvault.toml"
    file.write_text(file.read_text() + f"\n[failover]\n{text}\n")


def lose(home: Path) -> Path:
    aside = home.parent / "aside"
    (home / "sites" / "primary").rename(aside)
    return aside


def test_status_before_and_after(home: Path) -> None:
    before = json_of(run_cli(home, "failover", "status", "--json"))
    assert (before["epoch"], before["leader"], before["alone"]) == (0, "primary", False)
    assert [site["role"] for site in before["sites"]] == ["leads", "follows"]
    lose(home)
    lost = run_cli(home, "failover", "status", "--json")
    assert lost.exit_code == ExitCode.SITE
    assert [site["reachable"] for site in json.loads(lost.stdout)["sites"]] == [False, True]
    json_of(run_cli(home, "failover", "promote", "--reason", "fire", "--yes", "--json"))
    after = json.loads(run_cli(home, "failover", "status", "--json").stdout)
    assert (after["epoch"], after["leader"], after["alone"]) == (1, "standby", True)
    assert "leads" in run_cli(home, "failover", "status").stdout


def test_nothing_happens_without_consent_or_reason(home: Path) -> None:
    plan = json_of(run_cli(home, "failover", "promote", "--dry-run", "--json"))["plan"]
    assert plan["id"] in run_cli(home, "failover", "promote", "--reason", "fire", input=b"n\n").stdout
    assert run_cli(home, "failover", "promote", "--yes").exit_code == ExitCode.USAGE
    assert run_cli(home, "failover", "promote", "--reason", "fire", "--json").exit_code == ExitCode.USAGE
    assert run_cli(home, "failover", "failback", "--reason", "x", "--yes").exit_code == ExitCode.CONFLICT
    assert json_of(run_cli(home, "failover", "status", "--json"))["epoch"] == 0


@pytest.mark.parametrize("verb", ["promote", "failback"])
def test_a_reason_is_asked_for_before_anything_is_shown_or_copied(home: Path, verb: str) -> None:
    refused = run_cli(home, "failover", verb, input=b"y\n")
    assert refused.exit_code == ExitCode.USAGE
    assert refused.stdout == ""
    assert "--reason" in refused.stderr


def test_a_site_that_is_away_cannot_lead(home: Path) -> None:
    lose(home)
    refused = run_cli(home, "failover", "promote", "--site", "primary", "--reason", "x", "--yes")
    assert refused.exit_code == ExitCode.CONFLICT
    assert "cannot lead" in refused.stderr


def test_a_second_person_must_approve(home: Path) -> None:
    settings(home, "approval = true")
    lose(home)
    command = ("failover", "promote", "--reason", "fire", "--yes", "--json")
    denied = run_cli(home, *command)
    assert denied.exit_code == ExitCode.DENIED
    assert run_cli(home, "failover", "approve", "0123456789abcdef").exit_code == ExitCode.USAGE
    plan_id = json.loads(run_cli(home, "failover", "promote", "--dry-run", "--json").stdout)["plan"]["id"]
    # The environment cannot make another person of this one.
    mine = run_cli(home, "failover", "approve", plan_id, "--json", env={"LOGNAME": "other", "USER": "other"})
    assert json_of(mine)["who"] == account()
    assert run_cli(home, "failover", "approve", plan_id).exit_code == ExitCode.CONFLICT
    assert run_cli(home, *command).exit_code == ExitCode.DENIED
    with Archive.open(home) as archive:
        archive.refresh()
        approve(archive, plan_id, who="second")
    assert json_of(run_cli(home, *command))["approved_by"] == "second"


def test_an_approval_is_of_one_step(home: Path) -> None:
    settings(home, "approval = true")
    with Archive.open(home) as archive:
        plan = current_plan(archive, action="promote")
        approve(archive, plan.id, who="second")
        with pytest.raises(AccessDenied):
            promote(archive, plan, reason="x", who="second")
        with pytest.raises(AccessDenied):
            promote(archive, current_plan(archive, action="promote", leader="primary"), reason="x", who="one")
        with pytest.raises(InvalidInput):
            promote(archive, plan, reason=" ", who="one")
        assert promote(archive, plan, reason="x", who="one").approved_by == "second"
        archive.refresh()
        again = current_plan(archive, action="promote", leader="standby")
        with pytest.raises(Conflict):
            promote(archive, again, reason="x", who="one")


@pytest.mark.parametrize(
    ("code", "summary"),
    [("pass", "exit 0"), ("raise SystemExit(4)", "exit 4"), ("import time; time.sleep(60)", "timed out")],
)
def test_the_promotion_stands_whatever_the_hook_does(home: Path, code: str, summary: str) -> None:
    settings(home, f"promote_hook = {json.dumps([sys.executable, '-c', code])}\nhook_timeout_s = 2")
    lose(home)
    result = run_cli(home, "failover", "promote", "--reason", "fire", "--yes", "--json")
    hook = json.loads(result.stdout)["hook"]
    good = summary == "exit 0"
    assert (result.exit_code, hook["ok"]) == (ExitCode.OK if good else ExitCode.CHECK_FAILED, good)
    with Archive.open(home) as archive:
        archive.refresh()
        assert (archive.lead.leadership.epoch, archive.lead.leadership.alone) == (1, True)
        assert [event.detail["result"] for event in own_events(archive.search, EventType.FAILOVER_HOOK)] == [
            summary
        ]


@pytest.mark.parametrize("verb", ["promote", "failback"])
def test_an_answer_that_comes_after_somebody_elses_steps(home: Path, verb: str) -> None:
    """The plan on the screen is out of date: the command says so, and moves no address."""
    moved = home.parent / "moved"
    quick = ("--reason", "quick", "--yes", "--json")
    if verb == "failback":
        json_of(run_cli(home, "failover", "promote", *quick))
    settings(home, f"{verb}_hook = {json.dumps(['touch', str(moved)])}")
    command = [*COMMAND, "--home", home, "failover", verb, "--reason", "slow"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0) as slow:
        assert slow.stdout is not None
        shown = b""
        while b"Go on?" not in shown and (more := slow.stdout.read(4096)):
            shown += more
        others = ("promote", "failback") if verb == "promote" else ("failback", "promote")
        for other in others:
            json_of(run_cli(home, "failover", other, *quick))
        moved.unlink()
        _, told = slow.communicate(b"y\n", timeout=60)
    assert slow.returncode == ExitCode.CONFLICT
    assert b"out of date" in told
    assert b"again" in told
    assert not moved.exists()


def test_failback_copies_verifies_and_runs_its_hook(home: Path) -> None:
    settings(home, f"failback_hook = {json.dumps([sys.executable, '-c', 'print(1)'])}")
    aside = lose(home)
    json_of(run_cli(home, "failover", "promote", "--reason", "fire", "--yes", "--json"))
    away = run_cli(home, "failover", "failback", "--reason", "x", "--yes", "--json")
    assert away.exit_code != ExitCode.OK
    aside.rename(home / "sites" / "primary")
    command = ("failover", "failback", "--reason", "back", "--subset", "1/1", "--yes", "--json")
    done = json_of(run_cli(home, *command))
    assert (done["epoch"], done["leader"], done["hook"]["output"]) == (2, "primary", "1")
    assert json_of(run_cli(home, "reconcile", "--json"))["copied"]["objects"] == 0
    assert json_of(run_cli(home, "failover", "status", "--json"))["alone"] is False
