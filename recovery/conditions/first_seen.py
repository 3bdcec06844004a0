"""Since when conditions stand of which nothing on record says it: when somebody first saw them.

A small file in the cache folder, shared by ``status`` and the watch of a node. It is a convenience: where it
cannot be read or written, a condition stands since this process first saw it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path

import orjson

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds
from vanvault.archiver.disk import read_plain, replace_file
from vanvault.recovery.conditions.judge import Condition
from vanvault.recovery.conditions.kinds import CONDITIONS

_log = logging.getLogger("vanvault.conditions")

#: Bytes; the file holds one line for each condition of the table at most.
_LARGEST = 64 * 1024


class FirstSeen:
    """Remembers, for each condition that stands, since when it does."""

    def __init__(self, path: Path) -> None:
        """Nothing is read before it is asked for."""
        self._path = path
        self._held: dict[str, datetime] = {}  # what this process saw, where the file is of no use

    @classmethod
    def of(cls, home: Path) -> FirstSeen:
        """The memory of a home."""
        return cls(home / "cache" / "conditions.json")

    def known(self, now: datetime) -> dict[str, datetime]:
        """By id; what others saw, and what this process saw. A time to come is none."""
        found = dict(self._held)
        for name, at in self._read().items():
            found[name] = min(at, found.get(name, at))
        return {name: at for name, at in found.items() if at <= now}

    def remember(self, conditions: Iterable[Condition], now: datetime, unseen: Collection[str] = ()) -> None:
        """Keep the times of these conditions, and forget all others: they are over.

        ``unseen``: conditions that this look cannot see, so they may stand though it found none.
        """
        before = self.known(now)
        after = {name: at for name, at in before.items() if name in unseen}
        after |= {one.id: one.since for one in conditions}
        self._held = after
        if after == self._read():
            return
        data = orjson.dumps({name: rfc3339_seconds(at) for name, at in after.items()})
        try:
            replace_file(self._path, data)
        except OSError as error:
            _log.info("not remembered since when conditions stand: %s", error)

    def _read(self) -> dict[str, datetime]:
        try:
            if self._path.stat().st_size > _LARGEST:
                return {}
            fields = orjson.loads(read_plain(self._path))
            return {
                name: parse_rfc3339(at)
                for name, at in fields.items()
                if name in CONDITIONS and isinstance(at, str)
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, InvalidInput) as error:
            _log.info("not known since when conditions stand: %s", error)
            return {}
