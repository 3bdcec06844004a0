"""``vanvault gateway``: who may push."""

from __future__ import annotations

from pathlib import Path

import click

from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.home_files import load_settings
from vanvault.archiver.people import POLICIES, Gateways
from vanvault.cli.output import emit_json, json_option


@click.group()
def command() -> None:
    """Add, list or remove gateways."""


@command.command()
@click.argument("name")
@click.option(
    "--policy",
    type=click.Choice(POLICIES),
    help="Which sites must hold an entry before it is acknowledged; without it, as the settings say.",
)
@json_option
@click.pass_obj
def add(home: Path, name: str, policy: str | None, as_json: bool) -> None:
    """Add a gateway; its token is shown this once and kept nowhere."""
    load_settings(home)
    token = Gateways(home).add(name, SystemEntropy(), SystemClock(), policy=policy)
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
    gateways = Gateways(home)
    names = gateways.names()
    policies = {name: policy for name in names if (policy := gateways.policy_of(name)) is not None}
    if as_json:
        emit_json({"gateways": names, "policies": policies})
    else:
        for name in names:
            click.echo(f"{name}  (policy: {policies[name]})" if name in policies else name)


@command.command("policy")
@click.argument("name")
@click.argument("policy", type=click.Choice((*POLICIES, "settings")))
@json_option
@click.pass_obj
def set_policy(home: Path, name: str, policy: str, as_json: bool) -> None:
    """Say which sites must hold a gateway's entry before it is acknowledged; running nodes see it at once.

    "settings" takes the gateway's own policy away: it follows sites.policy again.
    """
    load_settings(home)
    Gateways(home).set_policy(name, None if policy == "settings" else policy)
    if as_json:
        emit_json({"gateway": name, "policy": policy})
    else:
        click.echo(f"{name}: {policy}")


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
