"""push, sample, status and serve against a real node."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Served, start_node, stop_node
from tests.support.command import COMMAND, json_of, lines_of, run_cli
from tests.support.server import free_port

Receipts = list[dict[str, Any]]


def test_push_answers_a_receipt_for_each_file_in_order(receipts: Receipts) -> None:
    for receipt in receipts:
        content = receipt["path"].read_bytes()
        assert receipt["sha256"] == hashlib.sha256(content).hexdigest()
        assert {placement["site"] for placement in receipt["placements"]} == {"primary", "standby"}
    assert receipts[0]["message_id"] == "a.xml-" + receipts[0]["sha256"][:16]
    assert receipts[2]["message_id"].startswith("chữ ký.txt-")


def test_a_second_push_gives_the_first_receipts_and_saves_them(
    served: Served, receipts: Receipts, tmp_path: Path
) -> None:
    paths = [receipt["path"] for receipt in receipts]
    again = lines_of(served.run("push", *paths, "--json", "--receipts", tmp_path / "r"))
    first = [{name: value for name, value in receipt.items() if name != "path"} for receipt in receipts]
    assert again == first
    for receipt in first:
        assert json.loads((tmp_path / "r" / f"{receipt['id']}.json").read_bytes()) == receipt


def test_metadata_arrives_as_it_was_given(served: Served, receipts: Receipts) -> None:
    item = json_of(served.run("get", receipts[2]["id"], "--json"))
    assert item["employer_code"] == "TA0001A"
    assert item["insurance_numbers"] == ["7900000001", "7900000002"]
    assert item["agency"] == "BHXH tỉnh Khánh Hòa, 100 %"
    assert item["content_type"] == "text/plain"


def test_one_bad_file_does_not_stop_the_others(served: Served, tmp_path: Path) -> None:
    good, empty = tmp_path / "good.txt", tmp_path / "empty.txt"
    good.write_bytes(b"good")
    empty.write_bytes(b"")
    result = served.run("push", empty, good, "--json")
    assert result.exit_code == 2
    failed, receipt = lines_of(result)
    assert failed["error"]["kind"] == "invalid-input"
    assert failed["file"] == str(empty)
    assert receipt["size"] == 4
    assert "empty.txt: " in result.stderr


def test_the_same_id_with_other_bytes_is_a_conflict(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one")
    assert served.run("push", path, "--message-id", "mine").exit_code == 0
    path.write_bytes(b"two")
    result = served.run("push", path, "--message-id", "mine", "--json")
    assert result.exit_code == 5
    assert lines_of(result)[-1]["error"]["kind"] == "conflict"


def test_a_wrong_token_is_denied(served: Served, tmp_path: Path) -> None:
    path, token = tmp_path / "x", tmp_path / "token"
    path.write_bytes(b"x")
    token.write_text("vv1_wrong")
    result = served.run("push", path, "--token-file", token)
    assert result.exit_code == 9
    assert "error: " in result.stderr
    assert "vv1_wrong" not in result.output


def test_no_server_is_an_absent_site(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x")
    result = served.run("push", path, "--url", f"http://127.0.0.1:{free_port()}", "--wait", "0.2")
    assert result.exit_code == 10
    assert "vanvault serve" in result.stderr


def test_a_server_that_is_no_vanvault_is_named_so(served: Served) -> None:
    result = run_cli(served.home, "status", "--url", "ftp://x")
    assert result.exit_code == 2
    assert "http(s)" in result.stderr


def test_sample_pushes_messages_and_events_once(served: Served) -> None:
    arguments = ("sample", "--count", "3", "--seed", "5", "--size", "10000", "--push", served.url, "--json")
    first = json_of(served.run(*arguments))
    assert (first["transactions"], first["failed"]) == (3, 0)
    before = json_of(served.run("search", "--gateway", "gateway-1", "--limit", "500", "--json"))["items"]
    assert json_of(served.run(*arguments)) == first
    after = json_of(served.run("search", "--gateway", "gateway-1", "--limit", "500", "--json"))["items"]
    assert after == before
    assert len(before) < 500
    events = json_of(served.run("search", "--entry", "event", "--gateway", "gateway-1", "--json"))["items"]
    assert len(events) == first["events"]


def test_status_sees_the_server(served: Served, receipts: Receipts) -> None:
    found = json_of(served.run("status", "--json"))
    assert found["server"] == {"url": served.url, "ready": True, "detail": "ready"}
    assert found["hot_tail"]["entries"] >= len(receipts)
    assert found["hot_tail"]["complete"] is True


def test_serve_drains_at_sigterm_and_says_what_it_does_as_json(home: Path) -> None:
    process = start_node(home, free_port())
    code, log = stop_node(process)
    assert code == 0
    assert {json.loads(line)["event"] for line in log.splitlines()} >= {"serving"}


def test_serve_names_a_port_that_is_taken(served: Served) -> None:
    port = served.url.rpartition(":")[2]
    done = subprocess.run(
        [*COMMAND, "--home", str(served.home), "serve", "--port", port], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert f"port {port}" in done.stderr


@pytest.mark.parametrize("verb", ["search", "status", "serve"])
def test_a_folder_that_is_no_home_is_a_settings_error(verb: str, tmp_path: Path) -> None:
    result = run_cli(tmp_path, verb)
    assert result.exit_code == 6
    assert "vanvault.toml" in result.stderr


def test_serve_complains_of_a_missing_home_before_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run_cli(tmp_path, "serve", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 6
    assert "vanvault.toml" in result.stderr
    assert "cannot listen" not in result.stderr


@pytest.mark.parametrize("suffix", ["ACCESS_KEY", "SECRET_KEY_FILE", "SECRET_KEY_COMMAND"])
def test_a_node_does_not_start_with_the_right_to_remove(home: Path, suffix: str) -> None:
    name = f"VANVAULT_STANDBY_DISPOSER_{suffix}"
    refused = run_cli(home, "serve", "--port", str(free_port()), env={name: "anything"})
    assert refused.exit_code == 6
    assert "VANVAULT_STANDBY_DISPOSER_" in refused.stderr
    assert "anything" not in refused.stderr
