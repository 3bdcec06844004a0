"""Entries of requests that come in one turn of the event loop go to intake together.

Whoever sends one message a request is mostly not alone: when a group is answered, its callers send again,
all at once. One look at the archive and one wake-up of the writing thread serve all of them; a lone entry
waits for no more than the end of its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from vanvault.archiver.core.model import Draft
from vanvault.archiver.core.outcome import Done
from vanvault.archiver.intake import Intake


@dataclass(frozen=True, slots=True)
class Asked:
    """One entry, and who is told: ``done`` its outcome, ``failed`` an error that nobody expected."""

    draft: Draft
    done: Done
    failed: Callable[[Exception], None]


class EntriesOfTurn:
    """Collects what is asked for in one turn. Used on the event loop only."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._asked: list[Asked] = []
        self._requests = 0

    def submit(self, asked: Asked, *, requests: int) -> None:
        """As ``Intake.submit_all``, at the end of this turn."""
        if not self._asked:
            asyncio.get_running_loop().call_soon(self._submit)
        self._asked.append(asked)
        self._requests += requests

    def _submit(self) -> None:
        asked, self._asked = self._asked, []
        requests, self._requests = self._requests, 0
        try:
            self._intake.submit_all([(one.draft, one.done) for one in asked], requests=requests)
        except Exception as error:  # noqa: BLE001 - each request tells it, and the log
            for one in asked:
                one.failed(error)
