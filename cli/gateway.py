"""``vanvault gateway``: who may push."""

from __future__ import annotations

from pathlib import Path

import click

from vanvault.archiver.access.gateways import Gateways
from vanvault.archiver.ports import SystemClock, SystemEntropy
from vanvault.archiver.settings import load_settings
from vanvault.cli.output import emit_json, json_option


@click.group()
def command() -> None:
    """Add, list or remove gateways."""


@command.command()
@click.argument("name")
@json_option
@click.pass_obj
def add(home: Path, name: str, as_json: bool) -> None:
    """Add a gateway; its token is shown this once and kept nowhere."""
    load_settings(home)
    token = Gateways(home).add(name, SystemEntropy(), SystemClock())
    if as_json:
        emit_json({"gateway": name, "token": token})
    else:
        click.echo(f"Gateway: {name}")
        click.echo(f"Token:   {token}")


@command.command("list")
@json_option
@click.pass_obj
def list_gateways(home: Path, as_json: bool) -> None:
    """List all gateways."""
    load_settings(home)
    names = Gateways(home).names()
    if as_json:
        emit_json({"gateways": names})
    else:
        for name in names:
            click.echo(name)


@command.command()
@click.argument("name")
@json_option
@click.pass_obj
def remove(home: Path, name: str, as_json: bool) -> None:
    """Take a gateway's token away; what it archived stays."""
    load_settings(home)
    Gateways(home).remove(name)
    if as_json:
        emit_json({"gateway": name, "removed": True})
    else:
        click.echo(f"{name} may not push any more.")
