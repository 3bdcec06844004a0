"""``vanvault availability``: what it prints, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import json_of, run_cli
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
