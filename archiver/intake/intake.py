"""Intake: each draft becomes one logical entry, once, and its caller is told the truth.

The answer for (gateway, id) is looked for where it can be: among drafts on their way, in the hot tail, in
segments. Only what is in none of them becomes a new row.

``submit`` never waits for a site. What memory, the hot tail and the index's filters can decide is decided at
once, under the lock. Where a site may have to be read (a filter says "perhaps", or a compacted message is
sent again) a thread looks it up without the lock; who sends the same id meanwhile joins the same look-up::

    submit ── known here ──► conflict, receipt, or a place in the pool
        └──── perhaps ─────► look-up ── found ──► receipt or conflict, for each who waits
                                └────── absent, and nothing changed since ──► a place in the pool
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from vanvault.archiver.catalogue import Claim, Claims, FirstReceipts, HotTail
from vanvault.archiver.core.errors import Busy, Conflict, VanVaultError
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.model import SYSTEM_GATEWAY, Draft
from vanvault.archiver.core.options import PoolLimits
from vanvault.archiver.core.outcome import Done, Outcome
from vanvault.archiver.core.tasks import Task
from vanvault.archiver.intake.committer import ChainSteps, Committer, OnGroup, unobserved
from vanvault.archiver.intake.pool import Pool, Ticket
from vanvault.archiver.intake.tail_updater import TailUpdater
from vanvault.archiver.intake.trust_monitor import TrustChecks, TrustMonitor
from vanvault.archiver.intake.writer import CommittedBatch
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.replicas import AckPolicy

_FLUSH_S = 1.0  # between two looks whether the node is told to stop
#: Threads that find out whether an id is archived, and threads that make a first receipt again. Both may wait
#: for a site, so they are apart: retries of old messages keep no new message waiting.
_LOOKUPS = 4
_RECEIPTS = 4
#: How many look-ups, and how many receipts, may wait or run; whoever comes then is told to come again.
_WAITING = 512

#: Gets tickets whose outcome is set, to tell their callers; called on the writing thread or on a look-up's.
Release = Callable[[Sequence[Ticket]], None]

_Key = tuple[str, str, str]  # entry, gateway, the gateway's id
#: What an id is known by: its claim, its released ticket, or why it is refused.
_Known = Claim | Ticket | VanVaultError

_log = Logger("vanvault.intake")


def release_here(tickets: Sequence[Ticket]) -> None:
    """Tell every waiting caller, on this thread."""
    for ticket in tickets:
        outcome = ticket.outcome
        if outcome is not None:
            for done in ticket.waiting:
                done(outcome, ticket.repeated or done is not ticket.waiting[0])


@dataclass(frozen=True, slots=True)
class Archived:
    """What was archived before, and how it is found."""

    tail: HotTail
    claims: Claims
    receipts: FirstReceipts


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who is told of what happens: callers, metrics, tests that stop the process at a step."""

    release: Release = release_here
    on_group: OnGroup = unobserved
    fault: Fault = no_fault


class Intake:
    """One node's intake. ``submit`` may be called from many threads; ``tasks`` must run."""

    def __init__(
        self,
        archived: Archived,
        chain: ChainSteps,
        checks: TrustChecks,
        *,
        policy: AckPolicy,
        limits: PoolLimits,
        hooks: Hooks = Hooks(),
    ) -> None:
        self._claims = archived.claims
        self._receipts = archived.receipts
        self._hooks = hooks
        self.policy = policy
        self._open: dict[_Key, Ticket] = {}
        self._looked_up: dict[_Key, list[tuple[Draft, Done]]] = {}  # who waits for a look-up, in order
        self._lock = threading.Lock()
        self._lookups = _Waiting(_LOOKUPS, "look-up")
        self._again = _Waiting(_RECEIPTS, "receipt")
        self.pool = Pool(limits)
        self.tail_updater = TailUpdater(archived.tail, self._folded)
        self.committer = Committer(self.pool, chain, policy, self._committed, on_group=hooks.on_group)
        self._trust_monitor = TrustMonitor(self.committer, checks)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """In the order of their start; ``close`` comes after they stopped."""
        return (self.tail_updater.task, self.committer.task, self._trust_monitor.task)

    def close(self) -> None:
        """Refuse what waits for a look-up. Call it once the tasks have stopped."""
        left = [*self._lookups.close(), *self._again.close()]
        with self._lock:
            left += [waiting for group in self._looked_up.values() for waiting in group]
            self._looked_up.clear()
        self._hooks.release([_answered(draft, done, _shutting_down()) for draft, done in left])

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
        self.tail_updater.check()
        self.policy.check_open(gateway)

    def knows(self, draft: Draft) -> bool:
        """Is this (gateway, id) archived, or on its way? ``submit`` then answers without a new row.

        May read from a site: not for the event loop. Raises SiteUnavailable, Damaged.
        """
        key = _key_of(draft)
        with self._lock:
            if key in self._open:
                return True
        return self._claims.find(*key) is not None

    def submit(self, draft: Draft, done: Done) -> None:
        """Archive a draft; ``done`` is called once, with the receipt or an error, on some thread.

        Waits for no site. What is found out here is raised; what a look-up finds out, ``done`` is told.

        Raises:
            Conflict: this gateway archived other bytes under this id; nothing is stored.
            Busy, SiteUnavailable: not accepted, or stored but not yet where the gateway's policy asks for it;
                send it again.
        """
        with self._lock:
            known = self._take(draft, done)
        if known is not None:
            self._answer(known, draft, done)

    def submit_all(self, asked: Sequence[tuple[Draft, Done]], *, requests: int = 0) -> None:
        """As ``submit`` for each, by one look for all and into one group; what it raises, ``done`` is told.

        ``requests``: so many that the pool expects are no longer on their way then.
        """
        answers: list[tuple[_Known, Draft, Done]] = []
        group = _Group()
        try:
            with self._lock:
                lacking = self._surely_lacks([_key_of(draft) for draft, _ in asked])
                for (draft, done), is_new in zip(asked, lacking, strict=True):
                    try:
                        known = self._take(draft, done, is_new=is_new, group=group)
                    except VanVaultError as error:
                        known = error
                    if known is not None:
                        answers.append((known, draft, done))
        finally:
            self.pool.added(requests)
        for known, draft, done in answers:
            try:
                self._answer(known, draft, done)
            except VanVaultError as error:
                done(error, False)

    def _surely_lacks(self, keys: Sequence[_Key]) -> list[bool]:
        try:
            return self._claims.surely_lacks(keys)
        except VanVaultError:
            return [False] * len(keys)  # asked for one by one, each is told

    def _take(
        self, draft: Draft, done: Done, *, is_new: bool = False, group: _Group | None = None
    ) -> _Known | None:
        """A place for the draft, or what is known of its id already; under the lock.

        ``is_new``: no claim is found. Raises as ``submit`` does.
        """
        key = _key_of(draft)
        waiting = self._looked_up.get(key)
        if waiting is not None:
            waiting.append((draft, done))
            return None
        ticket = self._open.get(key)
        claim: Claim | None = None
        if ticket is None:
            claim, certain = (None, True) if is_new else self._claims.recall(*key)
            if not certain:
                self._lookups.add(lambda: self._look_up(key))
                self._looked_up[key] = [(draft, done)]
                return None
            if claim is None:
                self._admit(key, draft, done, group)
                return None
        if (claim.sha256 if claim else ticket.draft.sha256 if ticket else b"") != draft.sha256:
            raise _conflict(draft)
        if ticket is not None and not ticket.released:
            ticket.waiting.append(done)
            return None
        return claim or ticket

    def _answer(self, known: _Known, draft: Draft, done: Done) -> None:
        """Tell what is known of an id; without the lock. Raises Busy."""
        if isinstance(known, VanVaultError):
            done(known, False)
        elif isinstance(known, Ticket):
            if known.outcome is not None:
                done(known.outcome, True)
        else:
            receipt = self._receipts.at_hand(known.position)
            if receipt is None:
                self._again.add(lambda: self._give_receipt(known, [(draft, done)]), [(draft, done)])
            else:
                done(self.policy.refusal(draft.gateway, receipt, again=True) or receipt, True)

    def _admit(self, key: _Key, draft: Draft, done: Done, group: _Group | None = None) -> Ticket:
        """A new entry; under the lock. Raises as ``check_open`` and ``Pool.add`` do."""
        if group is None or draft.gateway not in group.open_to:
            self.check_open(draft.gateway)
        if group is not None:
            group.open_to.add(draft.gateway)
        ticket = Ticket(draft, [done])
        self.pool.add(ticket, more=group is not None)
        self._open[key] = ticket
        return ticket

    def _look_up(self, key: _Key) -> None:
        """Find out whether ``key`` is archived, and answer or admit everybody who waits for that."""
        try:
            claim, waiting, refused = self._looked_up_now(key)
        except Exception as error:  # noqa: BLE001 - callers wait; it is logged
            with self._lock:
                waiting = self._looked_up.pop(key, [])
            told = _told(error, "an id could not be looked up")
            self._hooks.release([_answered(draft, done, told) for draft, done in waiting])
            return
        if claim is None:
            self._hooks.release(refused)
            return
        found = claim
        try:
            self._again.add(lambda: self._give_receipt(found, waiting), waiting)
        except Busy as busy:
            self._hooks.release([_answered(draft, done, busy) for draft, done in waiting])

    def _looked_up_now(
        self, key: _Key
    ) -> tuple[Claim | None, Sequence[tuple[Draft, Done]], Sequence[Ticket]]:
        """The claim and who waits for it; without a claim, who must be refused: the rest is admitted."""
        while True:
            claim, seen = self._claims.look_up(*key)
            with self._lock:
                if claim is None:
                    # What was archived, or left the hot tail, while nobody held the lock?
                    claim, certain = self._claims.recall(*key, absent_from=seen)
                    if not certain:
                        continue
                waiting = self._looked_up.pop(key, [])
                refused = [] if claim is not None else self._admit_all(key, waiting)
                return claim, waiting, refused

    def _admit_all(self, key: _Key, waiting: Sequence[tuple[Draft, Done]]) -> list[Ticket]:
        """The first becomes an entry, the others join it; under the lock. Returns who must be refused."""
        ticket: Ticket | None = None
        refused = []
        for draft, done in waiting:
            try:
                if ticket is None:
                    ticket = self._admit(key, draft, done)
                elif ticket.draft.sha256 != draft.sha256:
                    raise _conflict(draft)
                else:
                    ticket.waiting.append(done)
            except VanVaultError as error:
                refused.append(_answered(draft, done, error))
        return refused

    def _give_receipt(self, claim: Claim, waiting: Sequence[tuple[Draft, Done]]) -> None:
        """Answer those who sent an archived id again; may read from a site."""
        receipt: Receipt | None = None
        failure: VanVaultError | None = None
        told = []
        for draft, done in waiting:
            outcome: Outcome
            try:
                if claim.sha256 != draft.sha256 and not claim.gone:  # of what is gone no receipt is given
                    outcome = _conflict(draft)
                elif failure is not None:
                    outcome = failure
                else:
                    receipt = receipt or self._receipts.at(claim.position)
                    outcome = self.policy.refusal(draft.gateway, receipt, again=True) or receipt
            except Exception as error:  # noqa: BLE001 - callers wait; it is logged
                outcome = failure = _told(error, "a receipt could not be made again")
            told.append(_answered(draft, done, outcome))
        self._hooks.release(told)

    def _committed(self, committed: Sequence[CommittedBatch], tickets: Sequence[Ticket]) -> None:
        # What is stored keeps its ticket until it is folded, whatever its caller is told: a retry in between
        # must not become another row.
        failed = [] if committed else tickets
        if tickets and committed:
            self._hooks.fault("before-release")
        self.tail_updater.add(committed, tickets if committed else [])
        if committed and not tickets:
            # Recovered or settled objects: a retry must find them before intake opens again.
            while not self.tail_updater.flush(_FLUSH_S, patient=True) and not self.pool.closed:
                pass
        with self._lock:
            for ticket in tickets:
                ticket.released = True  # from here on nobody is added to ``waiting``
        self._forget(failed)
        self._hooks.release(tickets)

    def _folded(self, tickets: Sequence[Ticket]) -> None:
        self._forget(tickets)

    def _forget(self, tickets: Sequence[Ticket]) -> None:
        with self._lock:
            for ticket in tickets:
                self._open.pop(_key_of(ticket.draft), None)


@dataclass(frozen=True, slots=True)
class _Group:
    """Drafts that are taken one after the other, under one hold of the lock."""

    open_to: set[str] = field(default_factory=set)  # gateways for which that was asked


class _Waiting:
    """Threads for work that may wait for a site, with a bounded queue."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._room = threading.BoundedSemaphore(_WAITING)
        self._lock = threading.Lock()
        self._left: dict[int, Sequence[tuple[Draft, Done]]] = {}  # who is told when this closes before them
        self._count = 0
        self._closed = False

    def add(self, work: Callable[[], None], callers: Sequence[tuple[Draft, Done]] = ()) -> None:
        """Do it on a thread, once one is free. Raises Busy: too much waits already, or this is closed."""
        if not self._room.acquire(blocking=False):
            raise Busy("too many requests wait for a site", retry_after=2, hint="Send it again.")
        with self._lock:
            if self._closed:
                self._room.release()
                raise _shutting_down()
            self._count += 1
            number = self._count
            self._left[number] = callers
            self._threads.submit(self._run, number, work)

    def close(self) -> list[tuple[Draft, Done]]:
        """Take no more work; the callers of what has not begun."""
        with self._lock:
            self._closed = True
            left = [caller for callers in self._left.values() for caller in callers]
            self._left.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)
        return left

    def _run(self, number: int, work: Callable[[], None]) -> None:
        try:
            with self._lock:
                begun = self._left.pop(number, None) is not None
            if begun:
                work()
        finally:
            self._room.release()


def _key_of(draft: Draft) -> _Key:
    return draft.entry, draft.gateway, draft.client_id


def _answered(draft: Draft, done: Done, outcome: Outcome) -> Ticket:
    """A ticket for a caller who gets an answer without a new entry."""
    return Ticket(draft, [done], outcome, released=True, repeated=True)


def _conflict(draft: Draft) -> Conflict:
    return Conflict(
        f"this gateway archived other bytes under this {draft.entry} id before",
        hint="Use a new id for new content; an archived original never changes.",
    )


def _shutting_down() -> Busy:
    return Busy("the node is shutting down", retry_after=2, hint="Send it to another node.")


def _told(error: Exception, what: str) -> VanVaultError:
    """What callers are told of an error; one that is not expected goes to the log with its trace."""
    if isinstance(error, VanVaultError):
        return error
    _log.error(what, kind=type(error).__name__, exc_info=error)
    return Busy(f"{what}: {type(error).__name__}", retry_after=5, hint="The node's log says more.")
