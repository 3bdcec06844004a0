"""What takes long to read: read beside the requests, remembered, and told with its time.

An answer never waits for it longer than its patience. What is older than it should be is told once more, with
its time, while it is read again; where it was never read, the answer says that it is being read. What follows
something else (the record, the health of sites) is read again when that has changed, and waited for again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from starlette.requests import Request

from vanvault.api.node import Node
from vanvault.archiver.core.errors import Busy, VanVaultError
from vanvault.archiver.log_lines import Logger

_T = TypeVar("_T")
_log = Logger("vanvault.api")
_RETRY_S = 5  # Retry-After


@dataclass(frozen=True, slots=True)
class LongRead(Generic[_T]):
    """One thing that takes long to read."""

    name: str  # for people: what is being read
    read: Callable[[Node], _T]
    fresh_s: float  # older than this it is read again
    patience_s: float | None  # how long the first who asks waits; None: until it is read
    lists_sites: bool = False  # does it list whole sites?
    follows: Callable[[Node], Hashable] | None = None  # cheap to read; another value: it is read again


@dataclass(frozen=True, slots=True)
class Dated(Generic[_T]):
    """What was read, and when that began."""

    value: _T
    at: datetime


class Remembered(Generic[_T]):
    """What one long reading gave last. Used on the event loop only."""

    def __init__(self, what: LongRead[_T]) -> None:
        self._what = what
        self._last: Dated[_T] | None = None
        self._followed: Hashable = None  # as it was when the last reading began that gave something
        self._following: Hashable = None  # the same of the reading that goes on
        self._task: asyncio.Task[Dated[_T]] | None = None

    async def of(self, node: Node, patience_s: float | None = None) -> Dated[_T]:
        """What was read last; ``patience_s``: in place of its own.

        Raises Busy: it is being read for the first time, and that takes longer than one waits; and as its
        reading, where nothing was read before.
        """
        followed = await self._follow(node)
        self._take()
        has_changed = followed != self._followed
        if self._task is None and (has_changed or self._is_old(node)):
            self._following = followed
            self._task = asyncio.create_task(self._again(node))
        if (self._last is None or has_changed) and self._task is not None:
            await asyncio.wait(
                {self._task}, timeout=self._what.patience_s if patience_s is None else patience_s
            )
            failed = self._take()
            if failed is not None and self._last is None:
                raise failed
        if self._last is None:
            raise Busy(
                f"{self._what.name} is being read, for the first time since this node began",
                retry_after=_RETRY_S,
                hint="Ask again; it may take minutes in a large archive.",
            )
        return self._last

    def _take(self) -> BaseException | None:
        """Take what a reading gave that is over; what stopped it, if anything did."""
        if self._task is None or not self._task.done():
            return None
        task, self._task = self._task, None
        failed = task.exception()
        if failed is None:
            self._last, self._followed = task.result(), self._following
        return failed

    async def _follow(self, node: Node) -> Hashable:
        """What it follows, as it is now; as it was, where that cannot be read: then age alone decides."""
        follows = self._what.follows
        if follows is None:
            return None
        try:
            return await asyncio.get_running_loop().run_in_executor(node.threads.reads, follows, node)
        except VanVaultError as error:
            _log.warning("what is followed could not be read", what=self._what.name, error=error.message)
            return self._followed

    def _is_old(self, node: Node) -> bool:
        if self._last is None:
            return True
        return (node.archive.clock.now() - self._last.at).total_seconds() > self._what.fresh_s

    async def _again(self, node: Node) -> Dated[_T]:
        threads: Executor = node.threads.listings if self._what.lists_sites else node.threads.reads
        at = node.archive.clock.now()
        value = await asyncio.get_running_loop().run_in_executor(threads, lambda: self._what.read(node))
        return Dated(value, at)


async def remembered(
    request: Request, node: Node, what: LongRead[_T], patience_s: float | None = None
) -> Dated[_T]:
    """What this node read last of it. Raises as ``Remembered.of``."""
    state = request.app.state
    if not hasattr(state, "remembered"):
        state.remembered = {}
    known: dict[LongRead[Any], Remembered[Any]] = state.remembered
    found: Remembered[_T] = known.setdefault(what, Remembered(what))
    return await found.of(node, patience_s)
