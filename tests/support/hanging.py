"""A site at which every call hangs, when asked to, until it is let go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from tests.support.waiting import PATIENCE_S
from vanvault.archiver.stores import Site


class HangingSite:
    """Stands in front of a site as a mount stands in front of its server."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._gate = threading.Event()
        self._gate.set()
        self.begun = 0  # calls that came to the shut gate

    @property
    def site(self) -> str:
        return self._site.site

    def shut(self) -> None:
        self._gate.clear()

    def open(self) -> None:
        self._gate.set()

    def list(self, prefix: str = "", after: str = "") -> Iterator[Any]:
        self._pass()
        yield from self._site.list(prefix, after)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._site, name)
        if not callable(found):
            self._pass()
            return found
        verb: Callable[..., Any] = found

        def call(*args: Any, **options: Any) -> Any:
            self._pass()
            return verb(*args, **options)

        return call

    def _pass(self) -> None:
        if not self._gate.is_set():
            self.begun += 1
            assert self._gate.wait(4 * PATIENCE_S)
