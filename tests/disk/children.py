"""Processes of their own that lock, create and replace files, for the tests to watch and kill."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BEGIN = """
import sys
from pathlib import Path
from vanvault.archiver.disk import create_file, replace_file, take_lock, try_lock
path = Path(sys.argv[1])
"""

HOLD = "lock = try_lock(path)\nprint('held' if lock else 'taken', flush=True)\nsys.stdin.readline()\n"
WAIT = "print('waits', flush=True)\nwith take_lock(path): print('held', flush=True)\n"
CREATE = """
print('ready', flush=True); sys.stdin.readline()
try:
    create_file(path, sys.argv[2].encode() * 100_000)
except FileExistsError:
    print('lost', flush=True)
else:
    print('won', flush=True)
"""
REPLACE = """
print('ready', flush=True)
while True:
    for letter in b'ab':
        replace_file(path, bytes([letter]) * 300_000)
"""


@contextmanager
def child(code: str, path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process with the room's door imported; killed at the end of the block."""
    with subprocess.Popen(
        [sys.executable, "-c", _BEGIN + code, str(path), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    """The next line that the process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go_on(process: subprocess.Popen[str]) -> None:
    """Give a waiting process the line that it reads."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
