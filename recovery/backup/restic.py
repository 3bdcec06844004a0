"""restic as a child process: an argument list, a clean environment, JSON lines read as they come."""

from __future__ import annotations

import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

import orjson

from vanvault.archiver.core.errors import Busy, Damaged, SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.recovery.backup.restic_facts import Features, Version, failure, features_of, parse_version

Listener = Callable[[Mapping[str, Any]], None]
"""Called with each JSON object that restic prints."""

_STDERR_TAIL = 16 * 1024
_PATIENCE_S = 10  # for an end after SIGINT, in which restic gives its lock back


class Restic:
    """One repository, as commands see it. Secrets are in ``environment`` only, never among arguments."""

    def __init__(self, program: str, environment: Mapping[str, str]) -> None:
        """Asks for the version. Raises SettingsError: there is no restic, or it is too old."""
        self._program = program
        self._environment = dict(environment)
        self.version: Version = self._ask_version()
        self.features: Features = features_of(self.version)

    @property
    def version_text(self) -> str:
        return ".".join(map(str, self.version))

    def run(self, *arguments: str, cwd: Path | None = None, listener: Listener | None = None) -> bytes:
        """Run one command; what it prints, or b"" where a ``listener`` takes that line by line.

        A stale lock that a killed process of this host left is removed once, by restic's own rule.

        Raises the kinds that ``restic_facts.failure`` names, Damaged when it prints no JSON where it must.
        """
        try:
            return self._run(arguments, cwd, listener)
        except Busy:
            self._run(("unlock",), None, None)
            return self._run(arguments, cwd, listener)

    def _run(self, arguments: Sequence[str], cwd: Path | None, listener: Listener | None) -> bytes:
        waiting = ("--retry-lock", "30s") if self.features.retry_lock and arguments[0] != "unlock" else ()
        with tempfile.TemporaryFile() as stderr:
            process = self._start((*waiting, *arguments), cwd, stderr)
            stdout = cast(IO[bytes], process.stdout)
            try:
                printed = b"" if listener else stdout.read()
                for line in stdout:
                    _tell(listener, line)
                code = process.wait()
            except BaseException:
                _end(process)
                raise
            finally:
                stdout.close()
            if code != 0:
                raise failure(code, _tail(stderr), self.features)
            return printed

    def _start(
        self, arguments: Sequence[str], cwd: Path | None, stderr: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [self._program, *arguments],
                cwd=cwd,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        except OSError as error:
            raise_limit(error)
            raise SettingsError(
                f"restic cannot be started: {error.strerror}",
                hint="Install restic 0.14 or newer, or set backup.program.",
            ) from error

    def _ask_version(self) -> Version:
        with tempfile.TemporaryFile() as stderr:
            process = self._start(("version",), None, stderr)
            printed, _ = process.communicate()
        return parse_version(printed.decode(errors="replace"))


def parse_json(printed: bytes) -> Any:
    """What a command printed as one JSON value. Raises Damaged."""
    try:
        return orjson.loads(printed)
    except ValueError as error:
        raise Damaged(
            "restic printed no JSON where it must", hint="Is it a known version of restic?"
        ) from error


def json_lines(printed: bytes) -> list[Mapping[str, Any]]:
    """What a command printed as JSON lines. Raises Damaged."""
    return [parse_json(line) for line in printed.splitlines() if line.strip()]


def _tell(listener: Listener | None, line: bytes) -> None:
    # Some versions mix lines for people into JSON output; these are not meant for us.
    if listener is not None and line.startswith(b"{"):
        listener(parse_json(line))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(stderr: IO[bytes]) -> str:
    stderr.seek(0, 2)
    stderr.seek(max(0, stderr.tell() - _STDERR_TAIL))
    return stderr.read().decode(errors="replace")
