"""Child processes that never outlive the test run, free ports, and waiting for a server to answer.

A child asks the kernel for SIGKILL when its parent dies (``prctl(2)``, PR_SET_PDEATHSIG), so a killed
pytest leaves nothing behind. The signal is tied to the parent *thread*: start servers from the main one.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    os.kill(os.getpid(), signal.SIGKILL)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def bound(command: Sequence[str]) -> list[str]:
    """The command, so that its process ends (SIGKILL) when the thread that started it does.

    pytest-xdist gives its processes 10 s to end and then kills them, with whatever fixtures still had to end.
    """
    return [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command]


class ServerUnavailable(Exception):
    """A server cannot be installed, built or started on this machine; the text says why."""


@dataclass
class Processes:
    """The processes of one server, stopped by process id in the reverse order of their start."""

    log: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Run ``command`` in the foreground of its own session; its output goes to the log file."""
        with self.log.open("ab") as output:
            self.running.append(
                subprocess.Popen(
                    bound(command),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                )
            )

    def check_alive(self) -> None:
        """Raise ServerUnavailable, with the end of the log, when a process has ended by itself."""
        for process in self.running:
            if process.poll() is not None:
                tail = self.log.read_text(errors="replace")[-2000:]
                raise ServerUnavailable(f"a server process ended with {process.returncode}:\n{tail}")

    def stop(self) -> None:
        """Kill all processes: their data is thrown away with their folder, so nothing needs to be saved."""
        for process in reversed(self.running):
            process.kill()
        for process in self.running:
            process.wait()
        self.running.clear()

    def freeze(self) -> None:
        """Stop the processes from running (SIGSTOP): connections are taken, nothing answers."""
        for process in self.running:
            process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them run again after ``freeze``."""
        for process in self.running:
            process.send_signal(signal.SIGCONT)


def free_ports(count: int) -> list[int]:
    """``count`` different TCP ports on loopback that nothing uses at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def wait_until(ready: Callable[[], bool], what: str, processes: Processes, seconds: float = 60) -> None:
    """Poll ``ready`` until it is true; raise ServerUnavailable when a process ends or time runs out."""
    deadline = time.monotonic() + seconds
    while not ready():
        processes.check_alive()
        if time.monotonic() > deadline:
            raise ServerUnavailable(f"{what} did not happen in {seconds:.0f} s; see {processes.log}")
        time.sleep(0.1)


def answers(url: str) -> bool:
    """Does an HTTP server answer at ``url``, with whatever status below 500?"""
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def programs_missing(names: Sequence[str]) -> list[str]:
    """Those of ``names`` that are not on the PATH."""
    return [name for name in names if shutil.which(name) is None]
