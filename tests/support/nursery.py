"""Processes of our own program that begin with its modules loaded.

A Python that starts the program spends two seconds of CPU on imports before it does anything, and the tests
start some hundred servers. So one process for each process of the tests imports everything once; each server
is a fork of it, with its own arguments, environment and outputs. It is a process like any other: signals,
kills and exit codes are real. What is about the start of the program itself starts it the usual way.

``begin`` and ``run`` are for tests; the rest runs in the process that forks.
"""

from __future__ import annotations

import ctypes
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

_REQUEST_BYTES = 2**20
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Child:
    """A started process, with the part of ``subprocess.Popen`` that tests use."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection  # the exit code comes on it
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """The exit code, the negative number of the signal that ended it, or None: it runs."""
        return self._ended_within(0)

    def wait(self, timeout: float) -> int:
        """As ``poll``, once it has ended. Raises subprocess.TimeoutExpired."""
        code = self._ended_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended_within(self, seconds: float) -> int | None:
        with self._lock:
            if self.returncode is None and self._is_told(seconds):
                told = self._connection.recv(64)
                self._connection.close()
                assert told, "the process that forks has ended"
                self.returncode = int(told)
        return self.returncode

    def _is_told(self, seconds: float) -> bool:
        looking = select.poll()  # select takes no descriptor from 1024 on
        looking.register(self._connection, select.POLLIN)
        return bool(looking.poll(seconds * 1000))


class _Nursery:
    """The process that forks, as its parent sees it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.nursery", str(theirs.fileno()), str(os.getpid())],
                pass_fds=[theirs.fileno()],
                cwd=Path(__file__).parents[2],
                stdin=subprocess.DEVNULL,
            )
        self._connection = ours

    def begin(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str], out: int, err: int
    ) -> Child:
        request = {"module": module, "arguments": list(arguments), "environment": dict(environment)}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self._connection, [json.dumps(request).encode()], [out, err, theirs.fileno()])
        pid = ours.recv(64)
        assert pid, "the process that forks has ended"
        return Child(int(pid), ours)


_lock = threading.Lock()
_running: dict[int, _Nursery] = {}  # by our own process id: what a fork inherits is not its own


def begin(
    module: str, arguments: Sequence[str], *, environment: Mapping[str, str], out: int, err: int
) -> Child:
    """``python -m MODULE ARGUMENTS`` with this environment and these descriptors for its outputs."""
    with _lock:
        nursery = _running.get(os.getpid())
        if nursery is None:
            nursery = _running[os.getpid()] = _Nursery()
        return nursery.begin(module, arguments, environment, out, err)


def run(module: str, arguments: Sequence[str], *, timeout: float) -> subprocess.CompletedProcess[str]:
    """``python -m MODULE ARGUMENTS`` to its end, killed after ``timeout`` seconds, with what it printed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = begin(module, arguments, environment=os.environ, out=out.fileno(), err=err.fileno())
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        printed = []
        for file in (out, err):
            file.seek(0)
            printed.append(file.read().decode())
        return subprocess.CompletedProcess([module, *arguments], code, *printed)


def _end_with_parent(parent: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _load() -> None:
    """Import what a node and the verbs need."""
    import vanvault.api.app
    import vanvault.cli.main
    import vanvault.cli.serve
    import vanvault.recovery.schedule  # noqa: F401 - each is imported for the forks


def _serve(connection: socket.socket) -> None:
    """Fork for each request, and tell each exit code; ends when the tests do."""
    children: dict[int, tuple[int, socket.socket]] = {}  # pidfd -> process, where its end is told
    while True:
        ready, _, _ = select.select([connection, *children], [], [])
        for one in ready:
            if one is not connection:
                pid, told = children.pop(one)
                _, status = os.waitpid(pid, 0)
                os.close(one)
                told.send(str(os.waitstatus_to_exitcode(status)).encode())
                told.close()
                continue
            data, descriptors, _, _ = socket.recv_fds(connection, _REQUEST_BYTES, 3)
            if not data:
                return
            out, err, end = descriptors
            told = socket.socket(fileno=end)
            pid = os.fork()
            if pid == 0:
                connection.close()
                told.close()
                for descriptor, (_, other) in children.items():
                    os.close(descriptor)
                    other.close()
                _become(json.loads(data), out, err)
            os.close(out)
            os.close(err)
            told.send(str(pid).encode())
            children[os.pidfd_open(pid)] = pid, told


def _become(request: dict[str, object], out: int, err: int) -> None:
    """In the fork: turn into the program, and end as it ends."""
    _end_with_parent(os.getppid())
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    environment, arguments = request["environment"], request["arguments"]
    assert isinstance(environment, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    module = str(request["module"])
    sys.argv = [module, *arguments]
    code: object = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter itself would end
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    _end_with_parent(int(sys.argv[2]))
    _load()
    _serve(socket.socket(fileno=int(sys.argv[1])))
