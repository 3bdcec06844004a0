"""What cannot be written to standard output is one error, of every verb; names that are no text stop none."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Served
from tests.support.command import COMMAND, run_cli
from vanvault.cli.output import emit_json, one_line, print_pairs, print_table, shown

LOST = "error: what this verb says could not be written to standard output: "


def at_shell(home: Path, words: str, redirection: str) -> subprocess.CompletedProcess[str]:
    """The command as a shell starts it, with a redirection."""
    script = f'"$@" {redirection}'
    command = ["sh", "-c", script, "sh", *COMMAND, "--home", str(home), *words.split()]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "redirection", "why"),
    [
        ("status --json", "> /dev/full", "No space left on device"),
        ("status", "> /dev/full", "No space left on device"),
        ("gateway list", "> /dev/full", "No space left on device"),
        ("schedule list --json", "> /dev/full", "No space left on device"),
        ("--help", "> /dev/full", "No space left on device"),
        ("keys list --json", ">&-", "Bad file descriptor"),
    ],
)
def test_output_that_cannot_be_written_is_one_error_and_exit_code_1(
    home: Path, words: str, redirection: str, why: str
) -> None:
    done = at_shell(home, words, redirection)
    assert done.returncode == 1, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert errors == [LOST + why]
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_ended_is_told_nothing(home: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [*COMMAND, "--home", str(home), "keys", "list"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_error_of_the_verb_keeps_its_exit_code_where_nothing_can_be_printed(tmp_path: Path) -> None:
    done = at_shell(tmp_path / "none", "status --json", "> /dev/full")
    assert done.returncode == 6
    assert [line for line in done.stderr.splitlines() if line.startswith("error: ")] == [
        f"error: {tmp_path / 'none'} is no VanVault home: it has no vanvault.toml"
    ]


@pytest.mark.parametrize("redirection", ["2> /dev/full", "2>&-"])
def test_a_verb_works_where_nobody_hears_its_warnings(home: Path, redirection: str) -> None:
    done = at_shell(home, "status --json", redirection)
    assert done.returncode == 0
    assert json.loads(done.stdout)["sites_together"]


def test_what_is_closed_is_not_given_to_the_next_file(home: Path) -> None:
    """A number below 3 that is free would be the hot tail's, and what is printed would go into it."""
    assert at_shell(home, "status", ">&- 2>&- <&-").returncode == 1
    assert at_shell(home, "status --json", "").returncode == 0


def test_a_name_that_is_no_text_is_shown_with_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"bad-\xff\x1b[2J\n.xml")
    assert shown(name) == "bad-\\udcff\\x1b[2J\\n.xml"
    assert one_line(name) == "bad-\\udcff\\x1b[2J .xml"
    emit_json({"file": name, "in": [name]})
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == told["in"][0] == "bad-\\udcff\x1b[2J\n.xml"
    print_table(("file",), [(name,)])
    print_pairs([("file", name)])
    assert "\x1b" not in capsys.readouterr().out
    assert shown("Nguyễn Văn A") == "Nguyễn Văn A"


def test_a_file_whose_name_is_no_text_is_pushed_and_stops_no_other(served: Served, tmp_path: Path) -> None:
    names = [b"a.xml", b"bad-\xff.xml", b"new\nline-\x1b[2J.xml", b"z.xml"]
    paths = [tmp_path / os.fsdecode(name) for name in names]
    for number, path in enumerate(paths):
        path.write_bytes(f"<x>{number}</x>".encode())
    told = served.run("push", *paths, "--json")
    assert told.exit_code == 0, told.stderr
    assert len({json.loads(line)["message_id"] for line in told.stdout.splitlines()}) == len(paths)
    again = served.run("push", *paths)
    assert again.exit_code == 0
    assert [line.split("  ")[0] for line in again.stdout.splitlines()] == [shown(str(path)) for path in paths]


def test_a_file_that_is_not_there_stops_no_other_and_its_name_is_escaped(
    served: Served, tmp_path: Path
) -> None:
    first, last = tmp_path / "a.xml", tmp_path / "ok.xml"
    for path in (first, last):
        path.write_bytes(f"<{path.stem}/>".encode())
    gone = tmp_path / "gone\x1b[2J\n.xml"
    told = served.run("push", first, gone, tmp_path, last, "--json")
    assert told.exit_code == 2
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert [line.get("file") for line in lines] == [None, str(gone), str(tmp_path), None]
    assert [line["error"]["kind"] for line in lines[1:3]] == ["invalid-input"] * 2
    assert [line["message_id"].split("-")[0] for line in (lines[0], lines[3])] == ["a.xml", "ok.xml"]
    assert "\x1b" not in told.stderr
    assert "gone\\x1b[2J" in told.stderr


def test_a_value_that_is_no_text_fails_its_file_and_the_later_ones_are_told(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, good = tmp_path / os.fsdecode(b"gone-\xff.xml"), tmp_path / "good.xml"
    for path in (gone, good):
        path.write_bytes(b"<y/>")
    from vanvault.cli import push

    def vanishes(name: str, sha256: str) -> str:
        if name.startswith("gone"):
            gone.unlink()
        return f"{name[:4]}-{sha256[:8]}"

    monkeypatch.setattr(push, "message_id_of", vanishes)
    told = served.run("push", gone, good, "--json")
    failed, receipt = (json.loads(line) for line in told.stdout.splitlines())
    assert told.exit_code == 2
    assert failed["file"].endswith("gone-\\udcff.xml")
    assert failed["error"]["kind"] == "invalid-input"
    assert receipt["message_id"].startswith("good-")
    wrong = served.run("push", good, "--employer-code", os.fsdecode(b"\xff"), "--json")
    assert wrong.exit_code == 2
    assert "UTF-8" in json.loads(wrong.stdout)["error"]["message"]


def test_an_argument_that_is_no_text_is_a_wrong_command_line(home: Path) -> None:
    for words in (["search", "--employer-code"], ["get"], ["gateway", "add"]):
        result = run_cli(home, *words, os.fsdecode(b"\xff"))
        assert result.exit_code == 2, result.stderr
        assert "internal" not in result.stderr
