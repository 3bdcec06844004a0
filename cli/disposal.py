"""``vanvault disposal``: what the law no longer asks for goes, by a plan that others approve."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Conflict
from vanvault.cli.context import catch_up, looking, open_archive
from vanvault.cli.output import emit_json, human_size, json_option, print_pairs, print_table, shown, warn
from vanvault.cli.progress import Terminal
from vanvault.cli.requester import requester_of

if TYPE_CHECKING:
    from vanvault.archiver.disposal import DisposalPlan
    from vanvault.recovery.disposal import MadePlan


@click.group()
def command() -> None:
    """Let go of what the law no longer asks for: planned, approved by two others, run after 14 days.

    Who is meant is the person who signed on here (vanvault login), else the account of the operating system.
    """


@command.command()
@click.option("--until", "until", metavar="DAY", help="Only what was due by this day, such as 2036-11-30.")
@click.option("--gateway", "gateways", multiple=True, metavar="NAME", help="Only of this one; once for each.")
@json_option
@click.pass_obj
def plan(home: Path, until: str | None, gateways: tuple[str, ...], as_json: bool) -> None:
    """Put on record what could go now, signed, with what stays and why; two others approve it.

    It removes nothing. It is refused while anything is wrong with the archive, or while a site was not
    verified whole for a week.
    """
    from vanvault.archiver.core.times import parse_day
    from vanvault.recovery.disposal import PlanWish, plan_disposal

    wish = PlanWish(parse_day(until, field="until") if until else None, gateways)
    asked = {"disposal": "plan", "until": until or "", "gateways": list(gateways)}
    with open_archive(home) as archive, looking(archive, "display", asked) as look:
        made = plan_disposal(archive, wish, requester_of(archive), Terminal(quiet=as_json))
        look.shows()
    if as_json:
        emit_json(made.as_json())
    else:
        _print_plan(made)


@command.command("list")
@json_option
@click.pass_obj
def list_(home: Path, as_json: bool) -> None:
    """List the disposals on record, the newest first."""
    from vanvault.recovery.disposal_record import known_disposals

    with open_archive(home) as archive, looking(archive, "display", {"disposals": "all"}) as look:
        complete = catch_up(archive)
        known = known_disposals(archive)
        look.shows()
    _warn_lacking(known.lacking)
    told = [one.as_json() for one in known]
    if as_json:
        emit_json({"disposals": told, "partial": not complete or bool(known.lacking)})
        return
    rows = [
        (one["disposal"], one["state"], one["planned_at"], one["who"], str(one["entries"]),
         str(one["originals"]), human_size(one["bytes"]), one["cools_until"] or "")
        for one in told
    ]  # fmt: skip
    if rows:
        named = ("disposal", "state", "planned", "by", "entries", "originals", "size", "cools until")
        print_table(named, rows)
    else:
        click.echo("no disposal was planned", err=True)


@command.command()
@click.argument("disposal_id", metavar="ID")
@click.option("--plan", "whole", is_flag=True, help="The signed plan itself, with every id in it (JSON).")
@json_option
@click.pass_obj
def show(home: Path, disposal_id: str, whole: bool, as_json: bool) -> None:
    """Show one disposal whole: how it stands, who approved it, what was removed where, its certificates."""
    from vanvault.archiver.home_files import KEYS_FOLDER
    from vanvault.archiver.keys import SigningKeys
    from vanvault.recovery.disposal import signed_plan
    from vanvault.recovery.disposal_record import known_disposals

    with open_archive(home) as archive, looking(archive, "display", {"disposal": disposal_id}) as look:
        catch_up(archive)
        known = known_disposals(archive)
        one = known.get(disposal_id)
        report = signed_plan(archive, one, SigningKeys(home / KEYS_FOLDER).public) if whole else None
        look.shows()
    _warn_lacking(known.lacking)
    if report is not None:
        emit_json(report)
    elif as_json:
        emit_json(one.as_json())
    else:
        print_pairs([(name, shown(value)) for name, value in _lines(one.as_json())])


@command.command()
@click.argument("disposal_id", metavar="ID")
@json_option
@click.pass_obj
def approve(home: Path, disposal_id: str, as_json: bool) -> None:
    """Approve the plan of a disposal, as the person who signed on here within the last five minutes.

    It goes through the node that gave the session. The 14 days of cooling begin with the approval that makes
    it enough: two of others than who planned it.
    """
    from vanvault.cli.approval import approve_at_node, tell_said
    from vanvault.recovery.disposal_record import known_disposals

    with open_archive(home) as archive:
        catch_up(archive)
        one = known_disposals(archive).get(disposal_id)
    request = one.approval.request
    if one.approval.state not in ("open", "approved"):
        raise Conflict(
            f"{disposal_id} waits for no approval: it is {one.state}",
            hint=f"See: vanvault disposal show {disposal_id}",
        )
    if not as_json:
        print_pairs([(name, shown(value)) for name, value in _lines(one.as_json())])
    tell_said(approve_at_node(request), "approved", as_json)


@command.command()
@click.argument("disposal_id", metavar="ID")
@json_option
@click.pass_obj
def run(home: Path, disposal_id: str, as_json: bool) -> ExitCode:
    """Run a disposal that was approved and has cooled, or go on where a run was stopped.

    Neither who planned it nor anybody without an account runs it. It takes the credentials of the disposers
    of both sites, which no node holds, and looks at every entry again. Ends with 3 when it is half-done, and
    says why; the same command goes on then, and also once copies that a certificate names have come to
    their end.
    """
    from contextlib import ExitStack

    from vanvault.archiver.appliance import open_disposers
    from vanvault.recovery.disposal import check_runnable, run_disposal

    asked = {"disposal": disposal_id, "run": True}
    with open_archive(home) as archive, looking(archive, "display", asked) as look, ExitStack() as stack:
        catch_up(archive)
        who = requester_of(archive)
        check_runnable(archive, disposal_id, who)  # before it asks for credentials that only a run needs
        disposers = open_disposers(archive)
        for one in disposers.values():
            stack.callback(one.close)
        done = run_disposal(archive, disposal_id, who, disposers, Terminal(quiet=as_json))
        look.shows()
    if as_json:
        emit_json(done.as_json())
        return done.exit_code
    for why in done.halted:
        warn(why)
    for left in done.left:
        until = f" until {left.until:%Y-%m-%d}" if left.until else ""
        warn(f"{left.where} still holds {left.what}{until}: {left.why}")
    click.echo(f"{disposal_id} is {done.known.state}")
    if done.folder is not None:
        click.echo(str(done.folder))
    return done.exit_code


@command.command("backups-gone")
@click.argument("disposal_id", metavar="ID")
@click.option("--reason", required=True, metavar="TEXT", help="What became of them; it goes on record.")
@json_option
@click.pass_obj
def backups_gone(home: Path, disposal_id: str, reason: str, as_json: bool) -> ExitCode:
    """Say that no backup holds anything of a disposal, after the repository was looked into.

    Where the settings name a repository, every snapshot in it is looked into first, and it is refused while
    one holds something. What was copied from it elsewhere, you say. Its certificate is brought up to date.
    """
    from vanvault.recovery.disposal import say_backups_gone

    with open_archive(home) as archive:
        catch_up(archive)
        who = requester_of(archive)
        done = say_backups_gone(archive, disposal_id, who, reason, Terminal(quiet=as_json))
    if as_json:
        emit_json(done.as_json())
        return done.exit_code
    click.echo(f"{disposal_id} is {done.known.state}")
    click.echo(str(done.folder))
    return done.exit_code


@command.command()
@click.argument("disposal_id", metavar="ID")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it goes on record.")
@json_option
@click.pass_obj
def withdraw(home: Path, disposal_id: str, reason: str, as_json: bool) -> None:
    """Take a disposal back before it is run. Anybody may: it harms nothing."""
    from vanvault.recovery.disposal import withdraw_disposal

    with open_archive(home) as archive:
        catch_up(archive)
        done = withdraw_disposal(archive, disposal_id, requester_of(archive), reason)
    if as_json:
        emit_json(done.as_json())
    else:
        click.echo(f"{disposal_id} is {done.state}")


def _print_plan(made: MadePlan) -> None:
    plan, known = made.plan, made.known
    for segment, _, why in plan.left_out:
        warn(f"the segment {segment} is left out: {why}")
    if known is None:
        click.echo("nothing is due that could go now; nothing was put on record", err=True)
        _print_kept(plan)
        return
    counts, record = plan.counts, known.record
    click.echo(
        f"{record.id}: {counts['entries']} entries and {counts['originals']} originals of"
        f" {counts['segments']} segments, {human_size(counts['bytes'])}, plan sha256 {record.digest}"
    )
    _print_kept(plan)
    if plan.more:
        click.echo("  more is due than one plan takes; the rest is for the next one")
    click.echo(str(made.folder))
    click.echo(f"two others approve it: vanvault disposal approve {record.id}", err=True)


def _print_kept(plan: DisposalPlan) -> None:
    from vanvault.recovery.standings import reason_told

    for reason, count in sorted(plan.kept.items()):
        click.echo(f"  stay: {count}, {reason_told(reason, 'en')}")
    if plan.locked:
        click.echo(f"  segments under their first lock yet, so not looked at: {plan.locked}")


def _warn_lacking(lacking: tuple[str, ...]) -> None:
    for part in lacking:
        warn(f"a part of the record of disposals cannot be read: {part}")


def _lines(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    from vanvault.recovery.standings import reason_told

    approval = told["approval"]
    lines = [
        ("disposal", told["disposal"]),
        ("state", told["state"]),
        ("planned", f"{told['planned_at']} by {told['who']}"),
        ("entries", f"{told['entries']}, and {told['originals']} originals, of {told['segments']} segments"),
        ("size", human_size(told["bytes"])),
        ("plan", f"{told['plan']}, sha256 {told['plan_sha256']}"),
        (
            "approval",
            f"{approval['request'] or 'none'}: {approval['state']}"
            + (f", {approval['why']}" if approval["why"] else ""),
        ),
        ("approved by", ", ".join(approval["approved_by"])),
        ("cools until", told["cools_until"] or ""),
    ]
    if withdrawn := told["withdrawn"]:
        lines.append(("withdrawn", f"{withdrawn['at']} by {withdrawn['who']}: {withdrawn['reason']}"))
    if begun := told["begun"]:
        lines.append(("begun", f"{begun['at']} by {begun['who']}"))
    for one in told["rechecked"]:
        dropped = "".join(
            f"; stay: {count}, {reason_told(reason, 'en')}"
            for reason, count in sorted(one["dropped"].items())
        )
        goes = f"{one['entries']} entries and {one['originals']} originals of {one['segment']} go"
        lines.append(("rechecked", f"{goes}{dropped}"))
    lines += [("replaced", f"{', '.join(one['segments'])} by {one['residue']}") for one in told["replaced"]]
    lines += [("removed", f"{one['at']} at {one['site']} ({one['residue']})") for one in told["removed"]]
    lines += [("HALTED", why) for why in told["halted"]]
    if gone := told["backups_gone"]:
        where = f"{gone['repository']}, {gone['snapshots']} snapshots" if gone["looked"] else "nothing"
        said = f"{gone['at']} by {gone['who']}: {gone['reason']} (looked into {where})"
        lines.append(("backups gone", said))
    for one in told["certificates"]:
        left = f", {one['remaining']} copies are left" if one["remaining"] else ""
        lines.append(("certificate", f"{one['message_id']} of {one['at']}, sha256 {one['sha256']}{left}"))
    return [(name, str(value)) for name, value in lines if value]
