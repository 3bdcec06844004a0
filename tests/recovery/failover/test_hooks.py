"""Hooks: what they are told, and that one that fails, hangs or is not there holds up nothing."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from vanvault.recovery.failover.hooks import HookResult, run_hook


def run(*command: str, timeout_s: float = 20) -> HookResult:
    return run_hook(
        command, action="promote", epoch=3, leader="standby", url="file:sites/standby", timeout_s=timeout_s
    )


def test_a_hook_is_told_epoch_and_leader(tmp_path: Path) -> None:
    told = tmp_path / "told"
    code = (
        "import os, sys; names = ('ACTION', 'EPOCH', 'LEADER', 'URL');"
        "open(sys.argv[1], 'w').write(' '.join(os.environ['VANVAULT_FAILOVER_' + name] for name in names))"
    )
    assert run(sys.executable, "-c", code, str(told)).ok
    assert told.read_text() == "promote 3 standby file:sites/standby"


def test_the_arguments_meet_no_shell(tmp_path: Path) -> None:
    result = run(sys.executable, "-c", "import sys; print(sys.argv[1])", "$(touch x); `id`")
    assert (result.ok, result.output) == (True, "$(touch x); `id`")


def test_a_hook_that_fails_says_so() -> None:
    result = run(sys.executable, "-c", "import sys; print('no such address'); sys.exit(7)")
    assert (result.ok, result.summary, result.output) == (False, "exit 7", "no such address")


def test_a_hook_that_hangs_is_killed_with_all_that_it_started() -> None:
    started = time.monotonic()
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(300)'])"
    result = run(sys.executable, "-c", code, timeout_s=1)
    assert (result.ok, result.timed_out, result.summary) == (False, True, "timed out")
    assert time.monotonic() - started < 30


def test_what_a_hook_leaves_running_is_not_waited_for() -> None:
    started = time.monotonic()
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(25)'])"
    assert run(sys.executable, "-c", code).ok
    assert time.monotonic() - started < 20


def test_a_hook_that_is_not_there() -> None:
    result = run("/no/such/command")
    assert (result.ok, result.exit, result.summary) == (False, None, "could not be run")
