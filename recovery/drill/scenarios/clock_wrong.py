"""``clock-wrong``: clocks that are hours off; the guard must refuse to lock, and stores go by their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from vanvault.archiver.core.errors import LockRefused, SiteUnavailable
from vanvault.archiver.core.options import ProbePolicy
from vanvault.archiver.core.ports import Clock, ClockStopwatch
from vanvault.archiver.core.times import from_us
from vanvault.archiver.journal import Trust, TrustRules
from vanvault.archiver.replicas import ClockVerdict, SteadyClock
from vanvault.archiver.stores import FileSite
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.model import Loss

_NONE = timedelta(0)
_SITES = ("primary", "standby")


class ShiftedClock:
    """A clock that is off by ``by``, which may change while it runs."""

    def __init__(self, right: Clock, by: timedelta) -> None:
        self._right = right
        self.by = by

    def now(self) -> datetime:
        return self._right.now() + self.by


class _EverySite:
    """As under the policy ``all``: nothing goes on without a site; touches no site's health."""

    def clock_is_off(self, site: str, reason: str) -> None:
        """Nothing is told: the refusal that follows names the site."""

    def clock_is_right(self, site: str) -> None:
        """Nothing is told."""

    def goes_on_without(self, site: str) -> bool:
        return False


def rehearse(drill: Drill) -> None:
    wrong = drill.means.wrong_by
    _production_now(drill)
    with drill.phase("set clocks wrong"):
        with _guard(drill, "right", {}) as (trust, _):
            accepted = _refusal(trust.check_clocks)
        drill.check("right clocks are accepted", accepted is None, accepted or "they agree")
        for culprit in (ClockVerdict.HOST, *_SITES):
            for by in (wrong, -wrong):
                _one_wrong(drill, culprit, by)
        _set_while_it_runs(drill, wrong)
    _judged_by_store(drill)
    drill.set_loss(Loss())  # nothing was taken away that could be lost


def _production_now(drill: Drill) -> None:
    """The real clocks, as they are."""
    last = drill.production.tail.last_received_us()
    times = {name: site.now() for name, site in drill.production.sites.items()}
    verdict = ClockVerdict.of(drill.clock.now(), times, from_us(last) if last else None, drill.means.max_skew)
    drill.check("the clocks of production agree", verdict.ok, verdict.detail)


def _one_wrong(drill: Drill, culprit: str, by: timedelta) -> None:
    which = f"{culprit} {_signed(by)}"
    alarm = f"nothing is locked: {which}"
    drill.expect_alarm(alarm)
    with _guard(drill, f"{culprit}-{_signed(by)}", {culprit: by}) as (trust, _):
        named = _refusal(trust.check_clocks)
    if named is not None:
        drill.saw_alarm(alarm)
        drill.check(f"the guard names the culprit: {which}", named == culprit, f"it named {named}")


def _set_while_it_runs(drill: Drill, by: timedelta) -> None:
    """Between two comparisons of the clocks every commit asks whether the host's was set."""
    alarm = f"nothing is locked: host set by {_signed(by)} while the node runs"
    drill.expect_alarm(alarm)
    with _guard(drill, "running", {}) as (trust, host):
        trust.check_clocks()
        host.by = by
        if _refusal(trust.check_step) is not None:
            drill.saw_alarm(alarm)


def _judged_by_store(drill: Drill) -> None:
    """A lock ends when the store's clock says so, whatever the host believes."""
    with drill.phase("lock under a wrong host clock"):
        site = drill.scratch_site("primary", "judged")
        data = b"locked for a day"
        until = site.now().replace(microsecond=0) + timedelta(days=1)
        put = site.put("clock/locked", data, sha256=hashlib.sha256(data).digest(), retain_until=until)
        alarm = "delete refused by the store's clock"
        drill.expect_alarm(alarm)
        try:
            site.delete(put.key, put.version)
        except LockRefused:
            drill.saw_alarm(alarm)
        site.close()
        later = FileSite(
            drill.scratch / "judged", "primary", clock=ShiftedClock(drill.clock, timedelta(days=2))
        )
        try:
            later.delete(put.key, put.version)
            ended = True
        except LockRefused:
            ended = False
        later.close()
    drill.check("a lock ends by the store's clock", ended, "two days later by the store's clock")


@contextmanager
def _guard(drill: Drill, folder: str, off: dict[str, timedelta]) -> Iterator[tuple[Trust, ShiftedClock]]:
    """The guard of a node, over two scratch sites with clocks of their own."""
    roots = {name: drill.scratch / f"clock-{folder}" / name for name in _SITES}
    sites = {}
    for name, root in roots.items():
        root.parent.mkdir(exist_ok=True)
        clock = ShiftedClock(drill.clock, off.get(name, _NONE))
        FileSite.create(root, name, archive=drill.production.settings.archive, clock=clock)
        sites[name] = FileSite(root, name, clock=clock)
    host = ShiftedClock(drill.clock, off.get(ClockVerdict.HOST, _NONE))
    node = drill.production
    try:
        yield (
            Trust(
                sites=sites,
                search=node.search,
                tail=node.tail,
                signing=node.signing,
                clock=SteadyClock(host, ClockStopwatch(drill.clock)),
                judge=_EverySite(),
                rules=TrustRules({}, ProbePolicy(timedelta(days=1), accept_weak=True), drill.means.max_skew),
            ),
            host,
        )
    finally:
        for site in sites.values():
            site.close()


def _refusal(check: Callable[[], None]) -> str | None:
    """The culprit that a refusal names; None: nothing was refused."""
    try:
        check()
    except SiteUnavailable as error:
        return error.site
    return None


def _signed(by: timedelta) -> str:
    hours = by.total_seconds() / 3600
    return f"{hours:+.1f} h"
