"""A site at which calls hang, when asked to, until they are let go."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

from tests.support.waiting import PATIENCE_S
from vanvault.archiver.stores import Site, StoredVersion


class GatedSite:
    """Puts, and questions for the time, wait while the gate is shut; everything else goes through."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._gate = threading.Event()
        self._gate.set()
        self.put_began = threading.Event()  # at the shut gate
        self.asked = 0  # for the time

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def shut(self) -> None:
        self.put_began.clear()
        self._gate.clear()

    def open(self) -> None:
        self._gate.set()

    def put(self, *args: Any, **options: Any) -> StoredVersion:
        if not self._gate.is_set():
            self.put_began.set()
            assert self._gate.wait(2 * PATIENCE_S)
        return self._site.put(*args, **options)

    def now(self) -> datetime:
        self.asked += 1
        assert self._gate.wait(2 * PATIENCE_S)
        return self._site.now()
