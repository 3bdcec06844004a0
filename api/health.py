"""Whether the node would accept a message now, and why not. The one place that decides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from vanvault.api.problems import problem_of, retry_after_of
from vanvault.api.quotas import OVERHEAD_BYTES
from vanvault.api.saturation import NODE_LIMITS
from vanvault.archiver.core.errors import Busy, SiteUnavailable, VanVaultError
from vanvault.archiver.core.times import rfc3339_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vanvault.api.node import Node
    from vanvault.archiver.core.tasks import TaskStatus
    from vanvault.archiver.intake import Intake
    from vanvault.archiver.replicas import SiteStatus
    from vanvault.recovery.conditions import Condition

State = Literal[
    "ready",  # a message is accepted
    "degraded",  # accepted, but something is amiss
    "saturated",  # a gateway was refused lately, because the whole node had no more room
    "starting",
    "recovering",  # the chain is not open yet: a site is away, or was not probed, or clocks differ
    "settling",  # a group commit failed and is being brought to all sites
    "held",  # a check of clocks or probes failed
    "behind",  # the hot tail
    "site-away",
    "draining",
    "failed",  # the writing thread has ended: only a new start helps
]
STATES: tuple[State, ...] = get_args(State)

#: What a caller without a token is told: nothing about paths, sites' errors or tasks.
_PUBLIC: dict[State, str] = {
    "starting": "the node is starting",
    "recovering": "the node recovers its chain",
    "settling": "a group commit is being brought to all sites",
    "held": "a check of clocks or probes holds intake",
    "behind": "the node is behind with what it must write",
    "saturated": "the node is saturated",
    "site-away": "a site is away",
    "draining": "the node is shutting down",
    "failed": "the node failed and must be started anew",
}
_PUBLIC_HINT = "With the token of a gateway the answer says more."
#: Fewer free bytes than this take no request.
_LEAST_ROOM = 2 * OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Health:
    """The node's own judgement."""

    state: State
    refusal: VanVaultError | None = None  # what a push would be told; None when it would be accepted
    notes: tuple[str, ...] = ()  # what else an operator should know

    @property
    def ready(self) -> bool:
        return self.refusal is None

    def body(self) -> dict[str, Any]:
        """The JSON of ``/v1/health/ready``; a problem (RFC 9457) when not ready."""
        if self.refusal is None:
            return {"status": "ready", "state": self.state, "notes": list(self.notes)}
        problem = {**problem_of(self.refusal), "status": 503, "title": "Not ready"}
        return {**problem, "state": self.state, "notes": list(self.notes)}

    def public_body(self) -> dict[str, Any]:
        """The same for callers without a token: the state, and no more than it means."""
        if self.refusal is None:
            return {"status": "ready", "state": self.state, "notes": []}
        problem = problem_of(self.refusal)
        kept: dict[str, Any] = {n: problem[n] for n in ("type", "site", "may_be_stored") if n in problem}
        told = {"title": "Not ready", "status": 503, "detail": _PUBLIC[self.state], "hint": _PUBLIC_HINT}
        return {**kept, **told, "state": self.state, "notes": []}

    @property
    def retry_after(self) -> int:
        return (retry_after_of(self.refusal) if self.refusal else None) or 1


def health_of(node: Node | None) -> Health:
    """Draining, recovering, sites, trust, hot tail, room: the first that stands in the way, as it is now."""
    if node is None:
        return Health("starting", Busy("the node is starting", retry_after=1))
    if node.draining.is_set():
        return Health("draining", Busy("the node is shutting down", retry_after=2, hint="Use another node."))
    state: State
    committer = node.intake.committer
    if committer.refusal is not None:
        state = _state_of(committer.state, held=committer.held is not None)
        return Health(state, committer.refusal, tuple(condition_notes(node.duties.conditions.last or ())))
    try:
        node.intake.tail_updater.check()
    except Busy as error:
        return Health("behind", error)
    refusal = node.intake.refusal
    if refusal is not None:
        return Health("site-away", refusal)
    away = {name: site.detail for name, site in node.duties.sampler.last.sites.items() if not site.up}
    if away and node.needs_every_site:
        name, detail = min(away.items())
        return Health("site-away", SiteUnavailable(detail, site=name, may_be_stored=False))
    if node.quotas.limit - node.quotas.used < _LEAST_ROOM:
        return Health("saturated", Busy(f"the node is saturated: {NODE_LIMITS['bytes']}", retry_after=1))
    notes = site_notes(node.archive.health.snapshot(), away)
    peers = node.duties.peers
    if peers.behind_s > peers.patience_s:
        notes.append(f"what other nodes wrote was last folded {peers.behind_s:.0f} s ago")
    notes += task_notes(node.supervisor.status())
    saturated = [f"gateways were refused lately: {NODE_LIMITS[limit]}" for limit in node.saturation.now()]
    state = "saturated" if saturated else "degraded" if notes else "ready"
    # They are about the archive and not about this service, so they do not change its state.
    notes += condition_notes(node.duties.conditions.last or ())
    return Health(state, None, (*saturated, *notes))


def refusal_of(intake: Intake) -> VanVaultError | None:
    """Why the intake takes nothing now, other than for want of room; None: it does."""
    if intake.committer.refusal is not None:
        return intake.committer.refusal
    try:
        intake.tail_updater.check()
    except Busy as error:
        return error
    return intake.refusal


def site_notes(sites: Iterable[SiteStatus], away: Mapping[str, str]) -> list[str]:
    """What is amiss with the sites; ``away``: those that did not tell the time just now, and why.

    A site may tell the time and take nothing, because its disk is full: health knows. While it is merely
    suspect nothing is said, as one failed put is mended within seconds and the next one is tried there.
    """
    notes = []
    for status in sites:
        if status.state == "out":
            notes.append(f"the site {status.site} is out, and receipts are degraded: {status.reason}")
        elif status.site in away:
            notes.append(f"the site {status.site} is away: {away[status.site]}")
        elif status.state == "catching-up":
            notes.append(f"the site {status.site} is back, and does not hold everything yet")
    return notes


def condition_notes(conditions: Iterable[Condition]) -> list[str]:
    """Conditions of the archive that are errors; those of sites are told by ``site_notes``."""
    return [
        one.line
        for one in conditions
        if one.severity == "error" and one.id not in ("site-away", "site-clock-off")
    ]


def task_notes(tasks: Iterable[TaskStatus]) -> list[str]:
    """What is amiss with the node's own tasks: faults of the program; its log has the traces."""
    return [
        f"the task {task.name} crashed ({task.error}), and is "
        + ("not started again" if task.phase == "crashed" else "tried again")
        for task in tasks
        if task.has_crashed
    ]


def site_as_json(site: SiteStatus, *, public: bool) -> dict[str, Any]:
    """One site for ``/v1/health/ready``; in public without the reason, which may hold paths."""
    found = site.as_json()
    return {**found, "reason": ""} if public else found


def task_as_json(task: TaskStatus) -> dict[str, Any]:
    """One task for ``/v1/health/ready``."""
    last = task.last_success
    return {
        "task": task.name,
        "state": task.phase,
        "failures": task.failures,
        "error": task.error,
        "last_success": rfc3339_seconds(last.replace(microsecond=0)) if last is not None else None,
    }


def has_failed(node: Node | None) -> bool:
    """Will the node never write again, although nobody told it to stop?"""
    return node is not None and not node.draining.is_set() and node.intake.committer.state == "failed"


def _state_of(state: str, *, held: bool) -> State:
    if state == "recovering":
        return "recovering"
    if state == "settling":
        return "settling"
    if state == "failed":
        return "failed"
    return "held" if held and state == "ready" else "draining"
