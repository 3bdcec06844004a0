"""What takes too long to read with each page: read once a minute at most, and shown with its time.

What was read is shown for a minute. Then the next page shows it once more, while it is read again; so only
the first page after the start of a node waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from starlette.requests import Request

from vanvault.api.node import Node

_SHOWN_S = 60.0


class DatedEvidence(Protocol):
    """Something that was read at a time."""

    @property
    def at(self) -> datetime: ...


_E = TypeVar("_E", bound=DatedEvidence)


class EvidenceKept(Generic[_E]):
    """The evidence that this node read last. Used on the event loop only."""

    def __init__(self, read: Callable[[Node], _E]) -> None:
        self._reader = read
        self._read: _E | None = None
        self._task: asyncio.Task[_E] | None = None

    async def of(self, node: Node) -> _E:
        """The evidence, at most a minute old when it is first asked for anew. Raises as its reader."""
        if self._task is not None and self._task.done():
            task, self._task = self._task, None
            if task.exception() is None:
                self._read = task.result()
        old = self._read is None or (node.archive.clock.now() - self._read.at).total_seconds() > _SHOWN_S
        if old and self._task is None:
            self._task = asyncio.create_task(self._again(node))
        if self._read is not None:
            return self._read
        assert self._task is not None  # noqa: S101 - there is nothing yet, so it was begun
        return await asyncio.shield(self._task)

    async def _again(self, node: Node) -> _E:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(node.threads.reads, lambda: self._reader(node))


async def kept_evidence(request: Request, node: Node, read: Callable[[Node], _E]) -> _E:
    """What ``read`` read last for pages of this node. Raises as ``read``."""
    state = request.app.state
    if not hasattr(state, "console_evidence"):
        state.console_evidence = {}
    kept: EvidenceKept[_E] = state.console_evidence.setdefault(read, EvidenceKept(read))
    return await kept.of(node)
