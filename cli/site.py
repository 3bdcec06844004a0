"""``vanvault site``: buckets, users and policies of S3 sites."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.disk import replace_file
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, json_option, print_table

if TYPE_CHECKING:
    from vanvault.archiver.stores import Credentials
    from vanvault.archiver.stores.provision import Duty, StoreKind


@click.group()
def command() -> None:
    """Prepare an S3 site: bucket, users and policies."""


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
    keys are written to credentials/<site>.env in the home (mode 0600), ready for an EnvironmentFile.
    """
    from vanvault.archiver.stores import S3Url, parse_site_url
    from vanvault.archiver.stores.provision import prepare_bucket

    with open_archive(home) as archive:
        place = parse_site_url(archive.endpoint(site))
        settings = getattr(archive.settings.sites, site).s3
    if not isinstance(place, S3Url):
        raise InvalidInput(f"{site} is a file site; it was made by vanvault init", field="site")
    admin = _administrator(site)
    users = _users(home, site)
    done = prepare_bucket(site, place, users, admin, options=settings.options(), kind=store, dry_run=dry_run)
    if done.policy is None and not dry_run:
        _write(home, site, users)
    steps, policy = done.steps, done.policy
    if as_json:
        shown = [{"action": step.action, "target": step.target, "detail": step.detail} for step in steps]
        emit_json({"site": site, "dry_run": dry_run, "steps": shown, "policy": policy})
        return ExitCode.OK
    if steps:
        print_table(("step", "target", "what"), [(step.action, step.target, step.detail) for step in steps])
    click.echo(f"{site}: {'nothing to do' if not steps else 'not done (dry run)' if dry_run else 'done'}")
    if policy is not None:
        click.echo(
            "This store's users are made by its own tools. Apply this bucket policy (names are examples):"
        )
        emit_json(policy)
    elif not dry_run:
        click.echo(f"credentials of the duties: {_file(home, site)}")
    return ExitCode.OK


def _administrator(site: str) -> Credentials:
    from vanvault.archiver.stores import optional_credentials, site_credentials

    return optional_credentials(site, "admin", os.environ) or site_credentials(site, os.environ).writer


def _users(home: Path, site: str) -> dict[Duty, Credentials]:
    """Credentials by duty: from the environment, from an earlier run's file, or new."""
    from vanvault.archiver.stores import optional_credentials
    from vanvault.archiver.stores.provision import DUTIES, new_credentials

    entropy = SystemEntropy()
    known = {**_read(home, site), **os.environ}
    return {
        duty: optional_credentials(site, duty, known) or new_credentials(duty, entropy) for duty in DUTIES
    }


def _file(home: Path, site: str) -> Path:
    return home / "credentials" / f"{site}.env"


def _read(home: Path, site: str) -> dict[str, str]:
    path = _file(home, site)
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def _write(home: Path, site: str, users: dict[Duty, Credentials]) -> None:
    path = _file(home, site)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    lines = []
    for duty, credentials in users.items():
        stem = f"VANVAULT_{site.upper()}_{duty.upper()}"
        lines += [
            f"{stem}_ACCESS_KEY={credentials.access_key}",
            f"{stem}_SECRET_KEY={credentials.secret_key}",
        ]
    replace_file(path, ("\n".join(lines) + "\n").encode())
