"""Real runs: processes of the program itself, locks, leases, records, deadlines and signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.recovery.schedule.conftest import Node, lives, verb_of
from tests.support.clocks import ManualClock
from tests.support.command import run_cli
from tests.support.waiting import wait_for
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Busy, Conflict
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.journal import EventType
from vanvault.recovery.schedule.lease import GRACE, home_lock, node_id, take_lease
from vanvault.recovery.schedule.model import Job
from vanvault.recovery.schedule.planner import blocking
from vanvault.recovery.schedule.record import RAN, STARTED, read_history
from vanvault.recovery.schedule.run import run_asked, run_job

TINY = """
[schedule.jobs.quick]
every = "1s"
commands = [["gateway", "list"], ["keys", "list"]]

[schedule.jobs.wrong]
every = "1d"
commands = [["get", "0123456789abcdef-0-0"], ["keys", "list"]]
"""


def last_line(text: str) -> Any:
    return json.loads(text.splitlines()[-1])


def listed(home: Path) -> dict[str, Any]:
    result = run_cli(home, "schedule", "list", "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found | {"jobs": {job["name"]: job for job in found["jobs"]}}


def test_a_run_is_on_record_and_its_exit_code_is_passed_on(home: Path) -> None:
    node = Node(home, TINY)
    run = node.start("schedule", "run", "quick")
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == 3, "one line of each verb, then the summary"
    assert (lines[-1]["result"], lines[-1]["exit_code"], lines[-1]["recorded"]) == ("ok", 0, True)

    run = node.start("schedule", "run", "wrong")
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 4
    assert (last_line(out)["result"], last_line(out)["exit_code"]) == ("failed", 4)
    assert "originals" in out, "a verb that fails stops no other"

    (failed,) = node.events("schedule.failed")
    (ran,) = node.events("schedule.ran")
    assert (failed["job"], failed["exit_code"], ran["job"]) == ("wrong", 4, "quick")
    found = listed(home)
    assert (found["failing"], found["overdue"], found["partial"]) == (["wrong"], [], False)
    assert found["jobs"]["quick"]["last"]["result"] == "ok"
    assert found["jobs"]["quick"]["running"] is None
    status = run_cli(home, "status", "--json")
    assert json.loads(status.stdout)["schedule"]["failing"] == ["wrong"]
    assert "the job wrong ended with 4" in status.stderr


def test_only_if_due(home: Path) -> None:
    Node(home, '\n[schedule.jobs.rare]\nevery = "300d"\ncommands = [["keys", "list"]]\n')
    done = run_cli(home, "schedule", "run", "rare", "--if-due", "--json")
    assert (done.exit_code, last_line(done.stdout)) == (0, {"job": "rare", "ran": False})
    assert listed(home)["jobs"]["rare"]["last"] is None


@pytest.mark.parametrize("arguments", [("no-such",), ("probe",), ("backup-check", "--if-due")])
def test_what_is_no_job_or_has_nothing_to_run(home: Path, arguments: tuple[str, ...]) -> None:
    done = run_cli(home, "schedule", "run", *arguments, "--json")
    assert done.exit_code in (2, 6) or (done.exit_code, last_line(done.stdout)["ran"]) == (0, False)


def locked(home: Path, job: str) -> bool:
    """Does any process hold the job's lock? A killed one gives it back some time after the kill."""
    try:
        with home_lock(home, job):
            return False
    except Busy:
        return True


def test_a_second_run_of_the_home_is_refused_even_when_the_first_was_killed(
    home: Path, long_job: str, processes: list[subprocess.Popen[str]]
) -> None:
    node = Node(home, long_job)
    run = node.start("schedule", "run", "long")
    processes.append(run)
    verb = verb_of(run)
    assert listed(home)["jobs"]["long"]["running"] is not None
    second = run_cli(home, "schedule", "run", "long", "--json")
    assert (second.exit_code, last_line(second.stdout)["error"]["kind"]) == (8, "busy")
    run.kill()
    run.wait()
    assert lives(verb), "the verb goes on"
    assert run_cli(home, "schedule", "run", "long", "--json").exit_code == 8, "and holds the lock"
    os.killpg(verb, signal.SIGKILL)
    wait_for(lambda: not lives(verb) and not locked(home, "long"), "the verb ends, and its lock with it")
    with home_lock(home, "long"), Archive.open(home) as archive:
        archive.catch_up()
        job = Job("long", (("keys", "list"),), timedelta(days=1))
        assert take_lease(archive, job).job == "long", "what this home left does not block it"


def test_sigterm_ends_the_verb_and_the_run_is_due_again(
    home: Path, long_job: str, processes: list[subprocess.Popen[str]]
) -> None:
    node = Node(home, long_job)
    run = node.start("schedule", "run", "long")
    processes.append(run)
    verb = verb_of(run)
    run.send_signal(signal.SIGTERM)
    out, err = run.communicate(timeout=40)
    assert run.returncode == 130, err
    assert last_line(out)["result"] == "stopped"
    assert not lives(verb)
    assert listed(home)["failing"] == []
    wait_for(lambda: listed(home)["jobs"]["long"]["due"], "the next second, which it is due in")


@pytest.fixture
def sigterm_fails_the_test() -> Iterator[None]:
    """What would end a process of its own fails the test instead."""

    def fail(number: int, frame: FrameType | None) -> None:
        pytest.fail("nobody waited for this signal")

    before = signal.signal(signal.SIGTERM, fail)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("sigterm_fails_the_test")
@pytest.mark.parametrize("moment", [STARTED, RAN], ids=["lease-on-record", "end-on-record"])
def test_a_signal_at_any_moment_after_the_lease_leaves_no_lease_without_an_end(
    home: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    record = Archive.record

    def recorded_and_signalled(archive: Archive, kind: str, detail: dict[str, object]) -> object:
        done = record(archive, kind, detail)
        if kind == moment:
            os.kill(os.getpid(), signal.SIGTERM)
        return done

    monkeypatch.setattr(Archive, "record", recorded_and_signalled)
    job = Job("quick", (("keys", "list"),), timedelta(days=1))
    finished = run_job(lambda: Archive.open(home), home, job, as_json=True)
    assert finished is not None
    assert finished.recorded
    (ran,) = Node(home).events(RAN)
    assert ran["result"] == finished.run.result == ("stopped" if moment == STARTED else "ok")


def test_a_run_that_takes_too_long_is_ended_and_an_alarm(home: Path, long_job: str) -> None:
    node = Node(home, long_job.replace('deadline = "2m"', 'deadline = "2s"'))
    run = node.start("schedule", "run", "long")
    out, _ = run.communicate(timeout=40)
    assert (run.returncode, last_line(out)["result"]) == (130, "overran")
    assert [event["result"] for event in node.events("schedule.failed")] == ["overran"]
    assert listed(home)["failing"] == ["long"]


def test_what_a_person_asked_for_runs_once(home: Path) -> None:
    with Archive.open(home) as archive:
        archive.record(
            EventType.JOB_ASKED, {"asked": "a1", "verb": "verify", "subset": "1/1000", "who": "vinh"}
        )
    assert run_asked(home, "a1").recorded
    with pytest.raises(Conflict, match="has run"):
        run_asked(home, "a1")
    (ran,) = Node(home).events(RAN)
    assert ran["asked"] == "a1"


def other_host(home: Path, folder: Path) -> Path:
    """The same archive as another host has it: same settings, keys and sites, a home of its own."""
    folder.mkdir(mode=0o700)
    shutil.copytree(home / "keys", folder / "keys")
    for name in ("vanvault.toml", "gateways.json"):
        shutil.copy(home / name, folder / name)
    text = (folder / "vanvault.toml").read_text()
    (folder / "vanvault.toml").write_text(text.replace('"file:sites/', f'"file:{home}/sites/'))
    return folder


def test_another_host_waits_until_the_run_is_over_or_its_lease_ends(home: Path, tmp_path: Path) -> None:
    second = other_host(home, tmp_path / "second")
    job = Job("verify", (("verify",),), timedelta(days=1), deadline=timedelta(minutes=30))
    with Archive.open(home) as one, Archive.open(second) as two:
        lease = take_lease(one, job)
        two.catch_up()
        with pytest.raises(Busy, match="is running on"):
            take_lease(two, job)
    assert node_id(home, one.entropy) != node_id(second, two.entropy)
    assert run_cli(second, "schedule", "run", "verify", "--json").exit_code == 8
    found = listed(second)["jobs"]["verify"]["running"]
    assert found["host"] == lease.host
    assert run_cli(home, "schedule", "run", "verify", "--json").exit_code == 0, "its own home knows better"
    # The lease that was never ended still stands for the other host, until its time.
    assert run_cli(second, "schedule", "run", "verify", "--json").exit_code == 8
    later = ManualClock(lease.until + GRACE)
    with Archive.open(second, ports=Ports.under(later)) as two:
        two.catch_up()
        leases = read_history(two.search, later.now(), timedelta(days=2)).leases
        assert blocking("verify", leases, "second", later.now()) is None


def test_of_two_that_come_at_the_same_moment_not_both_run(home: Path, tmp_path: Path) -> None:
    """The other's lease appears between this one's first look and its own lease: it gives way."""
    second = other_host(home, tmp_path / "second")
    job = Job("verify", (("verify",),), timedelta(days=1))
    with Archive.open(home) as one, Archive.open(second) as two:
        two.catch_up()
        record = one.record

        def meanwhile(type: str, detail: dict[str, object]) -> None:
            if type == STARTED:
                take_lease(two, job)
            record(type, detail)

        one.record = meanwhile  # type: ignore[method-assign]
        one.catch_up()
        with pytest.raises(Busy):
            take_lease(one, job)
    assert [event["result"] for event in Node(home).events("schedule.ran")] == ["stopped"], (
        "its lease is over"
    )
