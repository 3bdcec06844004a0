"""Who is put on record: the account that the system knows, not the one that the environment tells."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from tests.support.command import json_of, run_cli
from vanvault.archiver.appliance import Archive
from vanvault.archiver.journal import own_events
from vanvault.recovery.work import QUIET, account, put_on_record

NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")
LATER = ("--from", "2090-01-01T22:00:00+07:00", "--to", "2090-01-01T23:00:00+07:00")


@pytest.fixture(autouse=True)
def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "somebody-else")


def test_the_environment_makes_nobody_another_person() -> None:
    assert account() == pwd.getpwuid(os.getuid()).pw_name != "somebody-else"


def test_an_id_without_an_account_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    assert account() == "uid 2147483641"


def test_windows_notes_and_records_name_the_account(home: Path) -> None:
    window = json_of(run_cli(home, "availability", "window", "add", *LATER, "--reason", "upgrade", "--json"))
    cancelled = ("availability", "window", "cancel", window["window"], "--reason", "postponed", "--json")
    note = ("availability", "note", "up", "--source", "outside", "--json")
    told = [window, json_of(run_cli(home, *cancelled)), json_of(run_cli(home, *note))]
    assert [detail["who"] for detail in told] == [account()] * 3
    with Archive.open(home) as archive:
        put_on_record(archive, "site.reconciled", {}, who=account(), observer=QUIET)
        (recorded,) = [event.detail for event in own_events(archive.search, "site.reconciled")]
    assert recorded["who"] == account()
