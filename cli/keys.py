"""``vanvault keys``: which there are, and a new version."""

from __future__ import annotations

from pathlib import Path

import click

from vanvault.archiver.keys.files import KeyFiles
from vanvault.archiver.keys.port import PURPOSES, key_id
from vanvault.archiver.keys.signing import SigningKeys
from vanvault.archiver.ports import SystemEntropy
from vanvault.archiver.settings import load_settings
from vanvault.cli.context import keys_folder
from vanvault.cli.output import emit_json, json_option, print_table

SIGNING = "signing"


@click.group()
def command() -> None:
    """List master and signing keys, or make a new version."""


@command.command("list")
@json_option
@click.pass_obj
def list_keys(home: Path, as_json: bool) -> None:
    """List every version of every key; the active one wraps or signs, the others only read."""
    load_settings(home)
    masters = KeyFiles(keys_folder(home), SystemEntropy())
    signing = SigningKeys(keys_folder(home))
    found: list[dict[str, object]] = []
    for purpose in PURPOSES:
        active = masters.active(purpose)
        for version in masters.versions(purpose):
            name = key_id(purpose, version)
            found.append({"purpose": purpose, "key_id": name, "active": name == active})
    active = signing.active().key_id
    found += [
        {"purpose": SIGNING, "key_id": name, "active": name == active} for name in signing.public_keys()
    ]
    if as_json:
        emit_json({"keys": found})
        return
    rows = [(str(key["purpose"]), str(key["key_id"]), "active" if key["active"] else "") for key in found]
    print_table(("purpose", "key", ""), rows)


@command.command()
@click.argument("purpose", type=click.Choice((*PURPOSES, SIGNING)))
@json_option
@click.pass_obj
def rotate(home: Path, purpose: str, as_json: bool) -> None:
    """Make the next version of a key and use it from now on; nothing is rewritten.

    A running node uses it at once. Copy the new key file to escrow: data is written under it now.
    """
    load_settings(home)
    if purpose == SIGNING:
        made = SigningKeys(keys_folder(home)).rotate(SystemEntropy())
    else:
        masters = KeyFiles(keys_folder(home), SystemEntropy())
        made = masters.rotate(next(known for known in PURPOSES if known == purpose))
    if as_json:
        emit_json({"purpose": purpose, "key_id": made})
    else:
        click.echo(f"{purpose}: {made} is active now. Copy {keys_folder(home)} to escrow.")
