"""What a verb says to people, its JSON and its exit code agree, by the one definition of whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.command import run_cli
from tests.support.lab import Lab
from vanvault.recovery import backup
from vanvault.recovery.backup.record import Record
from vanvault.recovery.backup.restore import ObjectsPlan, ObjectsReport
from vanvault.recovery.verify import Finding
from vanvault.recovery.work import Extent


def nothing(lab: Lab) -> None:
    pass


def noted(lab: Lab) -> None:
    """What a fresh disk has by itself."""
    (lab.root("primary") / "lost+found").mkdir()


def foreign(lab: Lab) -> None:
    (lab.root("primary") / "foreign").touch()


def harm(lab: Lab) -> None:
    """An object that is damaged at both sites."""
    key = lab.keys(kind="messages")[0]
    for site in ("primary", "standby"):
        file = lab.files(site, key)[-1]
        file.chmod(0o640)
        file.write_bytes(bytes(file.stat().st_size))


#: The verb -> what it says when all is well, and when it is not.
VERBS: dict[tuple[str, ...], tuple[str, str]] = {
    ("verify", "--no-record"): ("whole: ", "NOT WHOLE: "),
    ("repair",): ("whole: ", "NOT WHOLE: "),
    ("restore", "--from", "standby"): ("whole: ", "NOT WHOLE: "),
}
#: What lies there -> is it whole?
CASES: dict[str, tuple[Callable[[Lab], None], bool]] = {
    "nothing": (nothing, True),
    "a system file": (noted, True),
    "a stranger's file": (foreign, False),
    "a damaged object": (harm, False),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_text_json_and_exit_code_agree(lab: Lab, verb: tuple[str, ...], case: str) -> None:
    prepare, whole = CASES[case]
    prepare(lab)
    code = 0 if whole else 3
    told, asked = run_cli(lab.home, *verb), run_cli(lab.home, *verb, "--json")
    assert (told.exit_code, asked.exit_code) == (code, code), told.stdout + asked.stderr
    lines = told.stdout.splitlines()
    good, bad = VERBS[verb]
    assert any(line.startswith(good) for line in lines) is whole
    assert any(line.startswith(bad) for line in lines) is not whole
    fields = json.loads(asked.stdout.splitlines()[-1])
    assert fields["whole"] is whole
    if verification := fields.get("verification"):
        assert verification["whole"] is whole


def test_a_stranger_keeps_nobody_from_a_restore(lab: Lab) -> None:
    """All is copied and said to be restored; what fails is the verification."""
    foreign(lab)
    key = lab.keys(kind="messages")[0]
    lab.drop("primary", key)
    done = run_cli(lab.home, "restore", "--from", "standby")
    assert (done.exit_code, "primary restored from standby: 1 objects copied" in done.stdout) == (3, True)
    assert "the archive's own objects are whole" in done.stdout
    assert lab.files("primary", key)
    assert run_cli(lab.home, "restore", "--from", "standby", "--no-verify").exit_code == 0


def test_a_stranger_keeps_nobody_from_a_failback_and_is_told(lab: Lab) -> None:
    foreign(lab)
    assert run_cli(lab.home, "failover", "promote", "--yes", "--reason", "drill").exit_code == 0
    done = run_cli(lab.home, "failover", "failback", "--yes", "--reason", "drill")
    assert (done.exit_code, "something lies at a site that is not the archive's" in done.stderr) == (0, True)


@pytest.mark.parametrize(("case", "whole"), [("a stranger's file", True), ("a damaged object", False)])
def test_reconcile_says_of_levels_what_its_exit_code_says(lab: Lab, case: str, whole: bool) -> None:
    """It compares names and copies, and verifies nothing: what is set aside is no difference of the sites."""
    CASES[case][0](lab)
    if not whole:
        for file in lab.files("standby", lab.keys(kind="messages")[0]):
            file.unlink()
    told, asked = run_cli(lab.home, "reconcile"), run_cli(lab.home, "reconcile", "--json")
    assert (told.exit_code, asked.exit_code) == ((0, 0) if whole else (3, 3))
    assert told.stdout.startswith("reconciled: ") is whole
    assert ("NOT RECONCILED: " in told.stdout) is not whole
    assert json.loads(asked.stdout.splitlines()[-1])["whole"] is whole


@pytest.mark.parametrize(("name", "made"), [("lost+found", True), ("foreign", False)])
def test_init_takes_a_fresh_disk_and_no_folder_of_somebody_else(
    tmp_path: Path, name: str, made: bool
) -> None:
    home = tmp_path / "home"
    (home / "sites" / "primary" / name).mkdir(parents=True)
    done = run_cli(home, "init", "--json")
    assert (done.exit_code == 0, "token" in done.stdout, "is not empty" in done.stderr) == (
        made,
        made,
        not made,
    )


LOST = Finding("", "key", "missing", "it is not in the repository")


@pytest.mark.parametrize(
    ("left_out", "failures", "told"),
    [((), (), ""), (("key",), (), "0 lost, 1 not in the backup"), ((), (LOST,), "1 lost.")],
    ids=["all", "left out", "lost"],
)
def test_a_load_from_the_third_copy_says_whether_it_is_everything(
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
    left_out: tuple[str, ...],
    failures: tuple[Finding, ...],
    told: str,
) -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    record = Record("archive", now, "control+objects", "standby", {}, (), left_out, {})
    plan = ObjectsPlan(record, ("primary",), {}, (), Extent(), Extent())
    report = ObjectsReport(plan, Extent(2, 10), failures, 1.0)
    monkeypatch.setattr(backup, "backup_load", lambda *_: report)
    order = ("backup", "restore", "--objects", "primary")
    text, fields = run_cli(lab.home, *order), run_cli(lab.home, *order, "--json")
    assert text.exit_code == fields.exit_code == (3 if told else 0)
    assert ("NOT fully restored: " in text.stdout, told in text.stdout) == (bool(told), True)
    assert json.loads(fields.stdout.splitlines()[-1])["whole"] is (not told)
