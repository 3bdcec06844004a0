"""Rebuilds a site from the other: parallel, what brings it to use first, resumable at any point.

There is no state but the target itself: a put is whole or absent, and the names say what is there. So
a restore that was killed is resumed by starting it again, and one that is complete finds nothing to do.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable
from vanvault.archiver.core.names import sha256_of
from vanvault.archiver.replicas import serves_others
from vanvault.archiver.stores import Site, SiteReader, StoredVersion, passing
from vanvault.recovery.objects import pass_on, read_good, write_good
from vanvault.recovery.restore.plan import CopyLocks, RestorePlan, in_turn, is_over, is_restored
from vanvault.recovery.restore.work_list import ToCopy
from vanvault.recovery.work import Effort, Extent, Step, in_order, silent

if TYPE_CHECKING:
    from vanvault.recovery.verify import Finding


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """The outcome of a restore."""

    plan: RestorePlan
    copied: Extent
    failures: tuple[Finding, ...]  # objects that the source does not hold whole
    seconds: float

    @property
    def whole(self) -> bool:
        """Does the target hold all that the source holds?"""
        return not self.failures


def restore_site(
    plan: RestorePlan,
    source: SiteReader,
    target: Site,
    *,
    effort: Effort | None = None,
    step: Step = silent,
    timer: Callable[[], float] = time.monotonic,
    clock: Callable[[], datetime] | None = None,
    make_folders: Callable[[str], None] | None = None,
) -> RestoreReport:
    """Copy what the plan found missing; each object's bytes are checked against its name on the way.

    ``clock``: the node's time, from which locks of copies are counted; None: as the sites tell it.
    ``make_folders``: hears each key before it is copied.

    An object that is damaged at the source is reported, and the rest goes on.

    Raises SiteUnavailable, SiteFull, SettingsError when a site fails as a whole; start again to resume.
    """
    began, at_source, at_target = timer(), source.now(), target.now()
    if clock is not None:  # a site's clock that is ahead ends no lock for us, and makes none longer
        at_source, at_target = min(at_source, clock()), clock()
    sites: dict[str, SiteReader] = {source.site: source, target.site: target}
    passing_on = _PassingOn(source, target)
    copied = Extent()
    failures: list[Finding] = []

    def copy(item: ToCopy) -> Extent | Finding | None:
        locks = CopyLocks(plan.rules, {item.copies.key: item.signed} if item.signed else {})
        if is_restored(item.copies, sites, source.site, target.site, locks, at_source):
            return None
        if make_folders is not None:
            make_folders(item.copies.key)
        now = at_target + timedelta(seconds=timer() - began)  # no request for what is known well enough
        return _copy(item, source, target, at_source, now, locks, passing_on)

    for item, outcome in in_order(
        in_turn(plan, target), copy, size=lambda item: item.copies.size, effort=effort or Effort()
    ):
        if outcome is None:
            continue
        if isinstance(outcome, Extent):
            copied += outcome
        else:
            failures.append(outcome)
        step(1, item.copies.at[source.site][0].size)
    return RestoreReport(plan, copied, tuple(failures), timer() - began)


#: Objects in a row that could not be put while they came, after which none is: each of them is moved twice.
_MOST_FAILED = 3


class _PassingOn:
    """Puts objects while they come, as long as that goes well. Shared by threads."""

    def __init__(self, source: SiteReader, target: Site) -> None:
        """Raises SiteUnavailable: a site cannot be opened."""
        self._source = source
        self._target = target
        able = passing(source) is not None and passing(target) is not None
        self._failed = 0 if able else _MOST_FAILED  # objects in a row

    @property
    def is_worth_it(self) -> bool:
        """Can the sites, and did they lately? A store that encrypts at rest tells no MD5, for instance."""
        return self._failed < _MOST_FAILED

    def __call__(
        self, version: StoredVersion, lock: Callable[[StoredVersion], datetime | None]
    ) -> bool | None:
        """See ``pass_on``."""
        passed = pass_on(self._source, self._target, version, lock)
        self._failed = self._failed + 1 if passed is None else 0
        return passed


def _copy(
    item: ToCopy,
    source: SiteReader,
    target: Site,
    at_source: datetime,
    now: datetime,
    locks: CopyLocks,
    passing_on: _PassingOn,
) -> Extent | Finding | None:
    copies, key = item.copies, item.copies.key
    listed, held = copies.at[source.site], None if target.site in copies.at else ()

    def lock(version: StoredVersion) -> datetime | None:
        return None if item.compacted and is_over(version, at_source) else locks.of(version, now)

    try:
        if hashlib.sha256(item.data).digest() == sha256_of(key):
            data, version = item.data, listed[0]
        else:
            if held is not None and passing_on.is_worth_it:
                passed = passing_on(listed[0], lock)
                if passed is not None:
                    return Extent(1, listed[0].size) if passed else None
                held = None  # the target may hold it by now
            data, version = read_good(source, key, listed)
    except NotFound as error:
        return _finding(source, key, "missing", error.message)
    except Damaged as error:
        return _finding(source, key, "damaged", error.message)
    except SiteUnavailable as error:
        if not serves_others(source, key):  # the whole site is away; else it is this object that it refuses
            raise
        return _finding(source, key, "damaged", f"it cannot be read: {error.message}")
    until = lock(version)
    if until is None:
        return None
    written = write_good(target, key, data, until, held=held)
    return Extent(1, len(data)) if written else Extent()


def _finding(source: SiteReader, key: str, problem: Literal["missing", "damaged"], told: str) -> Finding:
    from vanvault.recovery.verify import Finding  # much to load, for a restore that finds nothing

    return Finding(source.site, key, problem, told)
