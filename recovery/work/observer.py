"""The port through which a verb tells whoever started it how far it is and what it noticed."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from vanvault.recovery.work.progress import Extent, Step, silent


class Observer(Protocol):
    """Who started a verb: a person at a terminal, or a scheduled job."""

    @property
    def shows_progress(self) -> bool:
        """Is it worth an extra pass over the listings to know how much work there is?"""
        ...

    def warn(self, message: str) -> None:
        """Something that the reader should know; the verb goes on."""
        ...

    def alarm(self, message: str) -> None:
        """The same, but of a limit that is or will be broken."""
        ...

    def progress(self, label: str, total: Extent | None = None) -> AbstractContextManager[Step]:
        """A phase begins; the Step takes what is done. ``total`` None: how much there is, is not known."""
        ...


class QuietObserver:
    """Shows nothing: for programs that only read the report."""

    shows_progress = False

    def warn(self, message: str) -> None:
        """Does nothing."""

    def alarm(self, message: str) -> None:
        """Does nothing."""

    def progress(self, label: str, total: Extent | None = None) -> AbstractContextManager[Step]:
        """Counts nothing."""
        return nullcontext(silent)


QUIET: Observer = QuietObserver()
