"""When each token was last used: noted in memory, written to the cache of the home now and then.

A request costs a look into a set, and nothing waits for a disk. What is written is the end of the round in
which a token was used. It is lost with the cache: no decision depends on it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.disk import lock_beside, read_plain, replace_file


class LastUse:
    """The uses that this process saw, and the file that a home's processes share. Many threads may call."""

    def __init__(self, path: Path) -> None:
        """``path``: made, with its folder, at the first writing."""
        self._path = path
        self._used: set[str] = set()
        self._lock = threading.Lock()

    def note(self, token: str) -> None:
        """A token, by its id, was used just now."""
        if token not in self._used:  # seldom taken: once a round for each token
            with self._lock:
                self._used.add(token)

    def write(self, now: datetime, known: Collection[str]) -> None:
        """Write what was noted since the last time, as used now; tokens that are not ``known`` are dropped.

        Raises OSError, MachineLimit; then it is still noted.
        """
        with self._lock:
            used, self._used = self._used, set()
        if not used:
            return
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            with lock_beside(self._path):
                times = self.read()
                text = rfc3339_seconds(now)
                times |= {token: max(text, times.get(token, "")) for token in used}
                kept = {token: at for token, at in times.items() if token in known}
                replace_file(self._path, json.dumps(kept, indent=2, sort_keys=True).encode())
        except BaseException:
            with self._lock:
                self._used |= used
            raise

    def read(self) -> dict[str, str]:
        """Last use (RFC 3339) by id of the token, as far as it was written. Raises MachineLimit."""
        try:
            found = json.loads(read_plain(self._path))
        except (OSError, ValueError) as error:
            raise_limit(error)
            return {}  # none yet, or harmed: it begins anew
        return {str(token): str(at) for token, at in found.items()} if isinstance(found, dict) else {}
