"""``vanvault hold``, as a shell runs it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.support.command import json_of, run_cli

WHY = ("--case", "case 12/2026", "--reason", "a court asks for it")


def test_a_hold_is_placed_listed_and_shown(home: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"letter")
    asked = ("--employer-code", "TZ1", "--from", "2026-01-01", "--authority", letter)
    placed = json_of(run_cli(home, "hold", "place", *WHY, *asked, "--json"))
    assert (placed["state"], placed["in_force"]) == ("placed", True)
    assert placed["authority"] == hashlib.sha256(b"letter").hexdigest()
    assert placed["filters"] == {"employer_code": "TZ1"}
    (listed,) = json_of(run_cli(home, "hold", "list", "--json"))["holds"]
    assert {**listed, "over": 0} == placed
    shown = json_of(run_cli(home, "hold", "show", placed["hold"], "--json"))
    assert (shown["hold"], shown["over"]) == (placed["hold"], 0)
    again = run_cli(home, "hold", "place", *WHY, "--employer-code", "TZ1")
    assert "vanvault hold confirm" in again.stdout
    assert "It is over 0 entries now." in again.stdout
    assert "nothing in the archive is what it is about" in again.stderr
    told = run_cli(home, "hold", "show", placed["hold"]).stdout
    assert "employer_code=TZ1" in told
    assert "{" not in told
    assert placed["hold"] in run_cli(home, "hold", "list").stdout


def test_who_placed_it_can_neither_confirm_nor_release_it(home: Path) -> None:
    id = json_of(run_cli(home, "hold", "place", *WHY, "--employer-code", "TZ1", "--json"))["hold"]
    assert run_cli(home, "hold", "confirm", id).exit_code == 5
    assert run_cli(home, "hold", "release", id, "--reason", "closed").exit_code == 5


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("place", *WHY), 2),  # about nothing
        (("place", "--reason", "r", "--employer-code", "TZ1"), 2),  # no case
        (("place", *WHY, "--from", "2026-02-01", "--to", "2026-01-01"), 2),
        (("show", "h-none"), 4),
        (("place", *WHY, "--id", "1m80cch60hrf2441-0-0"), 4),
        (("place", *WHY, "--id", "x"), 2),
        (("confirm", "h-none"), 4),
    ],
)
def test_what_is_wrong_is_refused(home: Path, words: tuple[str, ...], code: int) -> None:
    told = run_cli(home, "hold", *words, "--json")
    assert told.exit_code == code
    assert code == 2 or "error" in json.loads(told.stdout)


def test_keeping_says_what_it_did(home: Path) -> None:
    run_cli(home, "hold", "place", *WHY, "--employer-code", "TZ1")
    done = json_of(run_cli(home, "hold", "keep", "--json"))
    assert done == {"holds": 1, "copies": 0, "extended": 0, "failures": []}
