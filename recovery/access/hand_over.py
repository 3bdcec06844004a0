"""A verb hands its look to a running node of the home, by a socket that only the home's account can open.

One line of JSON each way::

    {"act": "search", "outcome": "shown", "asked": {...}, "shown": [...], "count": 3, "request": "..."}
    {"recorded": true}     or     {"error": {"kind": "site-unavailable", "message": "...", "hint": "..."}}

Who looks is not in it: the node asks the kernel which account is at the other end. The address of a socket
is at most 108 bytes, so it is named through an open folder.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from vanvault.archiver.core.error_table import error_object
from vanvault.archiver.core.errors import (
    Busy,
    Damaged,
    InvalidInput,
    KeyUnavailable,
    SiteUnavailable,
    VanVaultError,
)
from vanvault.archiver.people.looks import ACTS, OUTCOMES, Look, Viewer, look_of

#: Bytes of one line: a look names a thousand entries at most.
LONGEST_LINE = 256 * 1024
#: In the cache of a home: without it verbs write their looks themselves.
_FOLDER = Path("cache") / "looks"
_ENDING = ".sock"
#: Seconds that a verb waits for a node; then it writes the look by itself, which makes the same event.
_PATIENCE_S = 30.0


@contextmanager
def look_socket(home: Path) -> Iterator[socket.socket]:
    """The socket of this process, at which verbs of the home are heard in the block. Raises OSError."""
    folder = home / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{os.getpid()}{_ENDING}"
    unheard = path.with_suffix(".new")
    for old in (path, unheard):  # of a process that had this number before
        old.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening, _opened(folder) as within:
        listening.bind(f"{within}/{unheard.name}")
        unheard.chmod(0o600)
        listening.listen(64)
        unheard.rename(path)  # before, a verb would take it for one that a killed node left
        try:
            yield listening
        finally:
            path.unlink(missing_ok=True)


def handed_over(home: Path, look: Look) -> bool:
    """Did a running node put this look on record? False: none is there.

    Raises what the node tells: it cannot be put on record.
    """
    folder = home / _FOLDER
    try:
        names = sorted(path.name for path in folder.iterdir() if path.suffix == _ENDING)
    except OSError:
        return False
    return any(_told(folder, name, look) for name in names)


def look_of_line(line: bytes, viewer: Viewer) -> Look:
    """What a verb sent, as a look of this viewer. Raises InvalidInput."""
    try:
        fields = orjson.loads(line)
        look = replace(look_of({**fields, "who": viewer.name, "by": viewer.by}), viewer=viewer)
        if look.act not in ACTS or look.outcome not in OUTCOMES:
            raise ValueError("an unknown act")
    except (ValueError, TypeError, Damaged) as error:
        raise InvalidInput("this line is no look") from error
    return look


def answer_line(error: VanVaultError | None) -> bytes:
    """What the node answers."""
    answer: dict[str, Any] = {"recorded": True} if error is None else {"error": error_object(error)}
    return orjson.dumps(answer) + b"\n"


def received_line(other: socket.socket) -> bytes:
    """One line from the other end, or what it sent of one. Raises OSError, also for one that is silent."""
    received = bytearray()
    while not received.endswith(b"\n") and len(received) < LONGEST_LINE:
        piece = other.recv(65536)
        if not piece:
            break
        received += piece
    return bytes(received)


def _told(folder: Path, name: str, look: Look) -> bool:
    """Did the node behind this socket put it on record? One that is gone takes its socket's name with it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as node, _opened(folder) as within:
        node.settimeout(_PATIENCE_S)
        try:
            node.connect(f"{within}/{name}")
        except ConnectionRefusedError:
            with suppress(OSError):
                (folder / name).unlink()
            return False
        except OSError:
            return False
        try:
            node.sendall(orjson.dumps(look.as_detail()) + b"\n")
            answer = orjson.loads(received_line(node))
        except (OSError, ValueError):
            return False  # it ended, or hangs: whether it has written the look is not known
    if answer.get("recorded"):
        return True
    raise _error_of(answer.get("error", {}))


def _error_of(told: dict[str, Any]) -> VanVaultError:
    kind, message, hint = (str(told.get(name, "")) for name in ("kind", "message", "hint"))
    if kind.startswith("site-"):
        return SiteUnavailable(message, site=str(told.get("site", "")), may_be_stored=True, hint=hint)
    if kind == "key-unavailable":
        return KeyUnavailable(message, hint=hint)
    return Busy(message or "the node did not put this look on record", hint=hint)


@contextmanager
def _opened(folder: Path) -> Iterator[str]:
    """A short name of a folder, good in the block."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
