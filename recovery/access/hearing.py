"""A running node hears what verbs of its home look at, and puts it on record for them."""

from __future__ import annotations

import os
import pwd
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from vanvault.archiver.core.errors import AccessDenied, Busy, VanVaultError
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.people.looks import Look, Viewer
from vanvault.recovery.access.hand_over import (
    LONGEST_LINE,
    answer_line,
    look_of_line,
    look_socket,
    received_line,
)
from vanvault.recovery.access.recorder import LookRecorder

#: Verbs that are answered at once; others wait until one of them is.
_VERBS = 8
#: Seconds that a verb has to say what it looks at.
_SILENCE_S = 10.0

_log = Logger("vanvault.looks")


class LookHearing:
    """One socket of one process; the kernel says whose process is at the other end."""

    def __init__(self, home: Path, recorder: LookRecorder) -> None:
        self._home = home
        self._recorder = recorder
        self._listening: socket.socket | None = None

    @property
    def task(self) -> Task:
        """Lasts as long as the node."""
        return Task("looks", self.run, ask=self._wake)

    def run(self, stop: Signal) -> None:
        """Answer verbs until told to stop. Where the home takes no socket, they write looks by themselves."""
        try:
            with look_socket(self._home) as listening, ThreadPoolExecutor(_VERBS, "look") as threads:
                self._listening = listening
                while not stop.is_set():
                    try:
                        verb, _ = listening.accept()
                    except OSError:  # woken to stop, or no more open files
                        stop.wait(0.1)
                        continue
                    threads.submit(self._hear, verb)
        except OSError as error:
            _log.warning("verbs of this home cannot hand over what they look at", reason=str(error))
            stop.wait()

    def _wake(self) -> None:
        if self._listening is not None:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)

    def _hear(self, verb: socket.socket) -> None:
        with verb:
            try:
                verb.settimeout(_SILENCE_S)
                line = received_line(verb)
                if line:
                    verb.sendall(answer_line(self._error_of(verb, line)))
            except OSError as error:
                _log.warning("a verb went away before its look was on record", reason=str(error))

    def _error_of(self, verb: socket.socket, line: bytes) -> VanVaultError | None:
        """Why the look is not on record; None: it is."""
        try:
            if len(line) >= LONGEST_LINE:
                raise Busy("a look that names so much is not taken")
            self._recorder.recorded(self._look_of(verb, line))
        except VanVaultError as error:
            return error
        return None

    def _look_of(self, verb: socket.socket, line: bytes) -> Look:
        """Raises AccessDenied (another account's process), InvalidInput."""
        size = struct.calcsize("3i")
        _, uid, _ = struct.unpack("3i", verb.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        if uid not in (0, os.geteuid(), self._home.stat().st_uid):
            raise AccessDenied("this account is not the home's", authenticated=True)
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:
            name = f"uid {uid}"
        return look_of_line(line, Viewer(name, "os-account", str(uid)))
