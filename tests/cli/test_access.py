"""The record of looks on the command line: written before anything is printed, and read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Served
from tests.support.command import json_of, run_cli
from vanvault.recovery.work import account

CLI_PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def looks(home: Path, *arguments: object) -> list[dict[str, Any]]:
    """What ``access list`` tells, newest first, without the looks at the record itself."""
    found = json_of(run_cli(home, "access", "list", "--json", *arguments))
    assert found["partial"] is False
    return [look for look in found["looks"] if look["act"] != "access"]


def test_every_verb_that_shows_something_is_one_look(home: Path) -> None:
    assert run_cli(home, "search", "--employer-code", "TZ1").exit_code == 0
    assert run_cli(home, "histogram", "--by", "month").exit_code == 0
    entry = looks(home)[0]["id"]
    assert run_cli(home, "get", entry, "--json").exit_code == 0
    assert run_cli(home, "get", entry, "--receipt").exit_code == 0
    assert run_cli(home, "receipt", "show", entry).exit_code == 0
    assert run_cli(home, "get", "0000000000000000-0-0").exit_code == 4
    found = looks(home)[::-1]
    assert [(look["act"], look["outcome"]) for look in found] == [
        ("search", "shown"),
        ("count", "shown"),
        ("display", "shown"),
        ("receipt", "shown"),
        ("receipt", "shown"),
        ("original", "failed"),
    ]
    assert {(look["who"], look["by"], look["by_id"]) for look in found} == {
        (account(), "os-account", str(os.getuid()))
    }
    assert found[0]["asked"] == {"employer_code": "TZ1"}
    assert found[2]["shown"] == [entry]
    assert found[5]["reason"] == "not-found"


def test_an_export_is_one_look_with_its_reason_and_what_it_holds(home: Path, tmp_path: Path) -> None:
    assert run_cli(home, "search", "--employer-code", "TZ1").exit_code == 0
    entry = looks(home)[0]["id"]
    output, what = tmp_path / "x.zip", ("--format", "zip", "--type", "vanvault.access.looked")
    export = ("export", "--output", output, "--reason", "thanh tra 12/2026", *what)
    assert run_cli(home, *export).exit_code == 0
    assert run_cli(home, *export).exit_code == 5, "a finished export is never replaced"
    failed, shown = looks(home, "--act", "export")
    assert (shown["outcome"], shown["purpose"]) == ("shown", "thanh tra 12/2026")
    assert shown["asked"] == {"type": "vanvault.access.looked", "format": "zip"}
    assert (entry in shown["shown"], shown["count"]) == (True, len(shown["shown"]))
    assert (failed["outcome"], failed["reason"], failed["shown"]) == ("failed", "conflict", [])
    assert {look["id"] for look in looks(home, "--message", entry)} == {shown["id"]}


def test_an_unwrapped_key_is_a_look_and_so_is_one_that_is_refused(home: Path) -> None:
    run_cli(home, "search")
    key = json_of(run_cli(home, "search", "--limit", "1", "--json"))["items"][0]["object"]
    unwrap = ("keys", "unwrap", key, "--yes")
    (home / "sites" / "standby").rename(home / "away")
    assert run_cli(home, *unwrap, "--reason", "DuckDB", "--json").exit_code == 0, "one site takes the look"
    assert run_cli(home, "keys", "unwrap", "credentials/1").exit_code == 9
    found = json_of(run_cli(home, "access", "list", "--act", "unwrap", "--json"))["looks"]
    assert [(look["outcome"], look["purpose"], look["asked"]) for look in found] == [
        ("refused", "", {"object": "credentials/1"}),
        ("shown", "DuckDB", {"object": key}),
    ]
    (home / "sites").rename(home / "sites-away")
    told = run_cli(home, *unwrap, "--json")
    assert told.exit_code == 10
    assert "key_hex" not in told.stdout


def test_a_look_at_the_record_is_a_look(home: Path) -> None:
    looks(home)
    looks(home, "--who", "nobody")
    found = json_of(run_cli(home, "access", "list", "--act", "access", "--json"))["looks"]
    assert [look["asked"] for look in found] == [{"who": "nobody"}, {}]


def test_the_record_is_asked_by_person_message_and_time(home: Path) -> None:
    run_cli(home, "search", "--message-id", "m-1")
    run_cli(home, "search", "--message-id", "m-2")
    assert [look["asked"]["message_id"] for look in looks(home, "--message", "m-1")] == ["m-1"]
    assert len(looks(home, "--who", account())) == 2
    assert looks(home, "--who", "lan") == []
    assert looks(home, "--from", "2090-01-01") == []
    assert looks(home, "--to", "2020-01-01") == []
    told = run_cli(home, "access", "list", "--message", "m-1", "--employer", "TZ1")
    assert told.exit_code == 2
    reversed_times = ("--from", "2026-12-01", "--to", "2026-11-01")
    refused = [run_cli(home, *words, *reversed_times) for words in (("access", "list"), ("search",))]
    assert [told.exit_code for told in refused] == [2, 2]
    assert refused[0].stderr == refused[1].stderr
    table = run_cli(home, "access", "list", "--act", "search")
    assert table.stdout.count("message_id=m-") == 2


def test_a_list_that_is_not_all_says_so(home: Path) -> None:
    for number in range(2):
        run_cli(home, "search", "--message-id", f"m-{number}")
    for limit, more in (("1", True), ("2", False), ("3", False)):
        asked = ("access", "list", "--act", "search", "--limit", limit)
        found = json_of(run_cli(home, *asked, "--json"))
        assert (len(found["looks"]), found["more"]) == (min(int(limit), 2), more)
        assert ("there are more" in run_cli(home, *asked).stderr) is more


@pytest.mark.parametrize("words", [("search",), ("histogram",), ("access", "list")])
def test_where_no_site_takes_the_record_nothing_is_shown(home: Path, words: tuple[str, ...]) -> None:
    (home / "sites").rename(home / "away")
    told = run_cli(home, *words, "--json")
    assert told.exit_code == 10
    assert set(json.loads(told.stdout)) == {"error"}
    assert "nothing is shown" in told.stderr
    assert "vanvault access emergency" in told.stderr
    assert "same ids" not in told.stderr  # of who pushes


@pytest.mark.parametrize("site", ["primary", "standby"])
def test_one_site_is_enough_whatever_the_policy(home: Path, site: str) -> None:
    (home / "sites" / site).rename(home / "away")
    assert run_cli(home, "search", "--employer-code", "TZ1", "--json").exit_code == 0
    found = json_of(run_cli(home, "access", "list", "--act", "search", "--json"))["looks"]
    assert [look["asked"] for look in found] == [{"employer_code": "TZ1"}]


def test_in_a_declared_emergency_a_home_shows_what_it_has_until_it_is_ended(home: Path) -> None:
    emergency = ("access", "emergency")
    assert run_cli(home, *emergency, "--end").exit_code == 4
    assert run_cli(home, *emergency).exit_code == 2
    assert run_cli(home, *emergency, "--reason", "fire", "--for", "25h").exit_code == 2
    told = json_of(run_cli(home, *emergency, "--reason", "fire", "--for", "1h", "--json"))
    assert (told["who"], told["reason"], told["in_force"]) == (account(), "fire", True)
    assert run_cli(home, *emergency, "--reason", "fire").exit_code == 5
    standing = run_cli(home, "status", "--json")
    assert "look-emergency" in {one["id"] for one in json_of(standing)["conditions"]}
    (home / "sites").rename(home / "away")
    shown = run_cli(home, "search", "--employer-code", "TZ1", "--json")
    assert shown.exit_code == 0
    assert f"an emergency is in force until {told['to']}" in shown.stderr
    assert run_cli(home, *emergency, "--end", "--reason", "it is out").exit_code == 2
    assert json_of(run_cli(home, *emergency, "--end", "--json"))["in_force"] is False
    assert run_cli(home, "search", "--employer-code", "TZ1").exit_code == 10
    (home / "away").rename(home / "sites")
    assert looks(home) == [], "what waits goes on record with the next look, which is this one"
    (waited,) = looks(home)
    assert waited["asked"] == {"employer_code": "TZ1"}
    ended = json_of(run_cli(home, "search", "--type", "vanvault.access.emergency-ended", "--json"))["items"]
    assert len(ended) == 1


def test_a_home_that_lost_its_signing_key_says_why_it_shows_nothing(home: Path) -> None:
    for path in (home / "keys").glob("signing-*.pem"):
        if "pub" not in path.name:
            path.unlink()
    told = run_cli(home, "search", "--json")
    assert told.exit_code == 7
    assert "nothing is shown" in told.stderr
    assert "ask a node that has them" in told.stderr


def test_a_home_without_its_keys_folder_shows_nothing(home: Path) -> None:
    (home / "keys").rename(home / "elsewhere")
    told = run_cli(home, "search", "--json")
    assert told.exit_code == 6
    assert set(json.loads(told.stdout)) == {"error"}
    assert "one without its keys folder with 6" in CLI_PAGE.read_text()


def test_a_running_node_puts_the_looks_of_verbs_on_record(served: Served) -> None:
    asked = [f"looked-for-{number}" for number in range(3)]
    for number in asked:
        assert served.run("search", "--dossier-number", number).exit_code == 0
    found = [look for look in looks(served.home) if look["asked"].get("dossier_number") in asked]
    assert len(found) == 3
    assert len({look["id"].partition("-")[0] for look in found}) == 1, "all in the chain of the node"
