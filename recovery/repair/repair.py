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
from vanvault.recovery.verified import is_whole
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
    aside: tuple[Finding, ...] = ()  # what is not the archive's; a person removes it

    @property
    def whole(self) -> bool:
        """Would a verification find both sites whole now?"""
        return not self.failed and is_whole(finding.problem for finding in (*self.beyond, *self.aside))

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
            "aside": [finding.as_json() for finding in self.aside],
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
    clock: Callable[[], datetime] | None = None,
) -> RepairReport:
    """Do what the plan says. Whatever fails is in the report; the rest is done all the same.

    ``locks`` and ``signed``: until when copies are locked. ``clock``: the node's time, from which locks of
    copies are counted; None: as each site tells it.
    """
    copying = _Copying(sites, locks or LockRules(), signed, clock)
    began = timer()
    repaired: list[RepairAction] = []
    failed: list[FailedRepair] = []
    copied = 0
    # The size of an object is not known before it is read; a window of workers bounds them.
    effort = effort or Effort()
    for action, outcome in in_order(
        plan.actions, lambda action: _attempt(action, copying), size=lambda _: 0, effort=effort
    ):
        if isinstance(outcome, FailedRepair):
            failed.append(outcome)
            step(1, 0)
        else:
            repaired.append(action)
            copied += outcome
            step(1, outcome)
    return RepairReport(
        tuple(repaired), tuple(failed), plan.beyond, copied, timer() - began, aside=plan.aside
    )


@dataclass(frozen=True, slots=True)
class _Copying:
    """Where copies come from and go to, and what decides their locks."""

    sites: Mapping[str, Site]
    locks: LockRules
    signed: SignedDates
    clock: Callable[[], datetime] | None  # None: as each site tells it

    def now(self, site: Site) -> datetime:
        return self.clock() if self.clock is not None else site.now()


def _attempt(action: RepairAction, copying: _Copying) -> int | FailedRepair:
    """Bytes that were copied, or why not."""
    signed = action.retain_until or copying.signed(action.key)
    try:
        if isinstance(action, Copy):
            return _copy(action, copying, signed)
        return _extend(action, copying, signed)
    except VanVaultError as error:
        return FailedRepair(action, error.message)


def _copy(action: Copy, copying: _Copying, signed: datetime | None) -> int:
    target = copying.sites[action.target]
    data, version = read_good(copying.sites[action.source], action.key)
    until = lock_of(version, signed, copying.now(target), copying.locks)
    if action.problem == "hidden":
        # Its newest version may be good, and still a new one must go on top of the delete marker.
        target.put(action.key, data, sha256=sha256_of(action.key), retain_until=until)
        return len(data)
    return len(data) if write_good(target, action.key, data, until) else 0


def _extend(action: Extend, copying: _Copying, signed: datetime | None) -> int:
    target = copying.sites[action.target]
    _, version = read_good(target, action.key)
    until = min(signed or _date(action, copying), copying.locks.longest(copying.now(target)))
    if version.retain_until is None or version.retain_until < until:
        target.extend(action.key, version.version, until)
    return 0


def _date(action: Extend, copying: _Copying) -> datetime:
    """Where no signed date is known: what other sites show, within the rules."""
    name = parse_key(action.key)
    shown = [
        copying.locks.believed(name, newest.retain_until, copying.now(copying.sites[site]))
        for site in action.others
        if (newest := _newest(copying.sites[site], action.key)) is not None
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
