"""The keeper: no batch loses its lock before its segment is proved.

It goes by what sites list, not by what this node has folded: a batch that cannot be decoded, or that
another node wrote, is kept just the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from vanvault.archiver.catalogue import Catalogue
from vanvault.archiver.core.errors import NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.names import batch_prefix, parse_key
from vanvault.archiver.core.options import LockPace
from vanvault.archiver.stores import Site
from vanvault.archiver.upkeep.compaction.plan import HeldBatch, KeepPlan, plan_keeping
from vanvault.archiver.upkeep.compaction.proof import Proof, prove_segments

#: A batch this young may not be folded yet without anything being wrong.
_FRESH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class KeeperReport:
    """What one round did."""

    uncompacted: int  # versions of batches that no segment holds
    extended: int
    alarms: tuple[HeldBatch, ...]  # so close to their end (or past it) that something is wrong
    failures: tuple[str, ...]  # sites that could not be asked, segments not whole, locks not extended
    unfolded: int = 0  # versions of batches that lie at a site, and that this node has not folded


#: Extends what a plan says at a site; how many. What failed is added to the list.
_Act = Callable[[Site, KeepPlan, list[str]], int]


def survey(
    sites: Mapping[str, Site], catalogue: Catalogue, pace: LockPace, *, now: Callable[[], datetime]
) -> KeeperReport:
    """What a round would find; extends nothing. A site that is away is in ``failures``; raises nothing."""
    return _round(sites, catalogue, pace, lambda site, plan, failures: 0, lambda key: True, now)


def keep(
    sites: Mapping[str, Site],
    catalogue: Catalogue,
    pace: LockPace,
    *,
    now: Callable[[], datetime],
    is_folded: Callable[[str], bool] = lambda key: True,
) -> KeeperReport:
    """Extend, at every site, the lock of every version of every batch that ends soon and is still needed.

    That is one that no segment holds, or whose segments are all short of something at some site. The lock of
    the latter is extended only while it lasts, and is no alarm: one that ended had its proof.

    Locks are judged and counted by ``now``, the node's time: a wrong clock of a site makes no lock longer or
    shorter. A site that is away is in ``failures``; raises nothing.
    """
    return _round(sites, catalogue, pace, _extend, is_folded, now)


def _round(
    sites: Mapping[str, Site],
    catalogue: Catalogue,
    pace: LockPace,
    act: _Act,
    is_folded: Callable[[str], bool],
    clock: Callable[[], datetime],
) -> KeeperReport:
    proof = prove_segments(sites, catalogue, now=clock)
    report = KeeperReport(0, 0, (), proof.failures)
    for name, site in sites.items():
        failures: list[str] = []
        try:
            now = clock()
            found = _needed(name, site, catalogue, proof, now, is_folded)
        except VanVaultError as error:
            if f"{name}: {error.message}" not in report.failures:
                failures.append(f"{name}: {error.message}")
            report = replace(report, failures=(*report.failures, *failures))
            continue
        plans = [
            plan_keeping(versions, now, lock=pace.lock, ahead=pace.ahead, alarm=pace.alarm)
            for versions in (found.uncompacted, found.short)
        ]
        extended = sum(act(site, plan, failures) for plan in plans)
        report = KeeperReport(
            uncompacted=report.uncompacted + len(found.uncompacted),
            extended=report.extended + extended,
            alarms=(*report.alarms, *plans[0].alarms),
            failures=(*report.failures, *failures),
            unfolded=report.unfolded + found.unfolded,
        )
    return report


@dataclass(slots=True)
class _Needed:
    """Versions of batches at one site."""

    uncompacted: list[HeldBatch]
    short: list[HeldBatch]  # compacted, but their segments are not whole everywhere
    unfolded: int = 0


def _needed(
    name: str,
    site: Site,
    catalogue: Catalogue,
    proof: Proof,
    now: datetime,
    is_folded: Callable[[str], bool],
) -> _Needed:
    needed = _Needed([], [])
    ranges = catalogue.ranges()  # one look, as a listing may be of millions
    for version in site.list(batch_prefix()):
        batch = parse_key(version.key)
        if batch is None:
            continue
        held_by = ranges.get(batch.writer, ())
        segments = [n for first, last, n in held_by if first <= batch.sequence <= last]
        if any(n not in proof.lacking for n in segments):
            continue
        until = version.retain_until
        if until is None and not site.capabilities.list_shows_locks:
            try:
                until = site.stat(version.key, version.version).retain_until
            except NotFound:
                continue
        held = HeldBatch(name, version.key, version.version, until)
        if not segments:
            needed.uncompacted.append(held)
            needed.unfolded += version.stored_at < now - _FRESH and not is_folded(version.key)
        elif until is not None and until >= now:
            needed.short.append(held)
    return needed


def _extend(site: Site, plan: KeepPlan, failures: list[str]) -> int:
    extended = 0
    for action in plan.actions:
        try:
            site.extend(action.held.key, action.held.version, action.retain_until)
            extended += 1
        except SiteUnavailable as error:
            failures.append(f"{site.site}: {error.message}")
            break  # the whole site is away
        except VanVaultError as error:
            failures.append(f"{site.site}: {action.held.key}: {error.message}")
    return extended
