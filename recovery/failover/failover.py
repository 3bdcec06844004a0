"""Promotion and failback: decisions of people, on record in the archive, that every node folds and obeys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import AccessDenied, Conflict, Damaged, InvalidInput, VanVaultError
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import EventType, own_events
from vanvault.archiver.replicas import Leadership
from vanvault.recovery.failover.facts import gather
from vanvault.recovery.failover.hooks import HookResult, run_hook
from vanvault.recovery.failover.plan import Plan, plan_failback, plan_promotion
from vanvault.recovery.objects import signed_dates
from vanvault.recovery.reconcile import ReconcileReport, reconcile_sites, upgrade_all
from vanvault.recovery.verified import Subset
from vanvault.recovery.verify import VerifyReport, verify_archive
from vanvault.recovery.work import QUIET, Effort, Observer, Step, let_puts_arrive, silent

MAX_REASON = 1_000  # characters
#: An approval holds good for so long.
APPROVAL_LASTS = timedelta(hours=24)
#: While nodes write, the first comparison of the sites is out of date when it ends.
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class FailoverResult:
    """A step that is on record, and how its hook went (None: there is none)."""

    plan: Plan
    approved_by: str
    hook: HookResult | None
    already: bool = False  # an earlier command did it; this one did nothing

    @property
    def exit_code(self) -> ExitCode:
        """CHECK_FAILED: the hook failed, and the decision is valid all the same."""
        return ExitCode.OK if self.hook is None or self.hook.ok else ExitCode.CHECK_FAILED

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        hook = self.hook
        return {
            "action": self.plan.action,
            "plan": self.plan.as_json(),
            "epoch": self.plan.epoch,
            "leader": self.plan.leader,
            "approved_by": self.approved_by,
            "hook": None if hook is None else {**asdict(hook), "ok": hook.ok},
            "already": self.already,
        }


@dataclass(frozen=True, slots=True)
class FailbackRequest:
    """How to go back to the primary."""

    reason: str
    who: str
    subset: Subset  # of the objects that is read and verified before
    unlevel: bool = False  # go back although something is amiss


@dataclass(frozen=True, slots=True)
class Leveled:
    """What was done before a failback."""

    reconciled: ReconcileReport
    verified: VerifyReport
    problems: tuple[str, ...]  # why the archive is not as it must be; empty when it is


def found_done(plan: Plan) -> FailoverResult | None:
    """The result of a step that was taken before and is in force; None: it is still to be taken."""
    if not plan.done:
        return None
    return FailoverResult(replace(plan, epoch=plan.leadership.epoch), "", None, already=True)


def approvals(archive: Archive, plan: Plan) -> list[str]:
    """Who approved this step lately, the first one first."""
    since = to_us(archive.clock.now() - APPROVAL_LASTS)
    approved = own_events(archive.search, EventType.FAILOVER_APPROVED, from_us=since, order="oldest")
    return [str(event.detail["who"]) for event in approved if event.detail["plan"] == plan.id]


def approve(archive: Archive, plan_id: str, *, who: str, leader: str = "") -> Plan:
    """Put a person's consent to a promotion on record; ``leader`` as ``promote`` takes it.

    Raises InvalidInput (the plan is another one), Conflict (approved by ``who`` already), SiteUnavailable.
    """
    facts, leaders = gather(archive), (leader,) if leader else tuple(archive.sites)
    plans = [plan_promotion(facts, name) for name in leaders]
    plan = next((plan for plan in plans if plan.id == plan_id), None)
    if plan is None:
        raise InvalidInput(
            f"{plan_id[:40]} is not the plan of a promotion that can be made now",
            field="plan_id",
            hint="The id is shown by: vanvault failover promote --dry-run.",
        )
    if who in approvals(archive, plan):
        raise Conflict(f"{who} approved this plan already")
    with archive.lead.assumed(_alone(plan)):
        _record(archive, plan, EventType.FAILOVER_APPROVED, {"plan": plan.id, "who": who})
    return plan


def nobody_asks() -> str:
    """The step is taken."""
    return ""


def promote(
    archive: Archive, plan: Plan, *, reason: str, who: str, ask: Callable[[], str] = nobody_asks
) -> FailoverResult:
    """Put the promotion on record, at the site that leads from now on; then run the hook.

    The promotion stands whatever the hook does. ``ask`` is called once all is checked: it raises where the
    table of acts asks for approval first, and names who approved; where it names nobody,
    ``failover.approval`` counts.

    Raises:
        InvalidInput: no reason, or too long a one.
        Conflict: something stands against the plan, by now; or another step took its place meanwhile. No hook
            was run.
        AccessDenied: a second person's approval is needed.
        SiteUnavailable: the site that is to lead does not take the event; nothing was promoted.
    """
    check_reason(reason)
    plan = as_of_now(archive, plan)
    by_table = ask()
    others = [by_table] if by_table else [name for name in approvals(archive, plan) if name != who]
    if archive.settings.failover.approval and not others:
        raise AccessDenied(
            "another person must approve this promotion first",
            authenticated=True,
            hint=f"From another account: vanvault failover approve {plan.id}",
        )
    approved_by = others[0] if others else ""
    detail = {"epoch": plan.epoch, "leader": plan.leader, "plan": plan.id, "reason": reason, "who": who}
    with archive.lead.assumed(_alone(plan)):
        _record(archive, plan, EventType.FAILOVER_PROMOTED, {**detail, "approved_by": approved_by})
    _check_holds(archive, plan)
    return FailoverResult(plan, approved_by, _hook(archive, plan, archive.settings.failover.promote_hook))


def level(
    archive: Archive,
    subset: Subset,
    *,
    effort: Effort | None = None,
    step: Step = silent,
    pause: Callable[[], None] = let_puts_arrive,
) -> Leveled:
    """Copy both ways until nothing is missing, upgrade receipts, and verify a subset of the objects.

    Raises SiteUnavailable, KeyUnavailable.
    """
    for _ in range(_ROUNDS):
        report = reconcile_sites(
            archive.sites,
            locks=archive.rules.locks,
            signed=signed_dates(archive),
            covered=archive.catalogue.covers,
            effort=effort,
            step=step,
            pause=pause,
            clock=archive.clock.now,
        )
        if report.level and not report.fetched.objects:
            break
    for site in archive.sites:
        archive.health.put_ended(site, None)  # it was just listed to its end, and took what it lacked
        if report.level:
            archive.health.level(site)
    archive.catch_up()
    upgraded = upgrade_all(archive, effort=effort)
    verified = verify_archive(archive, subset=subset, effort=effort, pause=pause)
    facts = gather(archive)
    problems = []
    if not report.level:
        problems.append(f"the sites are not level: {report.failures} objects could not be copied")
    if upgraded.damaged:
        problems.append(f"{len(upgraded.damaged)} batches are whole at no site")
    if verified.harmed:
        problems.append("verification found what is not whole; run: vanvault verify")
    if facts.conflicts:
        problems.append(f"{facts.conflicts} conflicts are open; see: vanvault reconcile --json")
    return Leveled(report, verified, tuple(problems))


def failback(
    archive: Archive,
    plan: Plan,
    request: FailbackRequest,
    observer: Observer = QUIET,
    *,
    ask: Callable[[], object] = nobody_asks,
) -> FailoverResult:
    """Bring both sites level, verify a subset, and put the failback on record; then run the hook.

    ``ask`` is called when nothing is left that may stand against it: it raises where others must approve it
    first. Raises as ``promote`` does, and Damaged for what is amiss, unless ``request.unlevel``.
    """
    check_reason(request.reason)
    as_of_now(archive, plan)  # rather than hours later
    with observer.progress("reconciling") as step:
        leveled = level(archive, request.subset, step=step)
    verified = leveled.verified
    if not verified.whole and not verified.harmed:
        observer.warn(
            "the archive's own objects are whole, and something lies at a site that is not the archive's;"
            " see: vanvault verify"
        )
    return conclude_failback(
        archive, plan, leveled, reason=request.reason, who=request.who, unlevel=request.unlevel, ask=ask
    )


def conclude_failback(
    archive: Archive,
    plan: Plan,
    leveled: Leveled,
    *,
    reason: str,
    who: str,
    unlevel: bool,
    ask: Callable[[], object] = nobody_asks,
) -> FailoverResult:
    """Put the failback on record at both sites; then run the hook.

    ``unlevel``: whatever ``leveled`` found; ``ask`` as ``failback`` takes it. Raises as ``promote`` does, and
    Damaged for what it found.
    """
    check_reason(reason)
    plan = as_of_now(archive, plan)
    if leveled.problems and not unlevel:
        raise Damaged(
            f"no failback: {'; '.join(leveled.problems)}",
            hint="Mend that first. To go back all the same: --unlevel.",
        )
    ask()
    detail = {"epoch": plan.epoch, "leader": plan.leader, "plan": plan.id, "reason": reason, "who": who}
    with archive.lead.assumed(Leadership(plan.epoch)):
        archive.record(EventType.FAILOVER_FAILED_BACK, {**detail, "problems": list(leveled.problems)})
    _check_holds(archive, plan)
    return FailoverResult(plan, "", _hook(archive, plan, archive.settings.failover.failback_hook))


def current_plan(archive: Archive, *, action: str, leader: str = "") -> Plan:
    """The plan of a step as of now. Raises InvalidInput (no such site)."""
    if leader:
        archive.endpoint(leader)
    facts = gather(archive)
    return plan_failback(facts) if action == "failback" else plan_promotion(facts, leader)


def as_of_now(archive: Archive, plan: Plan) -> Plan:
    """The same step by what the sites hold now: a person may have looked at its plan for a long time.

    Raises Conflict (another step was taken meanwhile, or something stands against this one),
    SiteUnavailable (no site answers).
    """
    archive.refresh()
    now = current_plan(archive, action=plan.action, leader=plan.leader)
    if now.id != plan.id:
        raise Conflict(
            f"plan {plan.id} is out of date: it was made in epoch {plan.leadership.epoch},"
            f" and {now.leadership.leader} leads since epoch {now.leadership.epoch}",
            hint="Nothing was done. Run the command again to see the plan as it is now.",
        )
    if now.blockers:
        raise Conflict("; ".join(now.blockers))
    return now


def _check_holds(archive: Archive, plan: Plan) -> None:
    """After the event, and before an address is moved: does it hold, or did a higher one come first?"""
    archive.refresh()
    leadership = archive.lead.leadership
    if (leadership.epoch, leadership.alone) != (plan.epoch, plan.action == "promote"):
        raise Conflict(
            f"epoch {plan.epoch} is on record and does not hold: another step came between,"
            f" and {leadership.leader} leads since epoch {leadership.epoch}",
            hint="No hook was run. See who leads with vanvault failover status, then run the command again.",
        )


def check_reason(reason: str) -> None:
    """Before anything is shown or copied: the record needs one. Raises InvalidInput."""
    if not reason.strip() or len(reason) > MAX_REASON:
        raise InvalidInput(
            f"a reason of 1 to {MAX_REASON} characters is needed",
            field="reason",
            hint="It goes on record; give it with --reason TEXT.",
        )


def _alone(plan: Plan) -> Leadership:
    return replace(Leadership(plan.epoch), alone=True)


def _record(archive: Archive, plan: Plan, type: str, detail: dict[str, object]) -> None:
    """At the leader of the plan; the other site is not waited for."""
    other = next(site for site in archive.sites if site != plan.leader)
    archive.health.take_out(other, f"site {plan.leader} is being promoted")
    archive.lets_back = False
    try:
        archive.record(type, detail)
    finally:
        archive.lets_back = True


def _hook(archive: Archive, plan: Plan, command: Sequence[str]) -> HookResult | None:
    if not command:
        return None
    result = run_hook(
        command,
        action=plan.action,
        epoch=plan.epoch,
        leader=plan.leader,
        url=archive.endpoint(plan.leader),
        timeout_s=archive.settings.failover.hook_timeout_s,
    )
    try:
        archive.record(
            EventType.FAILOVER_HOOK, {"epoch": plan.epoch, "action": plan.action, "result": result.summary}
        )
    except VanVaultError as error:
        # What was decided is on record, and what the hook said is told; only this line of the log is not.
        return replace(result, output=f"{result.output}\nnot on record: {error.message}".strip())
    return result
