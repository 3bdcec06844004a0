"""Which sites are asked last: those that refuse or give no answer, until they answer again.

What a site does with one object says little of the site: it may have rotted, or be missing. So after a
refusal the site is asked for the time. One that does not tell it is *silent*, until it does; it is asked for
it again once in a while, by whoever reads meanwhile and without anybody waiting for that. One that tells it
and refuses one object after another, with nothing given in between, comes last for a while and is then tried
again. Each pause is twice as long as the one before, up to a minute, until the site gives an object.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

#: How long a site that refuses is not tried or asked for the time again: the first pause, and the longest.
AGAIN_S = 5.0
LONGEST_S = 60.0
#: Different objects in a row that a site refuses, after which it comes last although it tells the time.
MOST_REFUSED = 3


@dataclass(slots=True)
class _Standing:
    silent: bool = False
    refused: set[str] = field(default_factory=set)  # keys since the last object that it gave
    again_at: float = 0.0  # by the timer
    pause_s: float = AGAIN_S

    def rest(self, now: float) -> None:
        """Not to be tried before the next pause is over."""
        self.again_at = now + self.pause_s
        self.pause_s = min(2 * self.pause_s, LONGEST_S)


class LateSites:
    """Keeps the standing of each site. Safe to share between threads; asks nobody by itself."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._standing: dict[str, _Standing] = {}
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        """Is the site asked last now?"""
        one = self._standing.get(name)
        if one is None:
            return False
        return one.silent or (len(one.refused) >= MOST_REFUSED and self._timer() < one.again_at)

    def is_silent(self, name: str) -> bool:
        """Did the site not tell the time when it was asked last?"""
        one = self._standing.get(name)
        return one is not None and one.silent

    def was_silent(self, name: str) -> None:
        """The site gave no answer in time, or refused to tell the time."""
        with self._lock:
            one = self._standing.setdefault(name, _Standing())
            if not one.silent:
                one.silent = True
                one.rest(self._timer())

    def told_time(self, name: str) -> None:
        """The site told the time: it is there, whatever it does with objects."""
        with self._lock:
            if (one := self._standing.get(name)) is not None:
                one.silent = False

    def refused(self, name: str, key: str) -> None:
        """The site, which tells the time, did not give this object."""
        with self._lock:
            one = self._standing.setdefault(name, _Standing())
            one.refused.add(key)
            if len(one.refused) >= MOST_REFUSED and self._timer() >= one.again_at:
                one.refused = set(list(one.refused)[-MOST_REFUSED:])
                one.rest(self._timer())

    def gave(self, name: str) -> None:
        """The site gave an object."""
        if name in self._standing:
            with self._lock:
                self._standing.pop(name, None)

    def to_be_probed(self) -> list[str]:
        """Silent sites that nobody asked for the time lately. Whoever gets this list asks them."""
        if not self._standing:
            return []
        now = self._timer()
        with self._lock:
            due = [name for name, one in self._standing.items() if one.silent and one.again_at <= now]
            for name in due:
                self._standing[name].rest(now)
        return due
