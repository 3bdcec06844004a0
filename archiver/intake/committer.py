"""The task that writes: recover → write groups → settle what failed → close.

::

    recovering ──► ready ◄──► settling          each state but ``ready`` refuses intake, and says why
         ▲           │            │
         └── retry   └─► closing ◄┘             any ──► failed, by a bug: until the process is started again
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from vanvault.archiver.core.errors import Busy, MachineLimit, SiteUnavailable, VanVaultError
from vanvault.archiver.core.machine import machine_limit
from vanvault.archiver.core.model import EventDraft, MessageDraft
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.intake.pool import Pool, Ticket
from vanvault.archiver.intake.writer import CommittedBatch, Writer
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.replicas import AckPolicy

State = Literal["recovering", "ready", "settling", "closing", "closed", "failed"]

#: Called on the writing thread, with committed objects (to fold) and tickets whose outcome is set.
OnCommitted = Callable[[Sequence[CommittedBatch], Sequence[Ticket]], None]
#: Recovers what a crash left, opens a new chain, and returns its writer; raises while a site is away.
OpenWriter = Callable[[], tuple[Writer, list[CommittedBatch]]]
#: Told of every group: its tickets, the seconds that the commit took, and its error if it failed.
OnGroup = Callable[[Sequence[Ticket], float, VanVaultError | None], None]

_log = Logger("vanvault.intake")


def unobserved(tickets: Sequence[Ticket], seconds: float, error: VanVaultError | None) -> None:
    """The default: nobody measures."""


@dataclass(frozen=True, slots=True)
class ChainSteps:
    """What the committer calls at the beginning of its chain, before each commit, and at the end."""

    open_writer: OpenWriter
    before_commit: Callable[[], None]  # raises VanVaultError: nothing may be written now
    closing_event: Callable[[], EventDraft]
    is_ahead: Callable[[Writer], bool] = lambda writer: False  # it wrote under a clock ahead, so it must end


@dataclass(frozen=True, slots=True)
class Retries:
    """Seconds between two attempts to recover or to settle; each is twice the one before."""

    first_s: float = 0.2
    longest_s: float = 5.0


class Committer:
    """Owns the writer and its thread."""

    def __init__(
        self,
        pool: Pool,
        chain: ChainSteps,
        policy: AckPolicy,
        on_committed: OnCommitted,
        *,
        on_group: OnGroup = unobserved,
        retries: Retries = Retries(),
    ) -> None:
        self._pool = pool
        self._chain = chain
        self._on_committed = on_committed
        self._on_group = on_group
        self._policy = policy
        self._retries = retries
        self._stop: Signal = threading.Event()  # until ``run`` gets its own
        self._state: State = "recovering"
        self._refusal: VanVaultError | None = Busy("the node is starting", retry_after=1)
        self._held: VanVaultError | None = None
        self._writer: Writer | None = None
        self._ended: Writer | None = None  # closed because its clock was ahead
        self._group: Sequence[Ticket] = ()  # the last that was taken

    @property
    def task(self) -> Task:
        """The writing thread: a fault in it closes intake until the process is started again."""
        return Task("committer", self.run, restart=False, ask=self._pool.close)

    @property
    def state(self) -> State:
        return self._state

    @property
    def refusal(self) -> VanVaultError | None:
        """Why intake is refused now; None when it is open."""
        return self._refusal or self._held

    @property
    def held(self) -> VanVaultError | None:
        """Why a check from outside holds intake; None when none does."""
        return self._held

    def hold(self, reason: VanVaultError | None) -> None:
        """Refuse intake for this reason, or no longer (None). What was accepted is still written."""
        self._held = reason

    @property
    def writer(self) -> Writer | None:
        """The open writer, for its id and threads."""
        return self._writer

    def run(self, stop: Signal) -> None:
        """Recover, then write until ``stop`` is set and the pool is closed, then close the chain.

        An error that is not expected sets the state ``failed`` and is raised.
        """
        self._stop = stop
        try:
            writer = self._recover()
            if writer is not None:
                self._write(writer)
                if self._writer is not None and self._writer is not self._ended:
                    self._close(self._writer)
        except BaseException as error:
            self._state = "failed"
            self._refusal = _failed(error)
            self._fail([ticket for ticket in self._group if ticket.outcome is None], self._refusal)
            raise
        finally:
            if self._state != "failed":
                self._state = "closed"
            self._refusal = self._refusal or Busy("the node is shutting down", retry_after=2)
            self._pool.close()  # nobody would take what comes now
            self._fail(self._pool.drain(), self._refusal)

    def _recover(self) -> Writer | None:
        delay, longest = self._retries.first_s, self._retries.longest_s
        while not self._stop.is_set():
            try:
                writer, committed = self._chain.open_writer()
            except (VanVaultError, sqlite3.Error, OSError, MemoryError, RuntimeError) as failure:
                error = _told(failure)
                if error is None:
                    raise
                _log.warning("not ready", reason=error.message)
                self._refusal = error
                if isinstance(error, SiteUnavailable):
                    self._policy.health.saw(error.site, "look", error)
                self._stop.wait(delay)
                delay = min(2 * delay, longest)
                continue
            self._writer = writer
            self._on_committed(committed, [])
            self._state, self._refusal = "ready", None
            _log.info("ready", writer=writer.id)
            return writer
        return None

    def _write(self, writer: Writer) -> None:
        while tickets := self._pool.take():
            self._group = tickets
            drafts = [ticket.draft for ticket in tickets]
            started = time.monotonic()
            try:
                self._chain.before_commit()
                writer = self._with_time(writer)
                committed = writer.commit(drafts, degraded=self._policy.may_degrade())
            except VanVaultError as error:
                self._on_group(tickets, time.monotonic() - started, error)
                _log.warning("commit failed", reason=error.message, entries=len(tickets))
                unsettled = writer.unsettled and writer is not self._ended
                self._refusal = error if unsettled else None
                self._fail(tickets, error)
                if unsettled:
                    self._fail(self._pool.drain(), error)  # who queued meanwhile need not wait for the site
                if unsettled and not self._settle(writer):
                    return
                continue
            self._on_group(tickets, time.monotonic() - started, None)
            assign(tickets, committed, self._policy)
            self._on_committed(committed, tickets)

    def _with_time(self, writer: Writer) -> Writer:
        """The writer, or the one of a new chain where its times are ahead: they rise in each chain.

        Raises as ``open_writer``: nothing of what is to be written was stored.
        """
        if not self._chain.is_ahead(writer):
            return writer
        if writer is not self._ended:
            self._ended = writer
            _log.warning("a new chain begins: the clock was ahead", writer=writer.id)
            self._close(writer)
            self._state, self._refusal = "ready", None
        self._writer, opened = self._chain.open_writer()
        self._on_committed(opened, [])
        return self._writer

    def _settle(self, writer: Writer) -> bool:
        """Until the failed commit lies where it must; false when the node stops before."""
        self._state = "settling"
        delay, longest = self._retries.first_s, self._retries.longest_s
        while not self._stop.wait(delay):
            try:
                committed = writer.settle(degraded=self._policy.may_degrade())
            except (SiteUnavailable, MachineLimit) as error:
                self._refusal = error
                self._fail(self._pool.drain(), error)
                delay = min(2 * delay, longest)
                continue
            self._on_committed(committed, [])
            self._state, self._refusal = "ready", None
            _log.info("settled", objects=len(committed))
            return True
        return False

    def _close(self, writer: Writer) -> None:
        self._state, self._refusal = "closing", Busy("the node is shutting down", retry_after=2)
        try:
            if not writer.unsettled:
                self._on_committed(self._closed(writer), [])
        except VanVaultError as error:
            # The chain stays open; the next start records its head, as after a crash.
            _log.warning("closed without a last object", reason=error.message)
        finally:
            writer.close()

    def _closed(self, writer: Writer) -> list[CommittedBatch]:
        try:
            event = self._chain.closing_event()
            return writer.commit([event], final=True, degraded=self._policy.may_degrade())
        except (SiteUnavailable, MachineLimit):
            if not writer.unsettled:
                raise
            # A site that was replaced meanwhile takes it at the second try.
            return writer.settle(degraded=self._policy.may_degrade())

    def _fail(self, tickets: Sequence[Ticket], error: VanVaultError) -> None:
        for ticket in tickets:
            ticket.outcome = error
        self._on_committed([], tickets)


def _failed(error: BaseException) -> VanVaultError:
    """What a push is told after the writing thread has ended."""
    limit = machine_limit(error)
    if limit is None:
        return Busy("the writing thread failed; restart the node", retry_after=30)
    return MachineLimit(
        f"the writing thread failed: {limit.message}",
        resource=limit.resource,
        may_be_stored=True,
        hint=f"{limit.hint} Then restart the node.",
    )


def _told(failure: BaseException) -> VanVaultError | None:
    """Why the node is not ready, as a caller is told; None for a bug."""
    limit = machine_limit(failure)
    if isinstance(failure, VanVaultError):
        return limit or failure
    if limit is not None:
        said = f"the node's home cannot be used: {limit.message}"
        return MachineLimit(
            said, resource=limit.resource, hint=f"{limit.hint} The node tries again by itself."
        )
    return _home_fails(failure) if isinstance(failure, (sqlite3.Error, OSError)) else None


def _home_fails(error: sqlite3.Error | OSError) -> VanVaultError:
    """The disk of the node's home is full, say, or another process locks the hot tail for long."""
    reason = error.strerror if isinstance(error, OSError) else error
    return Busy(
        f"the node's home cannot be used: {reason}",
        retry_after=5,
        hint="Is its disk full? The node tries again by itself.",
    )


def assign(tickets: Sequence[Ticket], committed: Sequence[CommittedBatch], policy: AckPolicy) -> None:
    """Give each ticket its receipt; rows follow the order of tickets within a kind.

    One whose gateway waits for every site is told of a degraded commit that it may be stored: it is, and its
    retry gets the receipt once the last site has it.
    """
    by_kind = {batch.folded.header.kind: batch for batch in committed}
    rows = dict.fromkeys(by_kind, 0)
    for ticket in tickets:
        kind = "messages" if isinstance(ticket.draft, MessageDraft) else "events"
        receipt = by_kind[kind].receipt(rows[kind])
        rows[kind] += 1
        try:
            ticket.outcome = policy.refusal(ticket.draft.gateway, receipt) or receipt
        except VanVaultError as error:  # the gateway's own policy cannot be read: its retry gets the receipt
            ticket.outcome = error
