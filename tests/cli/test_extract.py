"""``vanvault extract``: from the scan of a letter to the receipt, as an officer types it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.export.conftest import run_verifier
from tests.recovery.test_approvals import approver
from tests.support.command import json_of, run_cli
from tests.support.forms import AGENCY, SCAN
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.people.accounts import NewAccount
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.approvals import approve_request

TODAY = datetime.now(UTC).date()

#: What a file may be called by somebody who means harm, or by a scanner.
HOSTILE = [
    "../x.pdf", "-rf.pdf", "a\nb.pdf", "\x1b[2J.pdf", "\u202efdp.exe", "công văn số 123.pdf",
    "x" * 200 + ".pdf", "$(id).pdf", "letter.pdf.exe",
]  # fmt: skip


def words(scan: Path, **changed: str) -> list[str]:
    given = {
        "letter-number": "123/TTr-BHXH", "letter-day": str(TODAY - timedelta(days=3)),
        "letter-agency": AGENCY, "purpose": "Thanh tra", "recipient": "Nguyễn Văn Minh",
        "until": str(TODAY + timedelta(days=30)), "gateway": "demo", **changed,
    }  # fmt: skip
    options = [word for name, value in given.items() for word in (f"--{name}", value)]
    return ["extract", "request", "--scan", str(scan), "--field", "sha256", "--field", "type", *options]


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "letter.pdf"
    path.write_bytes(SCAN)
    return path


def asked(home: Path, scan: Path, **changed: str) -> Any:
    return json_of(run_cli(home, *words(scan, **changed), "--json"))


def approve(home: Path, request: str) -> None:
    """Two people, since the account of the operating system is nobody's here."""
    with Archive.open(home) as archive:
        for name in ("anh", "binh"):
            add_account(Desk(archive, "root"), NewAccount(name, "person", name, roles=("approver",)))
            approve_request(archive, request, approver(archive, name))


def test_from_the_scan_to_the_receipt(home: Path, scan: Path, tmp_path: Path) -> None:
    told = asked(home, scan)
    id, output = told["extraction"], tmp_path / "x.zip"
    assert (told["state"], told["already"]) == ("requested", False)
    again = asked(home, scan)
    assert (again["extraction"], again["approval_request"], again["already"]) == (
        id, told["approval_request"], True,
    )  # fmt: skip
    refused = run_cli(home, "extract", "run", id, "--output", output)
    assert refused.exit_code == ExitCode.APPROVAL
    assert told["approval_request"] in refused.stderr
    seen = run_cli(home, "approval", "show", told["approval_request"]).stdout
    assert re.search(r"form\.letter\.number +123/TTr-BHXH\n", seen), (
        "who approves reads the form line by line"
    )
    assert re.search(r"form\.fields +sha256, type\n", seen)
    approve(home, told["approval_request"])
    ran = json_of(run_cli(home, "extract", "run", id, "--output", output, "--json"))
    assert (ran["state"], ran["already"], ran["approval"]["approved_by"]) == ("ran", False, ["anh", "binh"])
    assert json_of(run_cli(home, "extract", "run", id, "--output", output, "--json"))["already"]
    assert run_verifier(output)[0] == 0
    handed = json_of(
        run_cli(
            home, "extract", "hand-over", id, "--to", "Nguyễn Văn Minh", "--output", tmp_path / "r", "--json"
        )
    )
    assert sorted(Path(name).name for name in handed["files"]) == [
        f"{id}-receipt.{end}" for end in ("en.html", "en.pdf", "vi.html", "vi.pdf")
    ]
    assert all(Path(name).stat().st_size > 1000 for name in handed["files"])
    shown = json_of(run_cli(home, "extract", "show", id, "--json"))
    assert shown == json_of(run_cli(home, "extract", "list", "--json"))["extractions"][0]
    assert shown["handed_over"]["received_by"] == "Nguyễn Văn Minh"
    for words_for_people in (("show", id), ("list",)):
        said = run_cli(home, "extract", *words_for_people)
        assert (said.exit_code, "123/TTr-BHXH" in said.stdout) == (0, True)
    looks = json_of(run_cli(home, "access", "list", "--act", "extract", "--json"))["looks"]
    assert [look["outcome"] for look in looks if look["outcome"] == "shown"] == ["shown"]
    assert looks[-1]["outcome"] == "refused", "the run that was not approved is on record as well"


@pytest.mark.parametrize("name", HOSTILE)
def test_the_name_of_a_scan_is_nowhere(home: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    path = folder / name
    path.write_bytes(SCAN)
    told = asked(home, path)
    assert told["scan"] == f"extraction-{told['extraction']}-letter"
    shown = run_cli(home, "extract", "show", told["extraction"]).stdout
    assert path.name not in shown
    assert path.name not in str(told)
    found = json_of(run_cli(home, "search", "--message-id", told["scan"], "--json"))["items"]
    assert [one["content_type"] for one in found] == ["application/pdf"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"letter-day": "yesterday"}, "letter.day"),
        ({"until": str(TODAY - timedelta(days=1))}, "until"),
        ({"purpose": " "}, "purpose"),
        ({"gateway": "vanvault"}, "filter"),
    ],
)
def test_a_bad_form_names_its_field(home: Path, scan: Path, changed: dict[str, str], field: str) -> None:
    done = run_cli(home, *words(scan, **changed), "--json")
    assert done.exit_code == ExitCode.USAGE
    assert f'"field":"{field}"' in done.stdout
    assert json_of(run_cli(home, "extract", "list", "--json"))["extractions"] == []


def test_what_is_no_scan_is_refused(home: Path, tmp_path: Path) -> None:
    script = tmp_path / "letter.pdf"
    script.write_bytes(b"#!/bin/sh\n")
    assert run_cli(home, *words(script)).exit_code == ExitCode.USAGE


def test_who_is_not_known_is_not_found(home: Path, tmp_path: Path) -> None:
    for verb in (("show", "x-1"), ("run", "x-1", "--output", tmp_path / "x.zip")):
        assert run_cli(home, "extract", *verb).exit_code == ExitCode.NOT_FOUND
