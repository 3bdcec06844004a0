"""One command, run to its end and measured: the clock, its CPU, the most memory it held."""

from __future__ import annotations

import compileall
import ctypes
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import vanvault

_SAMPLE_S = 0.05
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended well. CPU and memory are those of its process, with all its threads."""

    seconds: float
    cpu_s: float
    peak_bytes: int  # resident set at its largest
    output: bytes


def run(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, cwd: Path | None = None
) -> Finished:
    """Run ``command`` with these variables added. Raises SystemExit, with what it said, when it fails."""
    variables = _variables(environment)
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, env=variables, cwd=cwd, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        ended, peaks = threading.Event(), [0]
        watch = threading.Thread(target=_watch, args=(process.pid, ended, peaks))
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        ended.set()
        watch.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read()
    if process.returncode:
        text = output.decode(errors="replace")[-2000:]
        raise SystemExit(f"{' '.join(command[:3])} ended with {process.returncode}:\n{text}")
    return Finished(seconds, usage.ru_utime + usage.ru_stime, max(peaks), output)


def _variables(environment: Mapping[str, str] | None) -> dict[str, str]:
    """What a command finds in its environment: Python starts as it does where the program is installed."""
    _compile()
    variables = {**os.environ, **(environment or {})}
    variables.pop("AWS_CA_BUNDLE", None)  # with it, rclone fails on servers without TLS
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables


@cache
def _compile() -> None:
    """Make the byte code that an installation makes, too: without it every start compiles for 0.2 s."""
    for folder in Path(vanvault.__file__).parent.iterdir():
        if folder.is_dir():  # a link to the room, in a work tree
            compileall.compile_dir(folder, quiet=1)


def _watch(pid: int, ended: threading.Event, peaks: list[int]) -> None:
    """Note the highest resident set. wait4's ru_maxrss starts with what this process held as it forked."""
    status = Path(f"/proc/{pid}/status")
    while not ended.wait(_SAMPLE_S):
        with suppress(OSError):
            lines = status.read_text(encoding="ascii", errors="replace").splitlines()
            peaks += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]


def run_group(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, cwd: Path | None = None
) -> Finished:
    """As ``run``, but all processes that the command starts count: CPU of each, and their memory together.

    Memory is the sum of proportional set sizes: what processes share counts once.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # whose parent ended becomes a child of ours
    variables = _variables(environment)
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=variables,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        ended, peaks = threading.Event(), [0]
        watch = threading.Thread(target=_watch_group, args=(process.pid, ended, peaks))
        watch.start()
        seconds, cpu_s, code = 0.0, 0.0, 0
        with suppress(ChildProcessError):  # nobody of the group is left
            while True:
                pid, status, usage = os.wait4(-process.pid, 0)
                cpu_s += usage.ru_utime + usage.ru_stime
                if pid == process.pid:
                    seconds, code = time.perf_counter() - begun, os.waitstatus_to_exitcode(status)
        process.returncode = code
        ended.set()
        watch.join()
        said.seek(0)
        output = said.read()
    if code:
        text = output.decode(errors="replace")[-2000:]
        raise SystemExit(f"{' '.join(command[:3])} ended with {code}:\n{text}")
    return Finished(seconds, cpu_s, max(peaks), output)


def _watch_group(group: int, ended: threading.Event, peaks: list[int]) -> None:
    while not ended.wait(2 * _SAMPLE_S):
        peaks.append(sum(_proportional_bytes(stat.parent) for stat in _members(group)))


def _members(group: int) -> Iterator[Path]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[2]) == group:
                yield stat


def _proportional_bytes(process: Path) -> int:
    with suppress(OSError):
        for line in (process / "smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
