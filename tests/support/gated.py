"""A site at which calls hang, when asked to, until they are let go."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

from tests.support.waiting import PATIENCE_S
from vanvault.archiver.core.errors import SiteUnavailable
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


class ReadGate:
    """One gate before any number of sites: reads of objects wait while it is shut, or fail if asked to."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()
        self._fails = False
        self.reached = threading.Event()  # a read came to the shut gate

    def before(self, site: Site) -> Any:
        """``site``, with this gate before it."""
        return _ReadGated(site, self)

    def shut(self, *, fail: bool = False) -> None:
        self.reached.clear()
        self._fails = fail
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def wait(self, site: str) -> None:
        if self._open.is_set():
            return
        self.reached.set()
        if self._fails:
            raise SiteUnavailable(f"site {site} does not answer", site=site, may_be_stored=False)
        assert self._open.wait(2 * PATIENCE_S), "the gate was never opened"


class _ReadGated:
    def __init__(self, site: Site, gate: ReadGate) -> None:
        self._site = site
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def get(self, *args: Any, **options: Any) -> bytes:
        self._gate.wait(self._site.site)
        return self._site.get(*args, **options)

    def get_locked(self, *args: Any, **options: Any) -> tuple[bytes, StoredVersion]:
        self._gate.wait(self._site.site)
        return self._site.get_locked(*args, **options)

    def get_range(self, *args: Any, **options: Any) -> bytes:
        self._gate.wait(self._site.site)
        return self._site.get_range(*args, **options)
