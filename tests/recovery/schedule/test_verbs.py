"""The words of a job become a task, or a settings error; a step runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recovery.schedule.conftest import Node
from tests.support.command import run_cli
from vanvault.archiver.core.errors import InvalidInput
from vanvault.recovery.schedule.program import step_process
from vanvault.recovery.schedule.table import TABLE
from vanvault.recovery.schedule.verbs import task_of


@pytest.mark.parametrize("command", [command for job in TABLE for command in job.commands])
def test_every_job_of_the_table_is_a_function(command: tuple[str, ...]) -> None:
    assert task_of(command) is not None


@pytest.mark.parametrize(
    "words",
    [
        "verify --share 3/30 --site primary --no-record --workers 8",
        "verify --subset 3/30",
        "backup run --full --json",
        "backup check --read-data 12.5",
        "backup forget --keep-days 400 --dry-run",
        "compact --until 2026-11-01T00:00:00Z",
        "drill run node-lost --samples 3 --approver somebody --subset 1/2",
        "index rebuild --discard --workers 2",
        "probe standby",
        "repair --dry-run",
        "availability report --year 2026 --month 11",
        "availability --year 2026",
    ],
)
def test_options_are_taken_as_on_the_command_line(words: str) -> None:
    assert task_of(words.split()) is not None


@pytest.mark.parametrize(
    "words",
    [
        "verify --nxt",
        "verify --next --site primary",
        "verify --subset 31/30",
        "verify --workers 0",
        "verify --workers many",
        "backup check --read-data 101",
        "compact --until yesterday",
        "compact --keep-only --dry-run",
        "drill run",
        "forecast --years 3",
    ],
)
def test_wrong_options_are_refused(words: str) -> None:
    with pytest.raises(InvalidInput):
        task_of(words.split())


@pytest.mark.parametrize("words", ["push file", "get 1", "keys list", "backup list", "reconcile resolve 1"])
def test_what_is_no_function_of_recovery_has_no_task(words: str) -> None:
    assert task_of(words.split()) is None


def child(home: Path, job: str, step: int) -> tuple[int, dict[str, object]]:
    """Exit code and last line of the process of one step."""
    command = [sys.executable, "-m", "vanvault.recovery.schedule.child", "--home", str(home), job, str(step)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return done.returncode, told


def test_a_step_ends_with_its_report_and_exit_code(home: Path) -> None:
    code, told = child(home, "verify", 0)
    assert (code, told["whole"], told["share"]) == (0, True, "1/30")
    (detail,) = Node(home).events("verify.finished")
    assert detail["whole"] is True


def test_a_step_that_fails_tells_the_error_as_json(home: Path) -> None:
    code, told = child(home, "no-such", 0)
    assert code == 2
    assert isinstance(told["error"], dict)
    assert told["error"]["kind"] == "invalid-input"
    assert child(home, "verify", 7)[0] == 6


def test_only_what_is_no_function_starts_the_command_line(home: Path) -> None:
    for job in TABLE:
        for step in range(len(job.commands)):
            assert "vanvault.cli" not in step_process(home, job, step, as_json=True)


@pytest.mark.parametrize("setting", ['every = "999999d"', 'deadline = "999999d"'])
def test_wrong_settings_of_one_job_are_named_and_stop_neither_others_nor_status(
    home: Path, setting: str
) -> None:
    own = '[schedule.jobs.own]\nevery = "1d"\ncommands = [["keys", "list"]]\n'
    Node(home, f"[schedule.jobs.verify]\n{setting}\n{own}")
    name = f"schedule.jobs.verify.{setting.split()[0]}"
    listed = run_cli(home, "schedule", "list", "--json")
    assert listed.exit_code == 6
    found = json.loads(listed.stdout)
    assert [text.startswith(f"{name} is 999999d, and may be 1s to ") for text in found["wrong"]] == [True]
    assert {job["name"] for job in found["jobs"] if job["on"]} >= {"own", "index", "drill"}
    shown = run_cli(home, "status", "--json")
    assert shown.exit_code == 6
    assert json.loads(shown.stdout)["schedule"]["wrong"] == found["wrong"]
    assert name in shown.stderr
    assert name in run_cli(home, "schedule", "run", "verify").stderr
    assert run_cli(home, "schedule", "run", "verify").exit_code == 6
    assert run_cli(home, "schedule", "run", "own").exit_code == 0
