"""Carries out a repair plan: in parallel, idempotent, nothing ever removed or shortened."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Damaged, VanVaultError
from vanvault.archiver.core.names import parse_key, sha256_of
from vanvault.archiver.core.object_limits import LockRules
from vanvault.archiver.stores import Site, SiteReader, StoredVersion
from vanvault.recovery.objects import SignedDates, lock_of, nothing_signed, read_good, write_good
from vanvault.recovery.repair.plan import Copy, Extend, RepairAction, RepairPlan, action_fields
from vanvault.recovery.verify import Finding
from vanvault.recovery.work import Effort, Step, in_order, silent


@dataclass(frozen=True, slots=True)
class FailedRepair:
    """An action that did not succeed; it may be tried again."""

    action: RepairAction
    reason: str


@dataclass(frozen=True, slots=True)
class RepairReport:
    """The outcome of a repair."""

    repaired: tuple[RepairAction, ...]
    failed: tuple[FailedRepair, ...]
    beyond: tuple[Finding, ...]  # what no copy mends
    bytes: int  # copied
    seconds: float
    recorded: bool = False

    @property
    def whole(self) -> bool:
        """Was everything that is wrong repaired, apart from extra files?"""
        return not self.failed and not self.beyond

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK if self.whole else ExitCode.CHECK_FAILED

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "whole": self.whole,
            "repaired": [action_fields(action) for action in self.repaired],
            "failed": [
                {**action_fields(failure.action), "reason": failure.reason} for failure in self.failed
            ],
            "beyond": [finding.as_json() for finding in self.beyond],
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
        }


def repair_sites(
    plan: RepairPlan,
    sites: Mapping[str, Site],
    *,
    locks: LockRules | None = None,
    signed: SignedDates = nothing_signed,
    effort: Effort | None = None,
    step: Step = silent,
    timer: Callable[[], float] = time.monotonic,
) -> RepairReport:
    """Do what the plan says. Whatever fails is in the report; the rest is done all the same.

    ``locks`` and ``signed``: until when copies are locked.
    """
    rules = locks or LockRules()
    began = timer()
    repaired: list[RepairAction] = []
    failed: list[FailedRepair] = []
    copied = 0
    # The size of an object is not known before it is read; a window of workers bounds them.
    effort = effort or Effort()
    for action, outcome in in_order(
        plan.actions, lambda action: _attempt(action, sites, rules, signed), size=lambda _: 0, effort=effort
    ):
        if isinstance(outcome, FailedRepair):
            failed.append(outcome)
            step(1, 0)
        else:
            repaired.append(action)
            copied += outcome
            step(1, outcome)
    return RepairReport(tuple(repaired), tuple(failed), plan.beyond, copied, timer() - began)


def _attempt(
    action: RepairAction, sites: Mapping[str, Site], locks: LockRules, signed: SignedDates
) -> int | FailedRepair:
    """Bytes that were copied, or why not."""
    date = action.retain_until or signed(action.key)
    try:
        if isinstance(action, Copy):
            return _copy(action, sites, locks, date)
        return _extend(action, sites, locks, date)
    except VanVaultError as error:
        return FailedRepair(action, error.message)


def _copy(action: Copy, sites: Mapping[str, Site], locks: LockRules, signed: datetime | None) -> int:
    target = sites[action.target]
    data, version = read_good(sites[action.source], action.key)
    until = lock_of(version, signed, target.now(), locks)
    if action.problem == "hidden":
        # Its newest version may be good, and still a new one must go on top of the delete marker.
        target.put(action.key, data, sha256=sha256_of(action.key), retain_until=until)
        return len(data)
    return len(data) if write_good(target, action.key, data, until) else 0


def _extend(action: Extend, sites: Mapping[str, Site], locks: LockRules, signed: datetime | None) -> int:
    target = sites[action.target]
    _, version = read_good(target, action.key)
    until = min(signed or _date(action, sites, locks), locks.longest(target.now()))
    if version.retain_until is None or version.retain_until < until:
        target.extend(action.key, version.version, until)
    return 0


def _date(action: Extend, sites: Mapping[str, Site], locks: LockRules) -> datetime:
    """Where no signed date is known: what other sites show, within the rules."""
    name = parse_key(action.key)
    shown = [
        locks.believed(name, newest.retain_until, sites[site].now())
        for site in action.others
        if (newest := _newest(sites[site], action.key)) is not None
        and newest.retain_until is not None
        and name is not None
    ]
    dates = [date for date in shown if date is not None]
    if not dates:
        raise Damaged(
            f"nothing says until when {action.key} must be locked",
            key=action.key,
            site=action.target,
            hint="Restore the master keys, so that its date can be read, and repair again.",
        )
    return max(dates)


def _newest(site: SiteReader, key: str) -> StoredVersion | None:
    return next(iter(site.versions(key)), None)
