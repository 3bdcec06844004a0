"""Progress lines, tables, figures, tokens and files of the command line."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vanvault.archiver.core.errors import Conflict, InvalidInput
from vanvault.archiver.stores import Capabilities
from vanvault.cli.credentials import bearer_token
from vanvault.cli.files import write_whole
from vanvault.cli.output import human_duration, human_size, print_pairs, print_table
from vanvault.cli.progress import LogProgress, progress
from vanvault.recovery.status import lock_strength


class Log:
    def __init__(self, total: int | None, total_bytes: int | None = None) -> None:
        self.time = 100.0
        self.lines: list[str] = []
        self.progress = LogProgress(
            "restoring", total, total_bytes, echo=self.lines.append, now=lambda: self.time
        )


def test_a_log_gets_sparse_lines_with_rate_and_time_left() -> None:
    log = Log(1000, 10_000_000)
    for _ in range(500):
        log.time += 0.1
        log.progress.step(1, 10_000)
    assert log.lines == [
        f"restoring: {10 * n}%, {100 * n} of 1000, {n}.0 MB, 100.0 kB/s, {left} left"
        for n, left in zip(range(1, 6), ("1m 30s", "1m 20s", "1m 10s", "1m 00s", "50s"), strict=True)
    ]


def test_a_slow_log_gets_a_line_every_ten_seconds_and_a_fast_one_only_the_last() -> None:
    slow = Log(100_000)
    for _ in range(61):
        slow.time += 1
        slow.progress.step()
    assert len(slow.lines) == 6
    fast = Log(100)
    for _ in range(100):
        fast.progress.step()
    fast.progress.end()
    assert fast.lines == ["restoring: 100%, 100 of 100, 0s"]


def test_the_last_line_is_said_once() -> None:
    log = Log(10)
    for _ in range(10):
        log.time += 2
        log.progress.step()
    log.progress.end()
    assert log.lines[-1] == "restoring: 100%, 10 of 10, 20s"
    assert len(log.lines) == 10


def test_without_a_total_there_is_no_share() -> None:
    log = Log(None)
    log.time += 11
    log.progress.step(5, 100)
    assert log.lines == ["restoring: 5, 100 B, 9 B/s, 11s"]


def test_many_threads_may_step() -> None:
    log = Log(4000)
    threads = [threading.Thread(target=lambda: [log.progress.step() for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.progress.end()
    assert log.lines == ["restoring: 100%, 4000 of 4000, 0s"]


def test_quiet_progress_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("pushing", total=1, quiet=True) as step:
        step(1, 5)
    assert capsys.readouterr() == ("", "")
    with progress("pushing", total=1) as step:
        step(1, 5)
    assert capsys.readouterr() == ("", "pushing: 100%, 1 of 1, 5 B, 0s\n")


def test_on_a_terminal_there_is_a_bar_and_stdout_stays_its_own(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    program = (
        "from vanvault.cli.progress import progress\n"
        "with progress('pushing', total=2) as step:\n"
        "    print('a receipt')\n"
        "    step(); step()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm"},
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 65536)
    os.close(ours)
    assert done.stdout == b"a receipt\n"
    assert b"2/2" in shown
    assert b"a receipt" not in shown


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (10**18, "1000.0 PB"),
    ],
)
def test_sizes_are_said_in_words(size: int, text: str) -> None:
    assert human_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (59.4, "59s"), (59.6, "1m 00s"), (3599.6, "1h 00m"), (25_500, "7h 05m")],
)
def test_durations_are_said_in_words(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


def test_tables_show_markup_as_it_is_and_fold_nothing_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [("[red]x[/red]", "y" * 300)])
    assert capsys.readouterr().out.splitlines()[1].split() == ["[red]x[/red]", "y" * 300]


def test_pairs_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_pairs([("a", 1), ("long", ""), ("", "x")])
    assert capsys.readouterr().out == "a     1\nlong\n      x\n"


def test_a_token_comes_from_the_first_place_that_has_one(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("of-file\n")
    everything = {
        "VANVAULT_TOKEN": "of-variable",
        "VANVAULT_TOKEN_FILE": str(path),
        "VANVAULT_TOKEN_COMMAND": "echo 'of-command'",
    }
    assert bearer_token(path, everything) == "of-file"
    assert bearer_token(None, everything) == "of-variable"
    del everything["VANVAULT_TOKEN"]
    assert bearer_token(None, everything) == "of-file"
    del everything["VANVAULT_TOKEN_FILE"]
    assert bearer_token(None, everything) == "of-command"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"VANVAULT_TOKEN": ""},
        {"VANVAULT_TOKEN": "two words"},
        {"VANVAULT_TOKEN": "mật-khẩu"},
        {"VANVAULT_TOKEN_FILE": "/nonexistent"},
        {"VANVAULT_TOKEN_FILE": "/"},
        {"VANVAULT_TOKEN_COMMAND": "false secret-word"},
        {"VANVAULT_TOKEN_COMMAND": "/nonexistent secret-word"},
        {"VANVAULT_TOKEN_COMMAND": "unbalanced 'secret-word"},
    ],
)
def test_a_missing_token_is_wrong_input_and_no_secret_is_told(environment: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as failure:
        bearer_token(None, environment)
    assert "secret-word" not in failure.value.message + failure.value.hint


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_whole(path, b"1")
    with pytest.raises(Conflict):
        write_whole(path, b"2", replace=False)
    assert path.read_bytes() == b"1"
    write_whole(path, b"3")
    assert path.read_bytes() == b"3"
    with pytest.raises(InvalidInput):
        write_whole(path / "below-a-file", b"4")
    with pytest.raises(InvalidInput):
        write_whole(path.parent, b"5")
    assert [found.name for found in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("lock", "binds", "words"),
    [
        ("permissions", False, "can delete"),
        ("immutable-flag", False, "root can take the flag off"),
        ("compliance", False, "get round it"),
        ("compliance", True, "administrators too"),
        ("of-the-future", True, "of-the-future"),
    ],
)
def test_the_strength_of_a_lock_in_words(lock: str, binds: bool, words: str) -> None:
    strength = lock_strength(Capabilities(lock=lock, lock_binds_administrator=binds))
    assert words in strength
    assert ("get round it" in strength) == (lock == "compliance" and not binds)
