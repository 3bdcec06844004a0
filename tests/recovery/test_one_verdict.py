"""What a verb says to people, its JSON and its exit code agree, by the one definition of whole."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.support.command import run_cli
from tests.support.lab import Lab


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
