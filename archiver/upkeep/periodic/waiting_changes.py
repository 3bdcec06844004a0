"""Changes of sites' health that the archive does not hold yet, in a file, so that they outlive the node.

While a site is out the archive may take nothing, and a node that is killed then is the only one that saw.
Each process keeps what waits in a file of its own in the home's cache and holds a lock on it for as long as
it lives; a file without a holder was left by a dead one, and the next start takes it over. There is a file
only while something waits. Lost with the disk, the changes are in the node's log.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson

from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.disk import lock_descriptor, still_named
from vanvault.archiver.log_lines import Logger

_log = Logger("vanvault.health")

#: Beyond it the oldest are dropped; the newest tell the state.
_MOST = 1_000
_SUFFIX, _DRAFT = ".json", ".draft"


@dataclass(frozen=True, slots=True)
class WaitingChange:
    """One change, with what makes its line in the log: a repeat makes the same line, not another."""

    nonce: str
    detail: Mapping[str, object]
    occurred_us: int | None = None  # the line's time; None until it is first handed to intake


class WaitingChanges:
    """A queue and its file. For one thread at a time."""

    def __init__(self, folder: Path, entropy: Entropy) -> None:
        """``folder``: of all processes of a home; made when it is needed."""
        self._folder = folder
        self._entropy = entropy
        self._path = folder / f"{entropy.token(8).hex()}{_SUFFIX}"
        self._queue: deque[WaitingChange] = deque(maxlen=_MOST)
        self._saved: Sequence[WaitingChange] = ()
        self._held: int | None = None  # descriptor of the file, with its lock

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, detail: Mapping[str, object]) -> None:
        """A change was seen."""
        self._queue.append(WaitingChange(self._entropy.token(8).hex(), detail))

    def first(self, now_us: int) -> WaitingChange | None:
        """The oldest change; its event time is fixed when it is first asked for."""
        if not self._queue:
            return None
        if self._queue[0].occurred_us is None:
            self._queue[0] = replace(self._queue[0], occurred_us=now_us)
        return self._queue[0]

    def archived(self, nonce: str) -> None:
        """This change is on record."""
        if self._queue and self._queue[0].nonce == nonce:
            self._queue.popleft()

    def save(self) -> None:
        """Write the queue to the file, unless the file holds it already. Raises OSError."""
        queue = tuple(self._queue)
        if queue == self._saved:
            return
        if queue:
            self._write(orjson.dumps([asdict(change) for change in queue]))
        else:
            self._path.unlink(missing_ok=True)
            self._release()
        self._saved = queue

    def take_over(self) -> None:
        """Put the changes of ended processes in front of the queue, and into the own file. Raises OSError.

        A crash in between leaves a change in two files, under one nonce.
        """
        for path in sorted(self._folder.glob(f"*{_DRAFT}")):
            with _of_the_dead(path) as found:
                if found is not None:
                    path.unlink()
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            if path == self._path:
                continue
            with _of_the_dead(path) as found:
                if found is not None:
                    known = {change.nonce for change in self._queue}
                    left = [change for change in _decoded(found) if change.nonce not in known]
                    surplus = max(0, len(left) + len(self._queue) - _MOST)
                    self._queue.extendleft(reversed(left[surplus:]))
                    self.save()
                    path.unlink()

    def close(self) -> None:
        """The process ends: the next process takes over the changes that wait."""
        self._release()

    def _write(self, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._path.with_suffix(_DRAFT)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            # Not ``replace_file``: the file is locked before it has its name, so that it is never unlocked.
            lock_descriptor(descriptor, wait=True)
            with os.fdopen(os.dup(descriptor), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(self._path)
        except BaseException:
            os.close(descriptor)
            raise
        self._release()
        self._held = descriptor

    def _release(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None


@contextmanager
def _of_the_dead(path: Path) -> Iterator[bytes | None]:
    """The locked changes of a dead process; None when its process lives, or the file is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # a pipe would be waited for
        os.close(descriptor)
        yield None
        return
    with os.fdopen(descriptor, "rb") as file:
        # Where the name leads to another file by now, that one is newer.
        free = lock_descriptor(descriptor, wait=False) and still_named(descriptor, path)
        yield file.read() if free else None


def _decoded(data: bytes) -> list[WaitingChange]:
    """Nothing of a file that a disk harmed: its changes are in the log of the node that wrote it."""
    try:
        return [WaitingChange(**fields) for fields in orjson.loads(data)]
    except (ValueError, TypeError) as error:
        _log.warning("changes of health that another run left are damaged", error=type(error).__name__)
        return []
