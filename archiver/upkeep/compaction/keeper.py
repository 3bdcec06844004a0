"""The keeper: no batch loses its lock before its segment is proved.

It goes by what sites list, not by what this node has folded: a batch that cannot be decoded, or that
another node wrote, is kept just the same. Where listings do not show locks, what is known of them is not
asked for again (``known_locks.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from vanvault.archiver.catalogue import Catalogue
from vanvault.archiver.core.errors import NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.names import batch_prefix, parse_key
from vanvault.archiver.core.options import LockPace
from vanvault.archiver.stores import Site, StoredVersion
from vanvault.archiver.upkeep.compaction.known_locks import KnownLocks, SiteLocks, nothing_known
from vanvault.archiver.upkeep.compaction.plan import HeldBatch, KeepPlan, plan_keeping
from vanvault.archiver.upkeep.compaction.proof import Proof, prove_segments
from vanvault.archiver.upkeep.compaction.rolling import roll

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
_Act = Callable[[Site, KeepPlan, list[str], SiteLocks], int]

#: Looks on while the batches of a site (its name) are listed, and gives each version on.
Watch = Callable[[str, Iterator[StoredVersion]], Iterator[StoredVersion]]


def unwatched(site: str, listed: Iterator[StoredVersion]) -> Iterator[StoredVersion]:
    """Nobody looks on."""
    return listed


def survey(
    sites: Mapping[str, Site],
    catalogue: Catalogue,
    pace: LockPace,
    *,
    now: Callable[[], datetime],
    known: KnownLocks | None = None,
    watch: Watch = unwatched,
) -> KeeperReport:
    """What a round would find; extends nothing. A site that is away is in ``failures``; raises nothing.

    ``watch`` sees what is listed, so that whoever asks something else of it need not list it again.
    """
    look = _Round(catalogue, now, lambda key: True, known or nothing_known(), pace, pace.alarm, watch)
    return _run(sites, look, lambda site, plan, failures, locks: 0)


def keep(
    sites: Mapping[str, Site],
    catalogue: Catalogue,
    pace: LockPace,
    *,
    now: Callable[[], datetime],
    is_folded: Callable[[str], bool] = lambda key: True,
    known: KnownLocks | None = None,
) -> KeeperReport:
    """Extend, at every site, the lock of every version of every batch that ends soon and is still needed.

    That is one that no segment holds, or whose segments are all short of something at some site. The lock of
    the latter is extended only while it lasts, and is no alarm: one that ended had its proof.

    Locks of residue segments are rolled, too (``rolling.py``).

    Locks are judged and counted by ``now``, the node's time: a wrong clock of a site makes no lock longer or
    shorter. A site that is away is in ``failures``; raises nothing. ``known``: locks that need not be asked
    for; None: there are none.
    """
    report = _run(
        sites, _Round(catalogue, now, is_folded, known or nothing_known(), pace, pace.ahead), _extend
    )
    rolled, failures = roll(sites, catalogue, now())
    new = tuple(failure for failure in failures if failure not in report.failures)
    return replace(report, extended=report.extended + rolled, failures=(*report.failures, *new))


@dataclass(frozen=True, slots=True)
class _Round:
    """What one round goes by."""

    catalogue: Catalogue
    clock: Callable[[], datetime]
    is_folded: Callable[[str], bool]
    known: KnownLocks
    pace: LockPace
    surely: timedelta  # a lock that is known to end within this is asked for
    watch: Watch = unwatched


def _run(sites: Mapping[str, Site], look: _Round, act: _Act) -> KeeperReport:
    proof = prove_segments(sites, look.catalogue, now=look.clock)
    report, pace = KeeperReport(0, 0, (), proof.failures), look.pace
    for name, site in sites.items():
        failures: list[str] = []
        locks = look.known.of(name)
        try:
            now = look.clock()
            found = _needed(name, site, look, proof, now)
            shorter = _checked(site, locks, found, failures)
        except VanVaultError as error:
            if f"{name}: {error.message}" not in report.failures:
                failures.append(f"{name}: {error.message}")
            report = replace(report, failures=(*report.failures, *failures))
            continue
        plans = [
            plan_keeping(versions, now, lock=pace.lock, ahead=pace.ahead, alarm=pace.alarm)
            for versions in (found.uncompacted, found.short)
        ]
        extended = sum(act(site, plan, failures, locks) for plan in plans)
        ending = {(held.key, held.version) for held in plans[0].alarms}
        broken = tuple(held for held in shorter if (held.key, held.version) not in ending)
        report = KeeperReport(
            uncompacted=report.uncompacted + len(found.uncompacted),
            extended=report.extended + extended,
            alarms=(*report.alarms, *plans[0].alarms, *broken),
            failures=(*report.failures, *failures),
            unfolded=report.unfolded + found.unfolded,
        )
    look.known.remember()
    return report


@dataclass(slots=True)
class _Needed:
    """Versions of batches at one site."""

    uncompacted: list[HeldBatch]
    short: list[HeldBatch]  # compacted, but their segments are not whole everywhere
    unfolded: int = 0


def _needed(name: str, site: Site, look: _Round, proof: Proof, now: datetime) -> _Needed:
    needed, locks, hidden = _Needed([], []), look.known.of(name), not site.capabilities.list_shows_locks
    ranges, surely = look.catalogue.ranges(), now + look.surely  # one look, as a listing may be of millions
    for version in look.watch(name, site.list(batch_prefix())):
        batch = parse_key(version.key)
        if batch is None:
            continue
        held_by = ranges.get(batch.writer, ())
        segments = [n for first, last, n in held_by if first <= batch.sequence <= last]
        if any(n not in proof.lacking for n in segments):
            continue
        until, ask = version.retain_until, False
        if until is None and hidden:
            until = locks.known(version.key, version.version)
            ask = until is None or until < surely
        if ask:
            try:
                until = site.stat(version.key, version.version).retain_until
            except NotFound:
                continue
            locks.learn(version.key, version.version, until)
        held = HeldBatch(name, version.key, version.version, until)
        if hidden and not ask:
            locks.vouched(held)
        if not segments:
            needed.uncompacted.append(held)
            needed.unfolded += version.stored_at < now - _FRESH and not look.is_folded(version.key)
        elif until is not None and until >= now:
            needed.short.append(held)
    locks.whole()
    return needed


def _checked(site: Site, locks: SiteLocks, needed: _Needed, failures: list[str]) -> list[HeldBatch]:
    """What the site locks shorter than is known; put right in ``needed``. Raises SiteUnavailable."""
    shorter = locks.check(site)
    if not shorter:
        return []
    found = {(held.key, held.version): held for held in shorter}
    needed.uncompacted = [found.get((held.key, held.version), held) for held in needed.uncompacted]
    needed.short = [found.get((held.key, held.version), held) for held in needed.short]
    failures.append(
        f"{site.site}: {shorter[0].key} is locked shorter than when it was put; the store does not keep locks"
        f" ({len(shorter)} of its batches)"
    )
    return shorter


def _extend(site: Site, plan: KeepPlan, failures: list[str], locks: SiteLocks) -> int:
    extended = 0
    for action in plan.actions:
        try:
            after = site.extend(action.held.key, action.held.version, action.retain_until)
            if not site.capabilities.list_shows_locks:
                locks.learn(action.held.key, action.held.version, after.retain_until)
            extended += 1
        except SiteUnavailable as error:
            failures.append(f"{site.site}: {error.message}")
            break  # the whole site is away
        except VanVaultError as error:
            failures.append(f"{site.site}: {action.held.key}: {error.message}")
    return extended
