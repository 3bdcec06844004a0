"""Brings the sites level: one pass over their listings, copying what one lacks and carrying later locks.

Idempotent, and resumed by running it again: what is done is not found missing any more. Memory is bounded
by a page of each listing, the objects in flight, and the failures that are named.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from vanvault.archiver.core.errors import NotFound, VanVaultError
from vanvault.archiver.core.object_limits import LockRules
from vanvault.archiver.replicas import Lag
from vanvault.archiver.stores import Site
from vanvault.recovery.objects import (
    Copies,
    Listing,
    PassedOver,
    SignedDates,
    lock_of,
    newest_with_locks,
    nothing_passed,
    nothing_signed,
    read_good,
    write_good,
)
from vanvault.recovery.reconcile.plan import DueLocks, Fetch, ReconcileAction, add, decide, is_object
from vanvault.recovery.work import Effort, Extent, Step, in_order, let_puts_arrive, silent

#: Failures that a report names; the rest are counted.
NAMED = 100
#: An object that is younger may be on its way to the other site yet; so it is looked for once more.
ON_ITS_WAY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class FailedAction:
    """What could not be done; the next run tries again."""

    action: ReconcileAction
    error: VanVaultError


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """What a run found and did."""

    compared: int  # objects at one site or more
    ignored: int  # names that are no objects of the archive
    lags: Mapping[str, Lag]  # what each site lacked when it was compared
    shorter_locks: int  # locks that were earlier than another site's
    fetched: Extent
    prolonged: int
    failures: int
    named: tuple[FailedAction, ...]  # the first of them
    seconds: float
    left: Mapping[str, Lag]  # what each site still lacks

    @property
    def level(self) -> bool:
        """Do all sites hold the same objects, each as long as the others?"""
        done = not self.failures and self.prolonged == self.shorter_locks
        return done and not any(lag.objects for lag in self.left.values())


@dataclass(slots=True)
class _Tally:
    lags: dict[str, Lag]
    left: dict[str, Lag]
    compared: int = 0
    ignored: int = 0
    shorter_locks: int = 0
    fetched: Extent = field(default_factory=Extent)
    prolonged: int = 0
    failures: int = 0
    named: list[FailedAction] = field(default_factory=list)

    def take(self, action: ReconcileAction, outcome: int | VanVaultError | None, now: datetime) -> None:
        """Count an action and how it ended: bytes that were copied, an error, or None (not tried)."""
        if isinstance(action, Fetch):
            self.lags[action.target] = add(self.lags[action.target], action, now)
            if not isinstance(outcome, int):
                self.left[action.target] = add(self.left[action.target], action, now)
            elif outcome:
                self.fetched += Extent(1, outcome)
        else:
            self.shorter_locks += 1
            self.prolonged += isinstance(outcome, int)
        if isinstance(outcome, VanVaultError):
            self.failures += 1
            if len(self.named) < NAMED:
                self.named.append(FailedAction(action, outcome))


_Outcomes = list[tuple[ReconcileAction, int | VanVaultError | None]]


def reconcile_sites(
    sites: Mapping[str, Site],
    *,
    dry_run: bool = False,
    locks: LockRules | None = None,
    signed: SignedDates = nothing_signed,
    covered: Callable[[str], bool] = lambda key: False,
    effort: Effort | None = None,
    step: Step = silent,
    pause: Callable[[], None] = let_puts_arrive,
    timer: Callable[[], float] = time.monotonic,
    clock: Callable[[], datetime] | None = None,
    passed: PassedOver = nothing_passed,
) -> ReconcileReport:
    """Compare all sites and, unless ``dry_run``, copy and prolong what is missing.

    An object that cannot be copied is in the report, and the rest goes on.

    Args:
        locks, signed: until when copies are locked; what a site shows beyond that is not followed.
        covered: does a segment hold the batch with this key? What one site cleared is not copied back to it.
        step: hears of every name that is done, with the bytes that were copied for it.
        pause: waits a moment before what was just written counts as missing.
        clock: the node's time, from which locks of copies are counted; None: as each site tells it.
        passed: of which objects no copy is made and no lock prolonged.

    Raises SiteUnavailable, SettingsError: a site cannot be listed to its end.
    """
    began = timer()
    names = list(sites)
    listing = Listing(sites)
    told = max(site.now() for site in sites.values())
    now = clock() if clock is not None else told
    due = DueLocks(locks or LockRules(), signed, now, covered)
    tally = _Tally({name: Lag() for name in names}, {name: Lag() for name in names})
    young: list[str] = []

    def level(copies: Copies) -> _Outcomes:
        if not is_object(copies.key) or passed(copies.key):
            return []
        # Of an object at one site only there is no lock to compare: its copy learns it with the bytes.
        alone = len(copies.at) == 1
        known = copies if alone and not covered(copies.key) else newest_with_locks(copies, sites)
        actions = decide(known, names, due)
        outcomes: _Outcomes = [
            (action, None if dry_run else _carry_out(action, copies, sites, due, clock)) for action in actions
        ]
        # One that is gone by now, after it was listed, is nobody's to copy.
        return [one for one in outcomes if not (alone and isinstance(one[1], NotFound))]

    def judge(copies: Copies) -> _Outcomes | None:
        lacking = any(site not in copies.at for site in names if site not in listing.away)
        if lacking and is_object(copies.key) and _is_young(copies, now) and not passed(copies.key):
            return None
        return [] if listing.away else level(copies)

    for copies, outcomes in in_order(
        listing.everything(), judge, size=lambda copies: copies.size, effort=effort or Effort()
    ):
        tally.compared += is_object(copies.key)
        tally.ignored += not is_object(copies.key)
        if outcomes is None:
            young.append(copies.key)
        _count(tally, outcomes or [], now, step)
    for error in listing.away.values():
        raise error
    if young:
        pause()
    for key in young:
        found = {name: tuple(versions) for name, site in sites.items() if (versions := site.versions(key))}
        _count(tally, level(Copies(key, found)), now, step)
    return ReconcileReport(
        compared=tally.compared,
        ignored=tally.ignored,
        lags=tally.lags,
        shorter_locks=tally.shorter_locks,
        fetched=tally.fetched,
        prolonged=tally.prolonged,
        failures=tally.failures,
        named=tuple(tally.named),
        seconds=timer() - began,
        left=tally.left,
    )


def _count(tally: _Tally, outcomes: _Outcomes, now: datetime, step: Step) -> None:
    for action, outcome in outcomes:
        tally.take(action, outcome, now)
    step(1, sum(outcome for _, outcome in outcomes if isinstance(outcome, int)))


def _is_young(copies: Copies, now: datetime) -> bool:
    return all(now - versions[0].stored_at < ON_ITS_WAY for versions in copies.at.values())


def _carry_out(
    action: ReconcileAction,
    copies: Copies,
    sites: Mapping[str, Site],
    due: DueLocks,
    clock: Callable[[], datetime] | None,
) -> int | VanVaultError:
    """Bytes that were copied, or why not; ``copies``: as a listing has just shown them."""
    target = sites[action.target]
    try:
        if isinstance(action, Fetch):
            data, version = read_good(sites[action.source], action.key, copies.at[action.source])
            until = lock_of(version, due.signed(action.key), (clock or target.now)(), due.rules)
            written = write_good(target, action.key, data, until, held=copies.at.get(action.target, ()))
            return len(data) if written else 0
        target.extend(action.key, action.version, action.retain_until)
        return 0
    except VanVaultError as error:
        return error
