"""``vanvault search``, ``histogram`` and ``export`` with what no archive can answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import json_of, run_cli

BAD = [
    ("--name", "Nguyễn"),
    ("--state", ""),
    ("--state", "x" * 10_000),
    ("--state", "half \udcff"),
    ("--state", "a\nb"),
    ("--sha256", "zz"),
    ("--entry", "letter"),
    ("--entry", "message", "--event-id", "e-1"),
    ("--entry", "message", "--type", "dossier.received"),
    ("--entry", "event", "--kind", "dossier"),
    ("--dossier-prefix", "00"),
    ("--dossier-prefix", "001", "--dossier-number", "00123"),
    ("--from", "2026-12-01", "--to", "2026-11-01"),
    ("--during", "March"),
    ("--during", "2026", "--from", "2026-11-01"),
]
BAD_PAGES = [
    ("--by", "occurrence", "--entry", "message"),
    ("--limit", "0"),
    ("--limit", "1001"),
    ("--order", "random"),
    ("--cursor", "AAAA"),
    ("--cursor", "\udcff"),
]
BAD_COUNTS = [
    ("--by", "employer_code"),
    ("--entry", "letter"),
    ("--from", "today"),
    ("--from", "2026-11-23", "--to", "2026-11-22"),
    ("--during", "13/2026"),
    ("--during", "2026", "--to", "2026-11-22"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("input") / "home"
    json_of(run_cli(path, "init", "--json"))
    return path


@pytest.mark.parametrize("options", [*BAD, *BAD_PAGES])
def test_a_bad_search(home: Path, options: tuple[str, ...]) -> None:
    result = run_cli(home, "search", *options)
    assert result.exit_code == 2, result.stderr
    assert result.stdout == ""
    assert "error: " in result.stderr


@pytest.mark.parametrize("options", BAD)
def test_a_bad_export(home: Path, options: tuple[str, ...]) -> None:
    output = home.parent / "out.csv"
    result = run_cli(home, "export", "--output", output, "--format", "csv", "--reason", "test", *options)
    assert result.exit_code == 2, result.stderr
    assert not output.exists()


@pytest.mark.parametrize("options", BAD_COUNTS)
def test_a_bad_count(home: Path, options: tuple[str, ...]) -> None:
    assert run_cli(home, "histogram", *options).exit_code == 2


def test_counts_as_a_table_and_as_json(home: Path) -> None:
    assert run_cli(home, "gateway", "add", "other", "--json").exit_code == 0
    counted = json_of(run_cli(home, "histogram", "--by", "entry", "--json"))
    assert counted["unread"] == []
    assert counted["entries"] == sum(bar["entries"] for bar in counted["bars"])
    table = run_cli(home, "histogram", "--by", "state")
    assert table.exit_code == 0
    assert f"{counted['entries'] + 1:,} entries" in table.stderr, "the first count is on record by now"


def test_the_answer_says_which_march_it_is_about(home: Path) -> None:
    march = {
        "from": "2026-02-28T17:00:00.000000Z",
        "to": "2026-03-31T17:00:00.000000Z",
        "from_local": "2026-03-01T00:00:00+07:00",
        "to_local": "2026-04-01T00:00:00+07:00",
        "time_zone": "Asia/Ho_Chi_Minh",
    }
    asked = ("search", "--state", "paid", "--during", "03/2026")
    searched = json_of(run_cli(home, *asked, "--json"))["searched"]
    assert march.items() <= searched.items()
    assert (searched["fields"], searched["by"]) == ({"state": "paid"}, "receipt")
    told = run_cli(home, *asked).stderr
    assert "nothing found" in told
    assert "state = paid; received from 2026-03-01T00:00:00+07:00 (2026-02-28T17:00:00.000000Z)" in told
    environment = {"VANVAULT_SEARCH__TIME_ZONE": "UTC"}
    in_utc = json_of(run_cli(home, *asked, "--json", env=environment))["searched"]
    assert in_utc["from_local"] == "2026-03-01T00:00:00+00:00"
    days = json_of(run_cli(home, "histogram", "--during", "Q1/2026", "--json"))
    assert (days["from"], days["to"], days["time_zone"]) == ("2026-01-01", "2026-03-31", "UTC")


def test_a_look_has_the_exact_times_on_record(home: Path) -> None:
    assert run_cli(home, "search", "--message-id", "exact", "--during", "2026-03-31").exit_code == 0
    (look,) = json_of(run_cli(home, "access", "list", "--message", "exact", "--act", "search", "--json"))[
        "looks"
    ]
    assert look["asked"] == {
        "message_id": "exact",
        "during": "2026-03-31",
        "from": "2026-03-31T00:00:00+07:00",
        "to": "2026-04-01T00:00:00+07:00",
    }
