"""Damage that verifications found and that none has found whole since.

It ends with a later run that read the same part of the site and found nothing wrong there, and with a repair
that mended everything: a repair reads all objects at all sites first, as a verification does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import lcm
from typing import cast

from vanvault.archiver.catalogue import Search
from vanvault.archiver.journal import EventType, OwnEvent, own_events
from vanvault.recovery.coverage.model import MAX_PARTS
from vanvault.recovery.verified import Problem, Subset, VerifyRun, is_harm, verify_runs


@dataclass(frozen=True, slots=True)
class KnownDamage:
    """What is known to be wrong at one site."""

    since: datetime  # when it was first found
    seen: datetime  # when it was last found
    findings: int  # of the last run that found it, at all sites together


def damage_on_record(search: Search, sites: Collection[str]) -> dict[str, KnownDamage]:
    """By site, the damage that is known of an archive, by what is folded here.

    Raises Damaged, SiteUnavailable (the index cannot be read).
    """
    mended = next(filter(_mended_all, own_events(search, EventType.SITE_REPAIRED)), None)
    return known_damage(verify_runs(search), sites, mended_at=mended.at if mended else None)


def _mended_all(event: OwnEvent) -> bool:
    detail = event.detail
    return detail.get("failures") == 0 and detail.get("beyond") == 0


def known_damage(
    runs: Iterable[VerifyRun], sites: Collection[str], *, mended_at: datetime | None = None
) -> dict[str, KnownDamage]:
    """By site, what was found wrong there and was not found whole by a later run. Pure.

    Args:
        runs: newest first; they are read no further than is needed.
        mended_at: when a repair last mended everything; what was found before it does not count.
    """
    clean = {site: _Parts() for site in sites}
    found: dict[str, KnownDamage] = {}
    for run in runs:
        if mended_at is not None and run.finished <= mended_at:
            break
        harmed = _harmed(run)
        for site in clean.keys() & run.sites.keys():
            if site not in harmed:
                clean[site].add(run.subset)
            elif not clean[site].hold(run.subset):
                last = found.get(site, KnownDamage(run.finished, run.finished, _harm(run.findings)))
                found[site] = KnownDamage(run.finished, last.seen, last.findings)
        if all(parts.all for parts in clean.values()):
            break
    return found


def _harm(findings: Mapping[str, int]) -> int:
    """How many of a run's findings are about the archive itself, and not about a site that was away."""
    return sum(
        count
        for problem, count in findings.items()
        if problem != "unavailable" and is_harm(cast(Problem, problem))  # an unknown one is harm, too
    )


def _harmed(run: VerifyRun) -> set[str]:
    """The sites at which a run found something wrong; all that it read, if it does not name each object."""
    count = _harm(run.findings)
    if not count:
        return set()
    named = {site: len(one.damaged) for site, one in run.sites.items() if one.damaged}
    return set(named) if run.named and count <= sum(named.values()) else set(run.sites)


class _Parts:
    """Parts of a site's objects, as subsets of any division."""

    def __init__(self) -> None:
        self._numbers: dict[int, set[int]] = defaultdict(set)  # division -> numbers
        self.all = False  # is every object in some part?

    def add(self, subset: Subset) -> None:
        numbers = self._numbers[subset.of]
        numbers.add(subset.number)
        self.all = self.all or len(numbers) == subset.of

    def hold(self, subset: Subset) -> bool:
        """Is every object of the subset in some part?"""
        if self.all:
            return True
        common = subset.of
        usable = []
        for of in sorted(self._numbers):
            if lcm(common, of) <= MAX_PARTS:
                common = lcm(common, of)
                usable.append(of)
        return all(
            any(part % of + 1 in self._numbers[of] for of in usable)
            for part in range(subset.number - 1, common, subset.of)
        )
