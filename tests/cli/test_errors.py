"""The edge: every way in which a run may end has its exit code, one clear line, and JSON when asked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.faulty_server import Answer, faulty_server
from tests.support.command import COMMAND, run_cli
from vanvault.api.problems import problem_of
from vanvault.archiver.core.error_table import ERROR_TABLE, ExitCode, described, error_object, exit_code_of
from vanvault.archiver.core.errors import (
    AccessDenied,
    ApprovalNeeded,
    BatchLost,
    Busy,
    CacheLost,
    Conflict,
    Damaged,
    EncodedBody,
    EntryDisposed,
    Forged,
    InvalidInput,
    KeyUnavailable,
    LockRefused,
    MachineLimit,
    NotFound,
    SettingsError,
    SiteFaulty,
    SiteFull,
    SiteUnavailable,
    TooLarge,
    TooSlow,
    VanVaultError,
)
from vanvault.cli.errors import run_at_edge
from vanvault.cli.problems import error_of


def test_a_good_run_ends_with_zero_or_the_code_of_the_verb() -> None:
    assert run_at_edge(lambda: None, []) is ExitCode.OK
    assert run_at_edge(lambda: ExitCode.CHECK_FAILED, []) is ExitCode.CHECK_FAILED


def test_an_error_is_one_line_and_one_hint_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise SiteFull("no\nroom", site="primary", hint="make room")

    assert run_at_edge(fail, ["verify"]) is ExitCode.SITE
    assert capsys.readouterr() == ("", "error: no room\nhint: make room\n")


def test_with_json_the_error_is_the_last_line_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise InvalidInput("wrong", field="limit")

    assert run_at_edge(fail, ["search", "--json"]) is ExitCode.USAGE
    described = {"kind": "invalid-input", "message": "wrong", "hint": "", "field": "limit"}
    assert json.loads(capsys.readouterr().out) == {"error": described}
    assert error_object(InvalidInput("wrong", field="limit")) == described


def test_an_unknown_kind_of_error_is_internal() -> None:
    assert exit_code_of(VanVaultError("new")) is ExitCode.INTERNAL


def test_a_bug_says_nothing_of_its_data(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise KeyError("7931234567")

    monkeypatch.delenv("VANVAULT_DEBUG", raising=False)
    assert run_at_edge(fail, []) is ExitCode.INTERNAL
    shown = capsys.readouterr().err
    assert "KeyError" in shown
    assert "VANVAULT_DEBUG=1" in shown
    assert "7931234567" not in shown
    assert "Traceback" not in shown
    monkeypatch.setenv("VANVAULT_DEBUG", "1")
    run_at_edge(fail, [])
    assert "Traceback" in capsys.readouterr().err


def test_what_the_machine_refuses_names_the_path(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        Path("/proc/self/none").read_bytes()

    assert run_at_edge(fail, ["--json"]) is ExitCode.INTERNAL
    output = capsys.readouterr()
    assert "/proc/self/none: No such file or directory" in output.err
    assert json.loads(output.out)["error"]["kind"] == "system"


def test_a_hot_tail_that_cannot_be_opened_is_made_anew(tmp_path: Path) -> None:
    assert run_cli(tmp_path / "h", "init").exit_code == 0
    assert run_cli(tmp_path / "h", "status").exit_code == 0
    shutil.rmtree(tmp_path / "h" / "cache")
    (tmp_path / "h" / "cache" / "hot-tail-index-1.sqlite").mkdir(parents=True)
    result = run_cli(tmp_path / "h", "search")
    assert result.exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("search", "--nonsense"),
        ("get",),
        ("keys", "rotate", "nonsense"),
        ("push", "/nonexistent"),
    ],
)
def test_a_wrong_command_line_ends_with_two(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run_cli(tmp_path, *arguments, "--json")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert "--help" in result.stderr
    assert json.loads(result.stdout)["error"]["kind"] == "usage"


@pytest.mark.parametrize(
    "arguments", [("--help",), ("gateway", "--help"), ("search", "--help"), ("--version",)]
)
def test_help_is_no_error(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run_cli(tmp_path, *arguments).exit_code == 0


def test_a_shell_sees_the_codes(tmp_path: Path) -> None:
    def code(*arguments: str) -> int:
        return subprocess.run([*COMMAND, "--home", str(tmp_path), *arguments], capture_output=True).returncode

    assert code() == 2
    assert code("status") == 6
    assert code("init") == 0
    assert code("gateway", "remove", "none") == 4
    shutil.rmtree(tmp_path / "sites" / "standby")
    assert code("status") == 10


def test_an_interruption_ends_with_130_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x")
    with faulty_server([Answer(503, None, {"Retry-After": "50"})]) as server:
        process = subprocess.Popen(
            [*COMMAND, "push", str(path), "--url", server.url],
            env=os.environ | {"VANVAULT_TOKEN": "t"},
            stderr=subprocess.PIPE,
            # A test run in the background ignores SIGINT, and its children would too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert server.asked.wait(30)
        process.send_signal(signal.SIGINT)
        _, shown = process.communicate(timeout=20)
    assert process.returncode == 130
    assert shown.endswith(b"error: interrupted\n")


def test_help_loads_nothing_that_is_slow() -> None:
    program = (
        "import sys; from vanvault.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "slow = {'pyarrow', 'httpx', 'fastapi', 'pydantic', 'rich', 'lxml', 'boto3'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_a_read_that_hangs_does_not_keep_the_program_from_its_end() -> None:
    program = (
        "import sys, threading, time; from concurrent.futures import ThreadPoolExecutor\n"
        "from vanvault.cli.main import run\n"
        "ThreadPoolExecutor().submit(time.sleep, 600)\n"
        "sys.argv = ['vanvault', *sys.argv[1:]]; run()\n"
    )
    command = [sys.executable, "-c", program]
    good = subprocess.run([*command, "--version"], capture_output=True, timeout=60, check=False)
    assert (good.returncode, good.stdout[:8]) == (0, b"vanvault")
    bad = subprocess.run([*command, "no-such-verb", "--json"], capture_output=True, timeout=60, check=False)
    assert bad.returncode == 2
    assert b"no-such-verb" in bad.stdout


SAMPLES: list[VanVaultError] = [
    TooLarge("the original is too large", limit=10, field="body"),
    EncodedBody("the body has a Content-Encoding", hint="Send it without."),
    TooSlow("it came too slowly", hint="Send it again."),
    InvalidInput("period is no month", field="period", hint="Write 2026-03."),
    AccessDenied("the token is not known here", hint="Ask the operator."),
    AccessDenied("no right to this", authenticated=True, hint="Use another."),
    ApprovalNeeded("others must approve it", request="q-1", hint="They see it there."),
    NotFound("the archive holds no entry x", hint="Look at the id."),
    EntryDisposed("it was disposed of", certificate="d-0123456789abcdef", on="2037-01-02", hint="See it."),
    Conflict("the id has other bytes", hint="Use another id."),
    Busy("too much at once", hint="Later."),
    CacheLost("the hot tail is made anew", hint="Send it again."),
    BatchLost("nobody can say now", hint="Run: vanvault verify."),
    SiteFaulty("the listing of primary is out of order", site="primary", hint="Look at its disk."),
    SiteFull("site primary has no room left", site="primary"),
    SiteFull("not acknowledged: site primary has no room left", site="primary", may_be_stored=True),
    SiteUnavailable("site primary is away", site="primary", hint="Bring it back."),
    LockRefused("the object is locked", hint="Wait."),
    Forged("no trusted key signed it"),
    Damaged("the bytes are other ones", hint="Run: vanvault verify."),
    KeyUnavailable("originals/1 is missing", hint="Restore it."),
    SettingsError("clock.max_skew_s is 0", hint="Correct it."),
]


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_the_api_tells_a_cause_in_the_words_of_the_command_line(error: VanVaultError) -> None:
    """Through the API and back: the same message and hint, and the same exit code."""
    problem = problem_of(error)
    back = error_of(problem, int(problem["status"]))
    code, said = described(error)
    assert (problem["detail"], problem.get("hint", "")) == (said["message"], said["hint"])
    again_code, again = described(back)
    assert (again["message"], again["hint"]) == (said["message"], said["hint"])
    assert again_code == code
    # The problem type of these is that of every site that cannot be used, or of every caller who is to wait.
    if not isinstance(error, (SiteFaulty, CacheLost)):
        assert again["kind"] == said["kind"]


def test_every_kind_of_error_has_its_sample() -> None:
    assert {type(error) for error in SAMPLES} | {MachineLimit} == {row.error for row in ERROR_TABLE}
