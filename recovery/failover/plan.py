"""What a promotion or a failback would do, from what is known. Pure.

A plan's id names the step (archive, from which epoch to which), not the figures of the moment: a second
person approves the step, and figures that moved meanwhile do not void the approval.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.replicas import Leadership

FailoverAction = Literal["promote", "failback"]

#: A writer that was silent for so long counts as gone.
_RECENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Missing:
    """What was acknowledged and does not lie at a site, as far as receipts on record tell."""

    batches: int = 0
    entries: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class SiteFact:
    """What is known of one site."""

    site: str
    reachable: bool
    detail: str  # why it is not
    last_entry: datetime | None  # the newest entry known to lie there
    missing: Missing


@dataclass(frozen=True, slots=True)
class NodeFact:
    """A writer as the archive knows it."""

    writer: str
    last_entry: datetime
    closed: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a plan is made from."""

    archive: str
    now: datetime
    leadership: Leadership
    sites: tuple[SiteFact, ...]
    nodes: tuple[NodeFact, ...]
    conflicts: int  # open
    insisting: tuple[str, ...]  # gateways that were set to ``all`` themselves

    def site(self, name: str) -> SiteFact:
        return next(site for site in self.sites if site.site == name)

    def as_json(self, promotion: Plan) -> dict[str, Any]:
        """The same as JSON values, with the plan of a promotion."""
        return {
            "epoch": self.leadership.epoch,
            "leader": self.leadership.leader,
            "alone": self.leadership.alone,
            "sites": [
                {
                    "site": site.site,
                    "role": "leads" if site.site == self.leadership.leader else "follows",
                    "reachable": site.reachable,
                    "detail": site.detail,
                    "last_entry": _rfc3339(site.last_entry),
                    "missing": {
                        "batches": site.missing.batches,
                        "entries": site.missing.entries,
                        "oldest": _rfc3339(site.missing.oldest),
                    },
                }
                for site in self.sites
            ],
            "conflicts": self.conflicts,
            "writers_open": [node.writer for node in self.nodes if not node.closed],
            "promotion": promotion.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """One step, what blocks it, and its effects."""

    id: str
    action: FailoverAction
    leadership: Leadership  # that it starts from
    epoch: int
    leader: str
    blockers: tuple[str, ...]  # the step is refused
    effects: tuple[str, ...]
    done: bool = False  # the same step was taken already, and it is in force

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        told = {"epoch": self.leadership.epoch, "leader": self.leadership.leader}
        fields = {**asdict(self), "leadership": told}
        return {"stand" if name == "leadership" else name: value for name, value in fields.items()}


def promotion_subject(plan: Plan, reason: str) -> dict[str, object]:
    """What others approve of a step, whatever its figures are by then."""
    return {"plan": plan.id, "leader": plan.leader, "epoch": plan.epoch, "reason": reason}


def plan_promotion(facts: Facts, leader: str = "") -> Plan:
    """The plan by which ``leader`` leads alone.

    By default the site that does not lead; after a promotion the one that was promoted, so that the same
    command again finds it done, and does not promote the other.
    """
    leadership = facts.leadership
    leader = leader or (leadership.leader if leadership.alone else leadership.other)
    epoch = leadership.next_epoch(leader)
    target, lost = facts.site(leader), facts.site(Leadership(epoch).other)
    blockers = []
    if not target.reachable:
        blockers.append(f"{leader} is not reached from here ({target.detail}): it cannot lead")
    done = leadership.alone and leadership.leader == leader
    if done:
        blockers.append(f"{leader} was promoted already, in epoch {leadership.epoch}")
    effects = [
        f"{leader} leads from epoch {epoch} on; nodes that reach it accept, with degraded receipts",
        _what_is_missing(leader, target.missing, lost),
        f"the newest entry known at {lost.site} is of {_time(lost.last_entry)}",
    ]
    if lost.reachable:
        effects.append(f"{lost.site} answers: it is left out until it was well for a while, then caught up")
    open_nodes = [node for node in facts.nodes if not node.closed and facts.now - node.last_entry < _RECENT]
    effects.append(
        f"{len(open_nodes)} writers were open lately ({', '.join(node.writer for node in open_nodes[:6])});"
        f" those that do not reach {leader} take nothing once they know of the epoch"
        if open_nodes
        else "no writer was open lately"
    )
    if facts.insisting:
        effects.append(f"still refused, set to 'all' themselves: {', '.join(sorted(facts.insisting))}")
    if facts.conflicts:
        effects.append(f"{facts.conflicts} conflicts are open already")
    return replace(_plan("promote", facts, epoch, leader, blockers, effects), done=done)


def plan_failback(facts: Facts) -> Plan:
    """The plan by which the primary leads again and both sites are needed."""
    leadership = facts.leadership
    leader = Leadership().leader
    epoch = leadership.next_epoch(leader)
    blockers = [
        f"{site.site} is not reached from here ({site.detail}): failback needs both"
        for site in facts.sites
        if not site.reachable
    ]
    if not leadership.alone:
        blockers.append(
            f"no promotion is in force: {leadership.leader} leads in epoch {leadership.epoch}, as always"
        )
    effects = [f"{_lacks(site)}; it is copied first" for site in facts.sites if site.missing.batches]
    effects.append(f"{leader} leads from epoch {epoch} on, and every entry must lie at both sites again")
    done = leadership.epoch > 0 and not leadership.alone and leadership.leader == leader
    return replace(_plan("failback", facts, epoch, leader, blockers, effects), done=done)


def plan_id(archive: str, action: FailoverAction, leadership: Leadership, epoch: int) -> str:
    """16 hex digits that name the step."""
    step = {"archive": archive, "action": action, "from": leadership.epoch, "to": epoch}
    return hashlib.sha256(canonical(step)).hexdigest()[:16]


def _plan(
    action: FailoverAction,
    facts: Facts,
    epoch: int,
    leader: str,
    blockers: Sequence[str],
    effects: Sequence[str],
) -> Plan:
    name = plan_id(facts.archive, action, facts.leadership, epoch)
    return Plan(name, action, facts.leadership, epoch, leader, tuple(blockers), tuple(effects))


def _what_is_missing(leader: str, missing: Missing, other: SiteFact) -> str:
    if not missing.batches:
        return f"nothing that was acknowledged is known to lack at {leader}"
    what = f"{missing.entries} entries in {missing.batches} batches, the oldest of {_time(missing.oldest)}"
    if other.reachable:
        return f"{leader} lacks {what}; {other.site} has them and is copied from"
    return f"{leader} lacks {what}: late until {other.site} is back, lost if it never is"


def _lacks(site: SiteFact) -> str:
    return f"{site.site} lacks {site.missing.entries} entries in {site.missing.batches} batches"


def _time(moment: datetime | None) -> str:
    return _rfc3339(moment) or "an unknown time"


def _rfc3339(moment: datetime | None) -> str | None:
    return rfc3339_seconds(moment.replace(microsecond=0)) if moment is not None else None
