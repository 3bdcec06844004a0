"""``vanvault job``: what was run on this archive, and what came of it, from its record."""

from __future__ import annotations

from pathlib import Path

import click

from vanvault.archiver.core.times import rfc3339_seconds, to_us
from vanvault.cli.context import catch_up, looking, open_archive
from vanvault.cli.output import (
    emit_json,
    human_duration,
    human_size,
    json_option,
    print_pairs,
    print_table,
    shown,
)


@click.group()
def command() -> None:
    """List what was run on this archive, for ever: verifications, drills, backups, exports and the rest."""


@command.command("list")
@click.option("--before", metavar="MOMENT", help="The next page: the moment that the page before names.")
@json_option
@click.pass_obj
def list_jobs(home: Path, before: str | None, as_json: bool) -> None:
    """List jobs that ended, the newest first, fifty at a time. It is a look."""
    from vanvault.recovery.job_record import before_of, jobs_page

    asked = {"of": "jobs", "before": before}
    to = None if before is None else before_of(before)
    with open_archive(home) as archive, looking(archive, "results", asked) as look:
        complete = catch_up(archive)
        page = jobs_page(archive.search, lambda _: True, to_us(archive.clock.now()) + 1 if to is None else to)
        look.shows([job.id for job in page.jobs])
    if as_json:
        told = page.as_json()
        emit_json({**told, "partial": told["partial"] or not complete})
        return
    rows = [
        (
            rfc3339_seconds(job.at),
            f"{job.type} {job.about}".rstrip(),
            job.outcome if job.outcome == "succeeded" else job.outcome.upper(),
            "" if job.bytes is None else human_size(job.bytes),
            "" if job.ms is None else human_duration(job.ms / 1000),
            job.who,
            job.id,
        )
        for job in page.jobs
    ]
    print_table(("ended", "job", "outcome", "size", "took", "by", "id"), rows)
    if page.next is not None:
        click.echo(f"more: vanvault job list --before {page.next}", err=True)


@command.command("show")
@click.argument("job_id", metavar="ID")
@json_option
@click.pass_obj
def show_job(home: Path, job_id: str, as_json: bool) -> None:
    """Show one job whole, with all that its event tells. It is a look."""
    from vanvault.recovery.job_record import one_job

    with open_archive(home) as archive, looking(archive, "results", {"of": "jobs", "job_id": job_id}) as look:
        catch_up(archive)
        found = one_job(archive.search, job_id, lambda _: True)
        look.shows([found.job.id])
    told = found.as_json()
    if as_json:
        emit_json(told)
        return
    line = {name: told[name] for name in found.job.as_json()}
    print_pairs([(name, shown(value)) for name, value in (*line.items(), *sorted(found.told.items()))])
    for part in found.parts:
        click.echo(f"{rfc3339_seconds(part.at)} {part.type} {part.text}")
    if found.drill:
        click.echo(f"its signed report: vanvault drill show {found.drill} --verify", err=True)
