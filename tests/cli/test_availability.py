"""``vanvault availability``: what it prints, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.command import json_of, run_cli
from tests.support.mail import mail_server
from vanvault.archiver.core.error_table import ExitCode

LATER = ("--from", "2090-01-01T22:00:00+07:00", "--to", "2090-01-01T23:00:00+07:00")


def test_a_home_that_never_served(home: Path) -> None:
    found = json_of(run_cli(home, "availability", "--json"))
    assert found["total"]["up_s"] == found["used_s"] == found["forecast_s"] == 0
    assert found["forecast_within_limit"] is None
    assert len(found["months"]) == 12
    assert run_cli(home, "availability").exit_code == 0


def test_one_month_of_one_year(home: Path) -> None:
    found = json_of(run_cli(home, "availability", "--year", 2024, "--month", 2, "--json"))
    (month,) = found["months"]
    assert month["month"] == "2024-02"
    assert month["before_s"] == 29 * 86_400


def test_a_window_is_announced_listed_and_cancelled(home: Path) -> None:
    added = json_of(run_cli(home, "availability", "window", "add", *LATER, "--reason", "upgrade", "--json"))
    (listed,) = json_of(run_cli(home, "availability", "window", "list", "--json"))["windows"]
    assert listed["window"] == added["window"]
    assert listed["from"] == "2090-01-01T15:00:00.000000Z"
    assert "upgrade" in run_cli(home, "availability", "window", "list").stdout
    cancel = ("availability", "window", "cancel", added["window"], "--reason", "postponed")
    assert run_cli(home, *cancel).exit_code == 0
    assert json_of(run_cli(home, "availability", "window", "list", "--json"))["windows"] == []
    (past,) = json_of(run_cli(home, "availability", "window", "list", "--all", "--json"))["windows"]
    assert past["cancelled"]
    assert run_cli(home, *cancel).exit_code == ExitCode.CONFLICT


REFUSED = {
    "in the past": ("window", "add", "--from", "2020-01-01T00:00:00Z", "--to", "2090-01-01T00:00:00Z"),
    "reversed": ("window", "add", "--from", "2090-01-02T00:00:00Z", "--to", "2090-01-01T00:00:00Z"),
    "too long": ("window", "add", "--from", "2090-01-02T00:00:00Z", "--to", "2091-01-01T00:00:00Z"),
    "without an offset": ("window", "add", "--from", "2090-01-02T00:00:00", "--to", "2091-01-01T00:00:00Z"),
    "a date alone": ("window", "add", "--from", "2090-01-02", "--to", "2090-01-03"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_window_that_is_refused(home: Path, name: str) -> None:
    assert run_cli(home, "availability", *REFUSED[name], "--reason", "r").exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    "arguments",
    [
        ("up", "--source", " "),
        ("up", "--source", "s", "--at", "2090-01-01T00:00:00Z"),
        ("up", "--source", "s", "--valid", "0"),
        ("sideways", "--source", "s"),
    ],
)
def test_a_note_that_is_refused(home: Path, arguments: tuple[str, ...]) -> None:
    assert run_cli(home, "availability", "note", *arguments).exit_code == ExitCode.USAGE


def test_no_such_window(home: Path) -> None:
    done = run_cli(home, "availability", "window", "cancel", "none", "--reason", "r")
    assert done.exit_code == ExitCode.NOT_FOUND


def test_a_stop_is_announced_by_mail_and_a_late_one_is_told(home: Path) -> None:
    with mail_server() as letters:
        with (home / "vanvault.toml").open("a", encoding="utf-8") as settings:
            settings.write(
                f'[mail]\nhost = "127.0.0.1"\nport = {letters.port}\nsecurity = "none"\n'
                'announce_to = ["it@bhxh.example.vn"]\n'
            )
        start = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
        end = (datetime.now(UTC) + timedelta(days=3, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        window = ("availability", "window")
        added = run_cli(home, *window, "add", "--from", start, "--to", end, "--reason", "new disks")
        assert "10 days ahead" in added.stderr
        (told,) = json_of(run_cli(home, *window, "notify", "--json"))["notices"]
        assert (told["to"], told["late"]) == (["it@bhxh.example.vn"], True)
        assert len(letters.taken) == 1
        assert "nothing is to be announced" in run_cli(home, *window, "notify").stderr
        assert run_cli(home, *window, "notify", "--window", str(told["window"])).exit_code == 5


def test_without_a_mail_server_people_are_told_by_hand(home: Path) -> None:
    start, end = ((datetime.now(UTC) + timedelta(days=days)).isoformat() for days in (3, 4))
    window = ("availability", "window")
    added = json_of(
        run_cli(home, *window, "add", "--from", start, "--to", end, "--reason", "new disks", "--json")
    )
    told = run_cli(home, *window, "notify")
    assert told.exit_code == 6
    assert "--by-hand" in told.stderr
    by_hand = ("--window", added["window"], "--by-hand", "letter 12")
    assert run_cli(home, *window, "notify", *by_hand).exit_code == 0
