"""Whether a site can be relied on: a state machine with hysteresis, fed by what was seen of the site. Pure.

::

             failure              failures                    level
    healthy ─────────► suspect ────────────► out      ┌───────────────► healthy
       ▲                  │                   │       │
       └── successes ─────┘     successes and seconds │
                                              ▼       │
                          out ◄── failure ── catching-up

A *put* that succeeds was locked and read back; a *look* only asks the site for its time. A site at which
puts fail does not become good by answering looks, so looks clear only what looks found. From ``out``,
where nothing is put, looks are all there is: enough of them, over enough seconds, let it back. The seconds
double with every relapse, so that a site that comes and goes stays out. A put that succeeds although the
site is out (a node under the policy ``all`` waits for it) ends that at once.

A site that answers can be out all the same: it is *barred* when a check found that what it says is wrong (its
clock differs from all others, its listing is out of order). Nothing that succeeds there brings it back before
that check finds it right again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from vanvault.archiver.core.options import HealthRules

SiteState = Literal["healthy", "suspect", "out", "catching-up"]
Sort = Literal["put", "look"]
#: What a check may find wrong with a site that answers.
Cause = Literal["clock", "listing"]
CAUSES: tuple[Cause, ...] = get_args(Cause)

#: The seconds before a site is let back double at most so often.
_DOUBLINGS = 6


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that was seen of a site."""

    sort: Sort
    ok: bool
    at: float  # seconds of a stopwatch
    reason: str = ""  # why it failed


@dataclass(frozen=True, slots=True)
class SiteHealth:
    """The judgement of one site. ``since`` is None for a site of which nothing is known yet."""

    state: SiteState = "healthy"
    since: datetime | None = None
    reason: str = ""  # the last failure; "" when healthy
    failures: int = 0  # since the site was last healthy or let back
    successes: int = 0  # in a row
    first_success: float = 0.0
    puts_failed: bool = False
    relapses: int = 0
    barred: tuple[tuple[Cause, str], ...] = ()  # what is wrong with its answers, and the reason in words


def seen(health: SiteHealth, what: Seen, rules: HealthRules, now: datetime) -> SiteHealth:
    """The judgement after one more observation, made at ``now`` (UTC)."""
    return _after_success(health, what, rules, now) if what.ok else _after_failure(health, what, rules, now)


def level(health: SiteHealth, now: datetime) -> SiteHealth:
    """Reconciliation found nothing missing: a site that was catching up is healthy."""
    return SiteHealth("healthy", now) if health.state == "catching-up" else health


def taken_out(health: SiteHealth, reason: str, now: datetime) -> SiteHealth:
    """An operator decided to go on without the site; it comes back like any other that was out."""
    if health.state == "out":
        return health
    return SiteHealth("out", now, reason, relapses=health.relapses)


def barred(health: SiteHealth, cause: Cause, reason: str, now: datetime) -> SiteHealth:
    """A check found the site's answers wrong: it is out until ``unbarred`` for the same cause."""
    causes = (*(one for one in health.barred if one[0] != cause), (cause, reason))
    if health.state == "out":
        return replace(health, reason=reason, successes=0, barred=causes)
    relapses = health.relapses + (health.state == "catching-up")
    return SiteHealth("out", now, reason, relapses=relapses, barred=causes)


def unbarred(health: SiteHealth, cause: Cause) -> SiteHealth:
    """The check found the site's answers right; it comes back like any other that was out."""
    return replace(health, barred=tuple(one for one in health.barred if one[0] != cause))


def _after_failure(health: SiteHealth, what: Seen, rules: HealthRules, now: datetime) -> SiteHealth:
    failed = replace(
        health,
        reason=health.reason if health.barred else what.reason,
        failures=health.failures + 1,
        successes=0,
        puts_failed=health.puts_failed or what.sort == "put",
    )
    if health.state == "out":
        return failed
    if health.state == "catching-up":
        return replace(failed, state="out", since=now, relapses=health.relapses + 1)
    if failed.failures >= rules.failures:
        return replace(failed, state="out", since=now)
    return failed if health.state == "suspect" else replace(failed, state="suspect", since=now)


def _after_success(health: SiteHealth, what: Seen, rules: HealthRules, now: datetime) -> SiteHealth:
    if health.barred or health.state in ("healthy", "catching-up"):
        return health
    if health.state == "suspect":
        if what.sort == "look" and health.puts_failed:
            return health
        good = replace(health, successes=health.successes + 1)
        return SiteHealth("healthy", now) if good.successes >= rules.successes else good
    first = health.first_success if health.successes else what.at
    good = replace(health, successes=health.successes + 1, first_success=first)
    waited = what.at - first >= rules.back_s * 2 ** min(health.relapses, _DOUBLINGS)
    if what.sort == "put" or (good.successes >= rules.successes and waited):
        return SiteHealth("catching-up", now, health.reason, relapses=health.relapses)
    return good
