"""Ids of tokens that are good once, remembered as long as such a token can be good."""

from __future__ import annotations

import threading
from collections import OrderedDict

_KEPT_S = 1800.0  # longer than a token may be old, with the clocks off both ways
_MOST = 20_000


class UsedTokens:
    """Many threads may call. The oldest of too many ids are forgotten: a logout twice is harmless."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, float] = OrderedDict()

    def take(self, id: str, now: float) -> bool:
        """Use an id; False: it was used before. ``now``: seconds of a stopwatch."""
        with self._lock:
            while self._seen and (
                now - next(iter(self._seen.values())) > _KEPT_S or len(self._seen) >= _MOST
            ):
                self._seen.popitem(last=False)
            if id in self._seen:
                return False
            self._seen[id] = now
            return True
