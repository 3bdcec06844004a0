"""The keeper: no batch loses its lock before its segment is proved.

It goes by what sites list, not by what this node has folded: a batch that cannot be decoded, or that
another node wrote, is kept just the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from vanvault.archiver.compaction.plan import HeldBatch, KeepPlan, plan_keeping
from vanvault.archiver.errors import NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.format.names import batch_prefix, parse_key
from vanvault.archiver.search.catalogue import Catalogue
from vanvault.archiver.store.port import Site


@dataclass(frozen=True, slots=True)
class KeeperPace:
    """When locks are extended, and for how long."""

    lock: timedelta  # of an extended batch, from now
    ahead: timedelta  # extend what ends within this
    alarm: timedelta  # report what ends within this


@dataclass(frozen=True, slots=True)
class KeeperReport:
    """What one round did."""

    uncompacted: int  # versions of batches that no segment holds
    extended: int
    alarms: tuple[HeldBatch, ...]  # so close to their end (or past it) that something is wrong
    failures: tuple[str, ...]  # sites that could not be asked, locks that could not be extended


def survey(sites: Mapping[str, Site], catalogue: Catalogue, pace: KeeperPace) -> KeeperReport:
    """What a round would find; extends nothing. A site that is away is in ``failures``; raises nothing."""
    return _round(sites, catalogue, pace, lambda site, plan, failures: 0)


def keep(sites: Mapping[str, Site], catalogue: Catalogue, pace: KeeperPace) -> KeeperReport:
    """Extend, at every site, the lock of every version of every uncompacted batch that ends soon.

    Each site's lock is judged by that site's clock. A site that is away is in ``failures``; raises nothing.
    """
    return _round(sites, catalogue, pace, _extend)


def _round(
    sites: Mapping[str, Site],
    catalogue: Catalogue,
    pace: KeeperPace,
    act: Callable[[Site, KeepPlan, list[str]], int],
) -> KeeperReport:
    held = extended = 0
    alarms: list[HeldBatch] = []
    failures: list[str] = []
    for name, site in sites.items():
        try:
            versions = _uncompacted(name, site, catalogue)
            plan = plan_keeping(versions, site.now(), lock=pace.lock, ahead=pace.ahead, alarm=pace.alarm)
        except VanVaultError as error:
            failures.append(f"{name}: {error.message}")
            continue
        held += len(versions)
        alarms.extend(plan.alarms)
        extended += act(site, plan, failures)
    return KeeperReport(held, extended, tuple(alarms), tuple(failures))


def _uncompacted(name: str, site: Site, catalogue: Catalogue) -> list[HeldBatch]:
    found = []
    for version in site.list(batch_prefix()):
        if parse_key(version.key) is None or catalogue.covers(version.key):
            continue
        until = version.retain_until
        if until is None and not site.capabilities.list_shows_locks:
            try:
                until = site.stat(version.key, version.version).retain_until
            except NotFound:
                continue
        found.append(HeldBatch(name, version.key, version.version, until))
    return found


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
