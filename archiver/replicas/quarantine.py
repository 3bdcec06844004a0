"""What lies at the sites and is not the archive's: set aside, named and counted, never believed or copied.

An object is set aside when its name proves nothing, or when it is larger than any of its kind. Memory is
bounded: of each site and reason, ``MOST`` are remembered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, get_args

from vanvault.archiver.core.ports import Clock
from vanvault.archiver.keys import Unproved
from vanvault.archiver.stores import printable

#: Objects of one site and reason that are remembered; with more, counts say "at least".
MOST = 10_000
TOO_LARGE = "too-large"


@dataclass(frozen=True, slots=True)
class SetAside:
    """One version that is set aside."""

    site: str
    key: str  # as it is safe to show
    reason: str  # "junk", "unknown-family", "bad-signature", "too-large", or another of the judge's
    size: int  # bytes, as the site says
    first_seen: datetime  # by this process


_At = tuple[str, str]  # key and version, as the site gives them


class Quarantine:
    """What one process found, at all its sites. Safe to share between threads."""

    #: Every reason for which something is set aside.
    REASONS: ClassVar[tuple[str, ...]] = (*get_args(Unproved), TOO_LARGE)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], dict[_At, SetAside]] = {}  # by site and reason

    def note(self, site: str, key: str, version: str, reason: str, size: int) -> None:
        """This version at this site is set aside."""
        with self._lock:
            found = self._found.setdefault((site, reason), {})
            if (key, version) not in found and len(found) < MOST:
                found[key, version] = SetAside(site, printable(key), reason, size, self._clock.now())

    def is_gone(self, site: str, within: Callable[[str], bool], seen: Iterable[_At]) -> None:
        """A listing ended: of the keys that it covered (``within``), the site has only what was ``seen``."""
        kept = frozenset(seen)
        with self._lock:
            for (owner, _), found in self._found.items():
                if owner == site:
                    for at in [at for at in found if at not in kept and within(at[0])]:
                        del found[at]

    def found(self, sites: Iterable[str] | None = None) -> tuple[SetAside, ...]:
        """What is remembered (of these sites), by site, reason and key."""
        chosen = frozenset(sites) if sites is not None else None
        with self._lock:
            every = [one for found in self._found.values() for one in found.values()]
        return tuple(
            sorted(
                (one for one in every if chosen is None or one.site in chosen),
                key=lambda one: (one.site, one.reason, one.key),
            )
        )

    def counts(self) -> Mapping[tuple[str, str], int]:
        """How many there are, by site and reason; ``MOST`` stands for that many or more."""
        with self._lock:
            return {at: len(found) for at, found in sorted(self._found.items())}
