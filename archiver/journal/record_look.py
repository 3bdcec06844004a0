"""A process learns what is on record, again only when something was folded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from vanvault.archiver.catalogue import Catalogue, HotTail
from vanvault.archiver.core.errors import Damaged, SiteUnavailable
from vanvault.archiver.log_lines import Logger

_T = TypeVar("_T")
_log = Logger("vanvault.fold")


class RecordLook:
    """Safe to use from many threads."""

    def __init__(self, tail: HotTail, catalogue: Catalogue, what: str) -> None:
        """``what``: what is looked for, for people: "conflicts"."""
        self._tail = tail
        self._catalogue = catalogue
        self._what = what
        self._seen = (-1, -1)  # catalogue and newest batch at the last look
        self._lock = threading.Lock()

    def take(self, look: Callable[[], _T]) -> _T | None:
        """What ``look`` gives; None when nothing was folded since it last came to its end.

        Where the index cannot be read now, that stops no fold: it is logged, None comes back, and the next
        fold looks again.
        """
        seen = (self._catalogue.current().version, self._tail.newest_batch())
        with self._lock:
            if seen == self._seen:
                return None
        try:
            found = look()
        except (Damaged, SiteUnavailable) as error:
            _log.warning(f"{self._what} on record could not be read", reason=error.message)
            return None
        with self._lock:
            self._seen = seen
        return found
