"""``vanvault show``: a message for people to read, on record as a look at its original."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Served
from tests.support.command import json_of, run_cli


def entry(home: Path, *asked: str) -> dict[str, str]:
    found: dict[str, str] = json_of(run_cli(home, "search", *asked, "--limit", "1", "--json"))["items"][0]
    return found


def test_a_dossier_is_shown_with_its_forms_and_is_a_look_at_the_original(sampled: Served) -> None:
    dossier = entry(sampled.home, "--kind", "dossier")
    shown = run_cli(sampled.home, "show", dossier["id"], "--lang", "vi", "--purpose", "thanh tra")
    assert shown.exit_code == 0, shown.stderr
    assert f"SHA-256 {dossier['sha256']}" in shown.stdout
    assert f"[MaSoBHXH]: {dossier['employer_code']}" in shown.stdout
    assert "[HoTen]:" in shown.stdout, "what is inside the form"
    asked = ("access", "list", "--message", dossier["id"], "--act", "original", "--json")
    (look, *_) = json_of(run_cli(sampled.home, *asked))["looks"]
    assert (look["asked"]["as"], look["shown"], look["purpose"]) == ("reading", [dossier["id"]], "thanh tra")


def test_as_a_page_and_as_json(sampled: Served, tmp_path: Path) -> None:
    dossier, page = entry(sampled.home, "--kind", "dossier"), tmp_path / "page.html"
    told = json_of(run_cli(sampled.home, "show", dossier["id"], "--html", page, "--json"))
    assert told["original"]["sha256"] == dossier["sha256"]
    assert told["notes"] == []
    assert [file["kind"] for file in told["files"]]
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "Content-Security-Policy" in text
    assert dossier["sha256"] in text
    again = run_cli(sampled.home, "show", dossier["id"], "--html", page)
    assert again.exit_code == 5, "a file that is there is not replaced"
    assert run_cli(sampled.home, "show", dossier["id"], "--html", page, "--force").exit_code == 0
    assert run_cli(sampled.home, "show", dossier["id"], "--html", "-").stdout == text
    assert run_cli(sampled.home, "show", dossier["id"], "--html", "-", "--json").exit_code == 2


def test_a_line_of_the_log_is_shown_by_its_fields(sampled: Served) -> None:
    line = entry(sampled.home, "--type", "transaction.returned")
    shown = run_cli(sampled.home, "show", line["id"]).stdout
    assert f"transaction_id: {line['transaction_id']}" in shown
    assert "type: transaction.returned" in shown


def test_what_is_not_there(sampled: Served) -> None:
    assert run_cli(sampled.home, "show", "0123456789abcdef-1-0").exit_code == 4
    assert run_cli(sampled.home, "show", "no-id").exit_code == 2
