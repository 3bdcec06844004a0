"""``vanvault export`` as a shell sees it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.export.conftest import members, run_verifier
from tests.support.archives import Node, event, message
from tests.support.command import json_of, run_cli
from vanvault.archiver.appliance import Archive

REASON = ("--reason", "inspection 7/2026")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    json_of(run_cli(path, "init", "--json"))
    with Archive.open(path) as archive, Node(archive) as node:
        node.wait_ready()
        node.submit([message("m-1", b"<x/>"), event("e-1"), node.placed(message("m-2", b"<y/>" * 3000))])
    return path


def test_a_zip_from_the_command_line(home: Path, tmp_path: Path) -> None:
    output = tmp_path / "x.zip"
    arguments = ("export", "-o", output, "--format", "zip", "--gateway", "gateway-1", *REASON)
    done = json_of(run_cli(home, *arguments, "--json"))
    assert (done["items"], done["messages"], done["events"], done["originals"]) == (3, 2, 1, 2)
    assert done["unreadable"] == []
    assert done["bytes"] == output.stat().st_size
    assert output.stat().st_mode & 0o777 == 0o600
    public = tmp_path / "key.pem"
    public.write_text(run_cli(home, "receipt", "public-key").stdout)
    assert run_verifier(output, public)[0] == 0
    again = run_cli(home, *arguments)
    assert again.exit_code == 5
    assert "is there already" in again.stderr


def test_people_are_told_what_was_written(home: Path, tmp_path: Path) -> None:
    result = run_cli(
        home, "export", "-o", tmp_path / "x.csv", "--format", "csv", "--entry", "message", *REASON
    )
    assert result.exit_code == 0
    assert "2 messages, 0 events" in result.stdout
    assert (tmp_path / "x.csv.manifest.json").exists()


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("--format", "csv"), "reason"),
        (("--format", "csv", "--reason", " "), "reason"),
        (("--format", "doc", *REASON), "format"),
        (("--format", "csv", *REASON, "--from", "yesterday"), "from"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_written(
    home: Path, tmp_path: Path, arguments: tuple[str, ...], field: str
) -> None:
    result = run_cli(home, "export", "-o", tmp_path / "out" / "x", *arguments, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["field"] == field
    assert not (tmp_path / "out").exists()


def test_a_lost_original_is_named_and_ends_with_3(home: Path, tmp_path: Path) -> None:
    large = [path for path in (home / "sites").rglob("*.framed~*") if path.is_file()]
    assert len(large) == 2
    for path in large:
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        os.chmod(path, 0o600)
        path.write_bytes(data)
    arguments = ("export", "-o", tmp_path / "x.zip", "--format", "zip", "--entry", "message", *REASON)
    result = run_cli(home, *arguments, "--json")
    assert result.exit_code == 3, result.stderr
    (lost,) = json.loads(result.stdout)["unreadable"]
    assert lost["reason"] == "damaged"
    assert json.loads(members(tmp_path / "x.zip")["manifest.json"])["unreadable"] == [lost]
