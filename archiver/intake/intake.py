"""Intake: each draft becomes one logical entry, once, and its caller is told the truth.

The answer for (gateway, id) is looked for where it can be: among drafts on their way, then in the
hot tail. Only what is in neither becomes a new row.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from vanvault.archiver.catalogue import Claim, Claims, FirstReceipts, HotTail
from vanvault.archiver.core.errors import Conflict, VanVaultError
from vanvault.archiver.core.model import SYSTEM_GATEWAY, Draft, EventDraft
from vanvault.archiver.core.options import PoolLimits
from vanvault.archiver.core.outcome import Done
from vanvault.archiver.intake.committer import Committer, OnGroup, OpenWriter, unobserved
from vanvault.archiver.intake.folder import Folder
from vanvault.archiver.intake.pool import Pool, Ticket
from vanvault.archiver.intake.watch import Watch
from vanvault.archiver.intake.writer import CommittedBatch, Fault, no_fault
from vanvault.archiver.replicas import AckPolicy, HealthBoard

_FLUSH_S = 60.0

#: Gets callbacks and the tickets they belong to, on the writing thread.
Release = Callable[[Sequence[Ticket]], None]


def release_here(tickets: Sequence[Ticket]) -> None:
    """Tell every waiting caller, on this thread."""
    for ticket in tickets:
        outcome = ticket.outcome
        if outcome is not None:
            for done in ticket.waiting:
                done(outcome, done is not ticket.waiting[0])


class Intake:
    """One node's intake. ``submit`` may be called from many threads."""

    def __init__(
        self,
        *,
        tail: HotTail,
        claims: Claims,
        receipts: FirstReceipts,
        open_writer: OpenWriter,
        closing_event: Callable[[], EventDraft],
        catch_up: Callable[[], object],
        check: Callable[[], None],
        before_commit: Callable[[], None],
        policy: AckPolicy,
        health: HealthBoard,
        check_s: float = 30.0,
        limits: PoolLimits | None = None,
        release: Release = release_here,
        fault: Fault = no_fault,
        on_group: OnGroup = unobserved,
    ) -> None:
        self._claims = claims
        self._receipts = receipts
        self._release = release
        self.policy = policy
        self._fault = fault
        self._open: dict[tuple[str, str, str], Ticket] = {}
        self._lock = threading.Lock()
        self.pool = Pool(limits or PoolLimits())
        self.folder = Folder(tail, self._folded)
        self.committer = Committer(
            self.pool,
            open_writer,
            self._committed,
            closing_event,
            before_commit,
            policy,
            health,
            on_group=on_group,
        )
        self._watch = Watch(self.committer, catch_up=catch_up, check=check, interval_s=check_s)

    def start(self) -> None:
        """Begin to recover; intake opens when that is done."""
        self.folder.start()
        self.committer.start()
        self._watch.start()

    def stop(self, timeout_s: float = 30.0) -> bool:
        """Drain: write what was accepted, close the chain, fold it; false when that took too long."""
        self._watch.stop()
        stopped = self.committer.stop(timeout_s)
        self.folder.stop()
        return stopped

    @property
    def refusal(self) -> VanVaultError | None:
        """Why nothing of any gateway is accepted now; None while some gateway's entries are."""
        try:
            self.check_open(SYSTEM_GATEWAY)
        except VanVaultError as error:
            return error
        return None

    def check_open(self, gateway: str) -> None:
        """Raises the reason why nothing of this gateway is accepted now."""
        refusal = self.committer.refusal
        if refusal is not None:
            # One object is raised for every request: its traceback must not grow with each of them.
            raise refusal.with_traceback(None)
        self.folder.check()
        self.policy.check_open(gateway)

    def knows(self, draft: Draft) -> bool:
        """Is this (gateway, id) archived, or on its way? ``submit`` then answers without a new row."""
        key = (draft.entry, draft.gateway, draft.client_id)
        with self._lock:
            return key in self._open or self._claims.find(*key) is not None

    def submit(self, draft: Draft, done: Done) -> None:
        """Archive a draft; ``done`` is called once, with the receipt or an error, on some thread.

        Raises:
            Conflict: this gateway archived other bytes under this id; nothing is stored.
            Busy, SiteUnavailable: not accepted, or stored but not yet where the gateway's policy asks for it;
                send it again.
        """
        key = (draft.entry, draft.gateway, draft.client_id)
        claim: Claim | None = None
        with self._lock:
            ticket = self._open.get(key)
            if ticket is None:
                claim = self._claims.find(*key)
                if claim is None:
                    self.check_open(draft.gateway)
                    ticket = Ticket(draft, [done])
                    self.pool.add(ticket)
                    self._open[key] = ticket
                    return
            if (claim.sha256 if claim else ticket.draft.sha256 if ticket else b"") != draft.sha256:
                raise Conflict(
                    f"this gateway archived other bytes under this {draft.entry} id before",
                    hint="Use a new id for new content; an archived original never changes.",
                )
            if ticket is not None and not ticket.released:
                ticket.waiting.append(done)
                return
        if ticket is not None and ticket.outcome is not None:
            done(ticket.outcome, True)
        elif claim is not None:
            receipt = self._receipts.at(claim.position)
            done(self.policy.refusal(draft.gateway, receipt, again=True) or receipt, True)

    def _committed(self, committed: Sequence[CommittedBatch], tickets: Sequence[Ticket]) -> None:
        # What is stored keeps its ticket until it is folded, whatever its caller is told: a retry in between
        # must not become another row.
        failed = [] if committed else tickets
        if tickets and committed:
            self._fault("before-release")
        self.folder.add(committed, tickets if committed else [])
        if committed and not tickets:
            # Recovered or settled objects: a retry must find them before intake opens again.
            self.folder.flush(_FLUSH_S)
        with self._lock:
            for ticket in tickets:
                ticket.released = True  # from here on nobody is added to ``waiting``
        self._forget(failed)
        self._release(tickets)

    def _folded(self, tickets: Sequence[Ticket]) -> None:
        self._forget(tickets)

    def _forget(self, tickets: Sequence[Ticket]) -> None:
        with self._lock:
            for ticket in tickets:
                draft = ticket.draft
                self._open.pop((draft.entry, draft.gateway, draft.client_id), None)
