"""Verbs that read a home: init, get, search, receipt, status, keys, gateway, sample."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Served
from tests.support.command import json_of, run_cli
from tests.support.living import copy_present

Receipts = list[dict[str, Any]]


@pytest.fixture
def receipt_file(receipts: Receipts, tmp_path: Path) -> Path:
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps({name: value for name, value in receipts[0].items() if name != "path"}))
    return path


@pytest.fixture
def public_key(served: Served, tmp_path: Path) -> Path:
    path = tmp_path / "public.pem"
    path.write_text(run_cli(served.home, "receipt", "public-key").stdout)
    return path


def test_init_prints_gateway_and_token_and_nothing_else(tmp_path: Path) -> None:
    made = json_of(run_cli(tmp_path / "h", "init", "--gateway", "ivan-7", "--json"))
    assert set(made) == {"gateway", "token"}
    assert made["gateway"] == "ivan-7"


def test_init_leaves_a_complete_home_alone(home: Path) -> None:
    before = sorted(path.read_bytes() for path in home.glob("keys/*"))
    assert run_cli(home, "init").exit_code == 6
    assert sorted(path.read_bytes() for path in home.glob("keys/*")) == before


def test_get_writes_the_exact_bytes(served: Served, receipts: Receipts, tmp_path: Path) -> None:
    for receipt in receipts:
        assert run_cli(served.home, "get", receipt["id"]).stdout_bytes == receipt["path"].read_bytes()
    target = tmp_path / "sub" / "out"
    receipt = receipts[1]
    assert run_cli(served.home, "get", receipt["id"], "-o", target).exit_code == 0
    assert target.read_bytes() == receipt["path"].read_bytes()
    target.write_bytes(b"other")
    assert run_cli(served.home, "get", receipt["id"], "-o", target).exit_code == 5
    assert target.read_bytes() == b"other"
    assert run_cli(served.home, "get", receipt["id"], "-o", target, "--force").exit_code == 0
    assert target.read_bytes() == receipt["path"].read_bytes()
    assert list(target.parent.iterdir()) == [target]


def test_get_receipt_is_the_first_receipt(served: Served, receipts: Receipts) -> None:
    first = {name: value for name, value in receipts[0].items() if name != "path"}
    assert json_of(run_cli(served.home, "get", first["id"], "--receipt")) == first
    assert json_of(run_cli(served.home, "receipt", "show", first["id"], "--json")) == first


def test_get_says_what_is_not_there(served: Served, receipts: Receipts) -> None:
    absent = receipts[0]["id"].rpartition("-")[0] + "-99999"
    result = run_cli(served.home, "get", absent, "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["error"]["kind"] == "not-found"
    assert run_cli(served.home, "get", "nonsense").exit_code == 2


def test_search_finds_by_fields_and_pages(served: Served, receipts: Receipts) -> None:
    wanted = [receipt["id"] for receipt in sorted(receipts, key=lambda r: r["received_at"], reverse=True)]
    found: list[str] = []
    cursor: list[str] = []
    while True:
        page = json_of(
            run_cli(
                served.home, "search", "--insurance-number", "7900000002", "--limit", 1, "--json", *cursor
            )
        )
        assert page["partial"] is False
        found += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = ["--cursor", page["next"]]
    assert found == wanted
    by_digest = json_of(run_cli(served.home, "search", "--sha256", receipts[1]["sha256"], "--json"))
    assert [item["id"] for item in by_digest["items"]] == [receipts[1]["id"]]


def test_search_prints_a_table_for_people(served: Served, receipts: Receipts) -> None:
    result = run_cli(served.home, "search", "--employer-code", "TA0001A", "--limit", 2)
    assert result.exit_code == 0
    assert "next page: --cursor" in result.stderr
    assert len(result.stdout.splitlines()) == 3
    nothing = run_cli(served.home, "search", "--dossier-number", "none").stderr
    assert nothing.startswith("nothing found\nsearched: dossier_number = none; received at any time;")


@pytest.mark.parametrize(
    "arguments", [("--limit", "0"), ("--from", "yesterday"), ("--cursor", "AAAA"), ("--order", "up")]
)
def test_search_names_the_option_that_is_wrong(served: Served, arguments: tuple[str, str]) -> None:
    result = run_cli(served.home, "search", *arguments, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["field"] == arguments[0][2:]


def copy_of(home: Path, target: Path) -> Path:
    """A copy of a home whose node is running, as an operator would find it after a crash."""
    ignored = shutil.ignore_patterns("hot-tail*", "*.sock", ".*")
    shutil.copytree(home, target, copy_function=copy_present, ignore=ignored)
    return target


def test_with_a_site_away_reads_go_on_and_say_so(served: Served, receipts: Receipts, tmp_path: Path) -> None:
    home = copy_of(served.home, tmp_path / "copy")
    assert json_of(run_cli(home, "search", "--json"))["partial"] is False
    shutil.rmtree(home / "sites" / "primary")
    result = run_cli(home, "search", "--sha256", receipts[0]["sha256"], "--json")
    assert json_of(result)["partial"] is True
    assert "warning: the site primary is away" in result.stderr
    assert run_cli(home, "get", receipts[0]["id"]).stdout_bytes == receipts[0]["path"].read_bytes()
    status = run_cli(home, "status", "--json")
    assert status.exit_code == 10
    sites = {site["site"]: site["reachable"] for site in json.loads(status.stdout)["sites"]}
    assert sites == {"primary": False, "standby": True}


def test_with_a_key_away_reads_say_which(served: Served, receipts: Receipts, tmp_path: Path) -> None:
    home = copy_of(served.home, tmp_path / "copy")
    (home / "keys" / "originals-1.key").unlink()
    result = run_cli(home, "get", receipts[0]["id"], "--json")
    assert result.exit_code == 7
    assert json.loads(result.stdout.splitlines()[-1])["error"]["kind"] == "key-unavailable"


def test_a_receipt_verifies_with_the_public_key_alone(
    receipt_file: Path, public_key: Path, receipts: Receipts, tmp_path: Path
) -> None:
    nowhere = tmp_path / "no-home"
    arguments = ("receipt", "verify", receipt_file, "--public-key", public_key)
    good = json_of(run_cli(nowhere, *arguments, "--original", receipts[0]["path"], "--json"))
    assert good == {
        "ok": True,
        "receipts": [{"id": receipts[0]["id"], "ok": True, "original_checked": True}],
    }
    assert run_cli(nowhere, *arguments).stdout.startswith("good: ")


def test_a_receipt_of_another_original_does_not_verify(
    receipt_file: Path, public_key: Path, receipts: Receipts
) -> None:
    result = run_cli(
        Path("none"), "receipt", "verify", receipt_file, "--public-key", public_key,
        "--original", receipts[1]["path"],
    )  # fmt: skip
    assert result.exit_code == 3
    assert "not of this original" in result.stderr


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sha256", "0" * 64),
        ("received_at", "2020-01-01T00:00:00.000000Z"),
        ("signing_key", "0" * 16),
        ("gateway", "other"),
    ],
)
def test_a_changed_receipt_does_not_verify(
    receipt_file: Path, public_key: Path, field: str, value: str
) -> None:
    receipt_file.write_text(json.dumps(json.loads(receipt_file.read_text()) | {field: value}))
    result = run_cli(Path("none"), "receipt", "verify", receipt_file, "--public-key", public_key, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["ok"] is False


def test_receipts_verify_line_by_line_and_each_failure_is_named(
    served: Served, receipt_file: Path, receipts: Receipts
) -> None:
    good = receipt_file.read_text()
    bad = json.dumps(json.loads(good) | {"id": "changed"})
    result = run_cli(served.home, "receipt", "verify", "-", "--json", input=f"{good}\n{bad}\n".encode())
    assert result.exit_code == 3
    assert [found["ok"] for found in json.loads(result.stdout)["receipts"]] == [True, False]


@pytest.mark.parametrize("content", ["", "{}", "[]", "not json", '{"a": 1}\n[]\n'])
def test_what_is_no_receipt_is_wrong_input(served: Served, tmp_path: Path, content: str) -> None:
    path = tmp_path / "r"
    path.write_text(content)
    assert run_cli(served.home, "receipt", "verify", path).exit_code == 2


def test_what_is_no_public_key_is_a_key_error(receipt_file: Path) -> None:
    result = run_cli(Path("none"), "receipt", "verify", receipt_file, "--public-key", receipt_file)
    assert result.exit_code == 7


def test_old_receipts_verify_after_the_signing_key_was_rotated(
    served: Served, receipts: Receipts, receipt_file: Path, tmp_path: Path
) -> None:
    home = copy_of(served.home, tmp_path / "copy")
    made = json_of(run_cli(home, "keys", "rotate", "signing", "--json"))
    keys = json_of(run_cli(home, "keys", "list", "--json"))["keys"]
    signing = [(key["key_id"], key["active"]) for key in keys if key["purpose"] == "signing"]
    assert sorted(signing) == sorted([(receipts[0]["signing_key"], False), (made["key_id"], True)])
    assert run_cli(home, "receipt", "verify", receipt_file).exit_code == 0


@pytest.mark.parametrize("purpose", ["originals", "log", "index", "credentials"])
def test_rotated_masters_still_read_what_they_wrote(
    served: Served, receipts: Receipts, tmp_path: Path, purpose: str
) -> None:
    home = copy_of(served.home, tmp_path / "copy")
    made = json_of(run_cli(home, "keys", "rotate", purpose, "--json"))
    assert made == {"purpose": purpose, "key_id": f"{purpose}/2"}
    assert run_cli(home, "get", receipts[0]["id"]).stdout_bytes == receipts[0]["path"].read_bytes()


def test_gateways_come_and_go(home: Path) -> None:
    added = json_of(run_cli(home, "gateway", "add", "second", "--json"))
    assert set(added) == {"gateway", "token", "id", "token_id"}
    listed = json_of(run_cli(home, "gateway", "list", "--json"))
    assert (listed["gateways"], listed["policies"]) == (["gateway-1", "second"], {})
    assert run_cli(home, "gateway", "add", "second").exit_code == 5
    assert run_cli(home, "gateway", "remove", "second").exit_code == 0
    assert run_cli(home, "gateway", "remove", "second").exit_code == 4
    assert run_cli(home, "gateway", "add", "Not A Name").exit_code == 2
    assert run_cli(home, "gateway", "list").stdout == "gateway-1\n"


def test_status_says_plainly_how_weak_the_lock_is(home: Path) -> None:
    result = run_cli(home, "status", "--url", "http://127.0.0.1:1")
    assert result.exit_code == 0
    assert "can delete; set immutable = true" in result.stdout
    assert "http://127.0.0.1:1" in result.stdout


def test_samples_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    counted = json_of(run_cli(tmp_path, "sample", "--count", 2, "--seed", 9, "--output", first, "--json"))
    run_cli(tmp_path, "sample", "--count", 2, "--seed", 9, "--output", second)
    files = {path.name: path.read_bytes() for path in first.iterdir()}
    assert files == {path.name: path.read_bytes() for path in second.iterdir()}
    messages = [json.loads(line) for line in files["messages.ndjson"].splitlines()]
    assert {message["file"] for message in messages} == set(files) - {"messages.ndjson", "events.ndjson"}
    assert counted["messages"] == len(messages)
    assert counted["events"] == len(files["events.ndjson"].splitlines())
