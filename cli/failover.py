"""``vanvault failover``: who leads, promotion of a site, a second person's approval, and the way back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput, NotFound
from vanvault.archiver.core.settings import SITE_NAMES
from vanvault.cli.approval import approve_at_node, tell_said
from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.output import emit_json, json_option, print_pairs, warn
from vanvault.cli.progress import Terminal
from vanvault.cli.requester import approved, is_approved
from vanvault.cli.subset import subset_option

if TYPE_CHECKING:
    from vanvault.recovery.failover import Facts, FailoverResult, Plan

_reason_option = click.option("--reason", default="", metavar="TEXT", help="Why, for the record. Required.")
_yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
_dry_option = click.option("--dry-run", is_flag=True, help="Show the plan and do nothing.")
_site_option = click.option(
    "--site",
    "leader",
    type=click.Choice(("primary", "standby")),
    help="The site that is to lead alone; by default the one that does not lead.",
)


@click.group("failover")
def command() -> None:
    """Promote a site when the other is lost, and fail back when it has returned.

    An epoch begins with each step; it is an event in the archive, which every node folds and obeys.
    """


@command.command("status")
@json_option
@click.pass_obj
def status(home: Path, as_json: bool) -> ExitCode:
    """Show epoch, leader, what each site lacks, open conflicts, and what a promotion would do.

    Ends with 10 when a site is not reached from here.
    """
    from vanvault.recovery.failover import gather, plan_promotion

    with open_archive(home) as archive:
        catch_up(archive)
        facts = gather(archive)
    plan = plan_promotion(facts, facts.leadership.other)
    if as_json:
        emit_json(facts.as_json(plan))
    else:
        print_pairs(_lines(facts))
        click.echo(f"\nA promotion of {plan.leader} (plan {plan.id}) would mean:")
        _show(plan)
    return ExitCode.OK if all(site.reachable for site in facts.sites) else ExitCode.SITE


@command.command("promote")
@_site_option
@_reason_option
@_dry_option
@_yes_option
@json_option
@click.pass_obj
def promote_(
    home: Path, leader: str | None, reason: str, dry_run: bool, yes: bool, as_json: bool
) -> ExitCode:
    """Let one site lead alone: nodes that reach it accept entries with degraded receipts until failback.

    Ends with 3 when the hook failed; the promotion stands. Again, it finds that done and does nothing: to
    promote the other site then, name it with --site.
    """
    from vanvault.recovery.failover import check_reason, current_plan, found_done, promote, promotion_subject
    from vanvault.recovery.work import account

    if not dry_run:
        check_reason(reason)
    with open_archive(home) as archive:
        catch_up(archive)
        plan = current_plan(archive, action="promote", leader=leader or "")
        if (done := found_done(plan)) is not None:
            return _tell(done, as_json=as_json)
        if not _agreed(plan, dry_run=dry_run, yes=yes, as_json=as_json):
            return ExitCode.CHECK_FAILED if plan.blockers else ExitCode.OK

        def ask() -> str:
            good = approved(archive, "promote", promotion_subject(plan, reason))
            return ", ".join(good.approved_by) if good else ""

        done = promote(archive, plan, reason=reason, who=account(), ask=ask)
    return _tell(done, as_json=as_json)


@command.command("approve")
@click.argument("plan_id")
@json_option
@click.pass_obj
def approve_(home: Path, plan_id: str, as_json: bool) -> None:
    """Approve another person's plan of a promotion, on record; it holds good for 24 hours."""
    from vanvault.recovery.approvals import asks, known_approvals
    from vanvault.recovery.failover import approve
    from vanvault.recovery.work import account

    who = account()
    with open_archive(home) as archive:
        catch_up(archive)
        requests = []
        if by_table := asks(archive, "promote"):
            known = known_approvals(archive)
            requests = [
                one.id
                for one in known.book
                if one.wish.act == "promote" and one.wish.subject.get("plan") == plan_id
                if known.standing(one).state == "open"
            ]
        else:
            plan = approve(archive, plan_id, who=who)
    if by_table:
        tell_said(approve_at_node(_the_one(requests, plan_id)), "approved", as_json)
        return
    if as_json:
        emit_json({"approved": plan.id, "who": who, "leader": plan.leader, "epoch": plan.epoch})
    else:
        click.echo(f"{plan.id}: approved by {who}; {plan.leader} may be promoted by another person")


@command.command("failback")
@_reason_option
@subset_option("Part of the objects that is read and verified before.", default="1/20")
@click.option("--unlevel", is_flag=True, help="Go back although something is amiss.")
@_dry_option
@_yes_option
@json_option
@click.pass_obj
def failback_(
    home: Path,
    reason: str,
    subset: str,
    old_subset: str | None,
    unlevel: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> ExitCode:
    """Bring both sites level, verify a subset, and let the primary lead again with both sites needed.

    Ends with 3 when something stands against it, or when the hook failed; with a failed hook it stands.
    Again, it finds that done and does nothing.
    """
    from vanvault.recovery.failover import (
        FailbackRequest,
        check_reason,
        current_plan,
        failback,
        found_done,
        promotion_subject,
    )
    from vanvault.recovery.verified import Subset
    from vanvault.recovery.work import account

    request = FailbackRequest(reason, account(), Subset.parse(old_subset or subset), unlevel)
    if not dry_run:
        check_reason(reason)
    with open_archive(home) as archive:
        catch_up(archive)
        plan = current_plan(archive, action="failback")
        if (found := found_done(plan)) is not None:
            return _tell(found, as_json=as_json)
        if not _agreed(plan, dry_run=dry_run, yes=yes, as_json=as_json):
            return ExitCode.CHECK_FAILED if plan.blockers else ExitCode.OK
        told = {**promotion_subject(plan, reason), "unlevel": unlevel, "subset": subset}
        if not plan.blockers:  # before the hours that it takes; the approval is used up at their end
            is_approved(archive, "failback", told)
        done = failback(
            archive, plan, request, Terminal(quiet=as_json), ask=lambda: approved(archive, "failback", told)
        )
    return _tell(done, as_json=as_json)


def _the_one(requests: list[str], plan_id: str) -> str:
    """Raises NotFound: nobody asked for this promotion; InvalidInput: several did, with several reasons."""
    if not requests:
        raise NotFound(
            f"no request for a promotion by plan {plan_id[:40]!r} is open",
            hint="Whoever wants it asks first; see what is open: vanvault approval list.",
        )
    if len(requests) > 1:
        raise InvalidInput(
            f"{len(requests)} requests are open for this plan",
            field="plan_id",
            hint="Approve one of them: vanvault approval list.",
        )
    return requests[0]


def _agreed(plan: Plan, *, dry_run: bool, yes: bool, as_json: bool) -> bool:
    """Show the plan; may it be carried out? With --json nobody is asked, so it takes --yes."""
    if dry_run and as_json:
        emit_json({"dry_run": True, "plan": plan.as_json()})
    elif not as_json:
        click.echo(f"Plan {plan.id}: {plan.action} {plan.leader}, epoch {plan.epoch}")
        _show(plan)
    if dry_run:
        return False
    if as_json and not yes:
        raise click.UsageError("--json asks nothing, so it needs --yes")
    if not yes and not plan.blockers:
        _ask()
    return True


def _ask() -> None:
    """Raises click.Abort (the answer is no), InvalidInput (nobody is there to answer)."""
    try:
        click.confirm("Go on?", abort=True)
    except click.Abort as error:
        if sys.stdin.isatty() or sys.stdin.read(1):
            raise
        raise InvalidInput(
            "this asks before it does anything, and nobody is there to answer",
            field="yes",
            hint="Run it on a terminal, or give --yes.",
        ) from error


def _show(plan: Plan) -> None:
    for blocker in plan.blockers:
        warn(f"not possible: {blocker}")
    for effect in plan.effects:
        click.echo(f"  - {effect}")


def _tell(done: FailoverResult, *, as_json: bool) -> ExitCode:
    plan, hook = done.plan, done.hook
    if as_json:
        emit_json(done.as_json())
    elif done.already:
        click.echo(f"{plan.leader} leads since epoch {plan.epoch} already; nothing was done")
        if plan.action == "promote" and plan.leader != SITE_NAMES[0]:
            back = (
                f"vanvault failover failback, or promote --site {SITE_NAMES[0]} while {plan.leader} is lost"
            )
            click.echo(f"hint: The way back to {SITE_NAMES[0]}: {back}.", err=True)
    else:
        click.echo(f"epoch {plan.epoch}: {plan.leader} leads")
    if hook is not None and not hook.ok:
        warn(f"the {plan.action} hook failed ({hook.summary}); what was decided stands. {hook.output}")
    return done.exit_code


def _lines(facts: Facts) -> list[tuple[str, str]]:
    leadership = facts.leadership
    alone = ", alone since its promotion" if leadership.alone else ""
    lines = [("epoch", str(leadership.epoch)), ("leader", f"{leadership.leader}{alone}")]
    for site in facts.sites:
        state = "answers" if site.reachable else f"away: {site.detail}"
        lines.append((site.site, f"{state}; lacks {site.missing.entries} entries that were acknowledged"))
    return [*lines, ("conflicts", str(facts.conflicts))]
