"""The same command again finds what it did, or goes on; it never does the opposite, and doubles nothing."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.test_docs import commands
from tests.support.command import json_of, run_cli
from vanvault.archiver.appliance import Archive
from vanvault.archiver.journal import own_events
from vanvault.cli.main import main

DOCS = Path(__file__).parents[2] / "docs"


def on_record(home: Path, type: str) -> int:
    with Archive.open(home) as archive:
        archive.catch_up()
        return len(list(own_events(archive.search, type)))


def twice(home: Path, *words: str) -> list[dict[str, object]]:
    return [json_of(run_cli(home, *words, "--json")) for _ in range(2)]


def test_the_second_promotion_finds_the_first(home: Path) -> None:
    first, second = twice(home, "failover", "promote", "--reason", "fire", "--yes")
    assert (first["already"], second["already"]) == (False, True)
    assert [(done["epoch"], done["leader"]) for done in (first, second)] == [(1, "standby")] * 2
    assert json_of(run_cli(home, "failover", "status", "--json"))["leader"] == "standby"
    assert on_record(home, "failover.promoted") == 1
    told = run_cli(home, "failover", "promote", "--reason", "fire", "--yes")
    assert told.stdout == "standby leads since epoch 1 already; nothing was done\n"
    assert "--site primary" in told.stderr
    assert "failback" in told.stderr
    other = json_of(
        run_cli(home, "failover", "promote", "--site", "primary", "--reason", "x", "--yes", "--json")
    )
    assert (other["already"], other["leader"]) == (False, "primary"), "whoever names the other site means it"


def test_the_second_failback_finds_the_first(home: Path) -> None:
    json_of(run_cli(home, "failover", "promote", "--reason", "fire", "--yes", "--json"))
    first, second = twice(home, "failover", "failback", "--reason", "over", "--yes")
    assert (first["already"], second["already"]) == (False, True)
    assert [(done["epoch"], done["leader"]) for done in (first, second)] == [(2, "primary")] * 2
    assert on_record(home, "failover.failed-back") == 1


def test_what_was_removed_is_named_as_removed(home: Path) -> None:
    json_of(run_cli(home, "gateway", "add", "g2", "--json"))
    token = json_of(run_cli(home, "gateway", "token", "add", "g2", "--json"))["token_id"]
    for words in (("gateway", "token", "remove", "g2", token), ("gateway", "remove", "g2")):
        assert run_cli(home, *words).exit_code == 0
        again = run_cli(home, *words)
        assert again.exit_code == 4
        assert "was removed already" in again.stderr
    assert on_record(home, "gateway.token-removed") == on_record(home, "gateway.removed") == 1
    for words in (("gateway", "remove", "never"), ("gateway", "token", "remove", "gateway-1", token)):
        never = run_cli(home, *words)
        assert never.exit_code == 4
        assert "already" not in never.stderr


def test_a_window_is_announced_once_and_so_can_be_cancelled(home: Path) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    times = ("--from", start.isoformat(), "--to", (start + timedelta(hours=1)).isoformat())
    first, second = twice(home, "availability", "window", "add", *times, "--reason", "new disks")
    assert second == {**first, "already": True}
    json_of(
        run_cli(home, "availability", "window", "cancel", str(first["window"]), "--reason", "later", "--json")
    )
    assert json_of(run_cli(home, "availability", "window", "list", "--json"))["windows"] == []
    again = json_of(run_cli(home, "availability", "window", "add", *times, "--reason", "new disks", "--json"))
    assert again["window"] != first["window"], "one that was called off is announced anew"


def test_a_schedule_of_drills_that_is_given_again_moves_no_date(home: Path) -> None:
    for words in (["--every", "90d"], ["--off"]):
        twice(home, "drill", "schedule", "node-lost", *words)
    twice(home, "drill", "schedule", "node-lost", "--every", "90d")
    assert on_record(home, "drill.scheduled") == 3


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("init",), 6),
        (("gateway", "add", "gateway-1"), 5),
        (("gateway", "policy", "gateway-1", "any"), 0),
        (("reconcile",), 0),
        (("repair",), 0),
        (("compact",), 0),
        (("index", "rebuild"), 0),
        (("restore", "--from", "standby"), 0),
        (("schedule", "units", "--output", "units"), 0),
        (("sample", "--output", "sample", "--count", "1"), 0),
        (("probe", "primary", "--override", "--reason", "x"), 0),
    ],
)
def test_the_second_time_ends_as_the_page_says(
    home: Path, words: tuple[str, ...], exit_code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_cli(home, *words, "--json")
    assert run_cli(home, *words, "--json").exit_code == exit_code


def test_the_page_says_of_every_verb_what_it_does_the_second_time() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    table = text.split("## The same command again")[1].split("## Tokens")[0]
    named = {name.split(" --")[0] for name in re.findall(r"`([a-z -]+)`", table)}
    shows = ("list", "show", "status", "get", "search", "histogram", "forecast", "report", "receipt", "serve")
    for path, _ in commands(main, "vanvault"):
        verb = path.removeprefix("vanvault ")
        looks = any(word in shows for word in verb.split()) or verb in ("backup check", "keys escrow verify")
        assert looks or verb in named, verb


@pytest.mark.parametrize("verb", ["promote", "failback"])
def test_a_question_that_nobody_can_answer_says_what_to_give(home: Path, verb: str) -> None:
    if verb == "failback":
        json_of(run_cli(home, "failover", "promote", "--reason", "fire", "--yes", "--json"))
    asked = run_cli(home, "failover", verb, "--reason", "fire")
    assert asked.exit_code == 2
    assert "--yes" in asked.stderr
    assert json.loads(run_cli(home, "failover", "status", "--json").stdout)["epoch"] == (verb == "failback")
