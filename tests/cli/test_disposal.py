"""``vanvault disposal`` at the command line: what people see, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import json_of, run_cli
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.accounts import NewAccount
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.work import account

ID = "d-0000000000000001"


@pytest.fixture
def planned(home: Path) -> Path:
    """Somebody planned a disposal."""
    detail: dict[str, object] = {
        "disposal": ID, "digest": "ab" * 32, "plan": f"disposal-{ID}.plan", "entries": 3, "originals": 1,
        "bytes": 2048, "segments": 1, "requester": "os:lan", "who": "lan",
    }  # fmt: skip
    with Archive.open(home) as archive:
        archive.record(EventType.DISPOSAL_PLANNED, detail)
    return home


def test_in_a_young_archive_nothing_is_due(home: Path) -> None:
    told = json_of(run_cli(home, "disposal", "plan", "--json"))
    assert (told["disposal"], told["plan"]["counts"]["entries"]) == (None, 0)
    assert "nothing was put on record" in run_cli(home, "disposal", "plan").stderr
    assert json_of(run_cli(home, "disposal", "list", "--json")) == {"disposals": [], "partial": False}


def test_one_on_record_is_listed_and_shown(planned: Path) -> None:
    shown = json_of(run_cli(planned, "disposal", "show", ID, "--json"))
    assert json_of(run_cli(planned, "disposal", "list", "--json"))["disposals"] == [shown]
    assert (shown["state"], shown["entries"], shown["who"]) == ("planned", 3, "lan")
    for words in (("show", ID), ("list",)):
        said = run_cli(planned, "disposal", *words)
        assert said.exit_code == ExitCode.OK
        assert "planned" in said.stdout
    assert run_cli(planned, "disposal", "show", "d-2").exit_code == ExitCode.NOT_FOUND
    looks = json_of(run_cli(planned, "access", "list", "--json"))["looks"]
    assert any(look["act"] == "display" for look in looks)


def test_its_plan_is_shown_only_when_it_is_proved(planned: Path) -> None:
    assert run_cli(planned, "disposal", "show", ID, "--plan").exit_code == ExitCode.NOT_FOUND


def test_it_is_taken_back_once_and_approved_no_more(planned: Path) -> None:
    done = json_of(run_cli(planned, "disposal", "withdraw", ID, "--reason", "the office moves", "--json"))
    assert done["state"] == "withdrawn"
    assert done["withdrawn"]["reason"] == "the office moves"
    again = run_cli(planned, "disposal", "withdraw", ID, "--reason", "again")
    assert again.exit_code == ExitCode.CONFLICT
    assert run_cli(planned, "disposal", "approve", ID).exit_code == ExitCode.CONFLICT
    assert "withdrawn" in run_cli(planned, "disposal", "show", ID).stdout


def test_backups_are_said_to_be_gone_only_where_a_disposal_waits_for_that(planned: Path) -> None:
    refused = run_cli(planned, "disposal", "backups-gone", ID, "--reason", "the tapes are burnt")
    assert refused.exit_code == ExitCode.CONFLICT
    assert "only a disposal that is certified in part waits for backups" in refused.stderr
    assert run_cli(planned, "disposal", "backups-gone", ID, "--reason", " ").exit_code == ExitCode.USAGE
    said: dict[str, object] = {"reason": "the tapes are burnt", "repository": "", "snapshots": 0}
    with Archive.open(planned) as archive:
        about = {"disposal": ID, "digest": "ab" * 32, "who": "minh"}
        archive.record(EventType.DISPOSAL_BACKUPS_GONE, {**about, **said})
    shown = run_cli(planned, "disposal", "show", ID).stdout
    assert "by minh: the tapes are burnt (looked into nothing)" in shown


def test_a_day_that_is_none_is_refused(home: Path) -> None:
    refused = run_cli(home, "disposal", "plan", "--until", "tomorrow")
    assert refused.exit_code == ExitCode.USAGE
    assert "2026-11-22" in refused.stderr


def test_what_may_not_be_run_is_told_before_credentials_are_asked_for(planned: Path) -> None:
    refused = run_cli(planned, "disposal", "run", ID)
    assert refused.exit_code == ExitCode.CONFLICT
    assert "it is not approved yet" in refused.stderr
    assert run_cli(planned, "disposal", "run", "d-2").exit_code == ExitCode.NOT_FOUND


def test_a_run_takes_the_credentials_of_both_disposers(planned: Path) -> None:
    detail: dict[str, object] = {"disposal": ID, "digest": "ab" * 32, "who": "minh", "runner": "os:minh"}
    with Archive.open(planned) as archive:
        archive.record(EventType.DISPOSAL_BEGUN, {**detail, "approval": {"request": "q-1"}})
    unknown = run_cli(planned, "disposal", "run", ID)
    assert unknown.exit_code == ExitCode.DENIED
    assert "not signed on" in unknown.stderr
    with Archive.open(planned) as archive:
        add_account(Desk(archive, "root"), NewAccount(account(), "person", "Nguyễn Minh"))
    refused = run_cli(planned, "disposal", "run", ID)
    assert refused.exit_code == ExitCode.SETTINGS
    assert "no credentials for its disposer" in refused.stderr


def standing(home: Path) -> Any:
    """What status says of disposals, whatever else it finds."""
    return json.loads(run_cli(home, "status", "--json", "--url", "http://127.0.0.1:9").stdout)["disposals"]


def test_status_tells_one_that_is_not_over(planned: Path) -> None:
    told = standing(planned)
    assert [(one["disposal"], one["state"], one["cools_until"]) for one in told] == [(ID, "planned", None)]
    assert (
        f"{ID} is planned: 3 entries, planned by lan"
        in run_cli(planned, "status", "--url", "http://127.0.0.1:9").stdout
    )
    run_cli(planned, "disposal", "withdraw", ID, "--reason", "not now")
    assert standing(planned) == []
