"""``vanvault site``: buckets, users and policies of S3 sites, and the disposers of all sites."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, json_option, print_table

if TYPE_CHECKING:
    from vanvault.archiver.stores.provision import StoreKind


@click.group()
def command() -> None:
    """Prepare a site: bucket, users and policies; the disposer's credentials."""


@command.command("init")
@click.argument("site")
@click.option("--dry-run", is_flag=True, help="Show the steps; change nothing.")
@click.option(
    "--store",
    type=click.Choice(("auto", "minio", "other")),
    default="auto",
    show_default=True,
    help="MinIO's users and policies are made; for other stores the policy to apply is printed.",
)
@json_option
@click.pass_obj
def init_site(home: Path, site: str, dry_run: bool, store: StoreKind, as_json: bool) -> ExitCode:
    """Bring the bucket, users and policies of SITE to what the appliance needs, and no more.

    Needs an administrator: VANVAULT_<SITE>_ADMIN_ACCESS_KEY and _SECRET_KEY, or the general pair. New users'
    keys are written to credentials/<site>.env in the home (mode 0600), ready for an EnvironmentFile, and
    those of the disposer, who may remove what has expired, to credentials/<site>.disposer.env. Of a file site
    it makes the disposer's only, without an administrator.
    """
    from vanvault.recovery.maintenance import SiteRequest, prepare_site

    with open_archive(home) as archive:
        made = prepare_site(archive, SiteRequest(site, store, dry_run))
    if as_json:
        emit_json(made.as_json())
        return ExitCode.OK
    steps, policy = made.steps, made.done.policy
    if steps:
        print_table(("step", "target", "what"), [(step.action, step.target, step.detail) for step in steps])
    click.echo(f"{site}: {'nothing to do' if not steps else 'not done (dry run)' if dry_run else 'done'}")
    if policy is not None:
        click.echo(
            "This store's users are made by its own tools. Apply this bucket policy (names are examples):"
        )
        emit_json(policy)
        if made.index is not None:
            emit_json(made.index.policy)
    elif not dry_run:
        if made.credentials.exists():
            click.echo(f"credentials of the duties: {made.credentials}")
        if made.disposer.exists():
            click.echo(f"credentials of the disposer: {made.disposer}")
            click.echo("No node may have them: give that file to the process that removes only.")
    return ExitCode.OK
