"""``vanvault keys``: which there are, a new version, and their escrow in k-of-n shares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from vanvault.archiver.errors import Damaged
from vanvault.archiver.keys.files import KeyFiles
from vanvault.archiver.keys.port import PURPOSES, key_id
from vanvault.archiver.keys.signing import SigningKeys
from vanvault.archiver.ports import SystemClock, SystemEntropy
from vanvault.archiver.settings import load_settings
from vanvault.cli.context import keys_folder, open_archive, put_on_record
from vanvault.cli.output import emit_json, json_option, print_table, warn

if TYPE_CHECKING:
    from vanvault.archiver.keys.escrow import Opened

SIGNING = "signing"

_F = TypeVar("_F", bound=Callable[..., object])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """List master and signing keys, make a new version, or put them in escrow."""


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

    A running node uses it at once. Split the keys anew: data is written under a key that no escrow holds.
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
        click.echo(f"{purpose}: {made} is active now, and in no escrow yet: vanvault keys escrow split")


@command.group()
def escrow() -> None:
    """Put all keys in escrow: a sealed bundle, and k-of-n shares that open it."""


def _bundle_and_shares(verb: _F) -> _F:
    verb = click.option(
        "--share", "shares", type=_FILE, multiple=True, required=True, metavar="FILE",
        help="A share, as printed, typed or scanned; once for each.",
    )(verb)  # fmt: skip
    bundle = click.option("--bundle", type=_FILE, required=True, metavar="FILE", help="The sealed bundle.")
    return bundle(verb)


@escrow.command()
@click.option("--threshold", type=int, required=True, metavar="K", help="Shares that open the keys, from 2.")
@click.option("--shares", type=int, required=True, metavar="N", help="Shares to make, up to 16.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Empty folder for bundle, shares and QR codes.",
)
@json_option
@click.pass_obj
def split(home: Path, threshold: int, shares: int, output: Path, as_json: bool) -> None:
    """Seal all key files in a bundle whose key exists only as N shares, any K of which open it.

    Print the shares, hand each to another person, and remove them from the disk. The bundle is harmless
    without them: keep several copies, away from this host.
    """
    from vanvault.archiver.keys import escrow as keys_escrow
    from vanvault.archiver.keys.escrow_files import BUNDLE, check_empty, read_key_files, write_escrow

    entropy = SystemEntropy()
    archive_id = load_settings(home).archive
    made = keys_escrow.split(
        read_key_files(keys_folder(home)),
        archive=archive_id, threshold=threshold, shares=shares, clock=SystemClock(), entropy=entropy,
    )  # fmt: skip
    check_empty(output)
    write_escrow(output, made, entropy)
    detail = {"set": made.of.set_id, "threshold": threshold, "shares": shares, "keys": list(made.key_ids)}
    with open_archive(home) as archive:
        put_on_record(archive, "keys.escrowed", dict(detail))
    if as_json:
        emit_json({**detail, "archive": archive_id, "bundle": str(output / BUNDLE)})
        return
    click.echo(f"Set {made.of.set_id}: {len(made.key_ids)} keys, {shares} shares, any {threshold} open them.")
    click.echo(f"In {output}: {BUNDLE} (keep copies elsewhere), share-*.txt and their QR codes share-*.svg.")
    click.echo("Print each share for another person, try all (vanvault keys escrow verify), then remove the")
    click.echo(
        "share files from this disk: with the bundle they are the keys. Shares of older sets still open"
    )
    click.echo("the bundles of those sets.")


@escrow.command("verify")
@_bundle_and_shares
@click.option("--offline", is_flag=True, help="Do not compare with the keys of the home.")
@json_option
@click.pass_obj
def verify_escrow(home: Path, bundle: Path, shares: tuple[Path, ...], offline: bool, as_json: bool) -> None:
    """Prove that the shares open the bundle, and that it holds the keys of the home. Writes nothing.

    With more shares than needed, every combination of them is tried.
    """
    from vanvault.archiver.keys.escrow import compare
    from vanvault.archiver.keys.escrow_files import read_key_files

    opened = _open(bundle, shares, every=True)
    if not offline:
        load_settings(home)
        found = compare(opened.files, read_key_files(keys_folder(home)))
        if found.changed:
            raise Damaged(
                f"The bundle holds another {', '.join(found.changed)} than the home.",
                hint="One of them is damaged, or of another archive: try --offline, and vanvault verify.",
            )
        if found.not_in_bundle:
            raise Damaged(
                f"The bundle lacks {', '.join(found.not_in_bundle)}, made after it.",
                hint="Make a new one: vanvault keys escrow split",
            )
        if found.not_in_home:
            warn(
                f"the home lacks {', '.join(found.not_in_home)}; bring it back: vanvault keys escrow restore"
            )
    _show(opened, as_json, {"compared": not offline})


@escrow.command("restore")
@_bundle_and_shares
@json_option
@click.pass_obj
def restore_keys(home: Path, bundle: Path, shares: tuple[Path, ...], as_json: bool) -> None:
    """Bring back the key files that the home lost; none that is there is touched.

    The home needs its vanvault.toml. Run it as the user that runs the node, and again if it was
    interrupted. A running node goes on by itself.
    """
    from vanvault.archiver.keys.escrow import to_restore
    from vanvault.archiver.keys.escrow_files import read_key_files, restore_key_files

    opened = _open(bundle, shares, every=False)
    folder = keys_folder(home)
    held = read_key_files(folder) if folder.exists() else {}
    order = to_restore(opened, held, load_settings(home).archive)
    restore_key_files(folder, opened.files, order, SystemEntropy())
    _show(opened, as_json, {"restored": sorted(order)})
    if not as_json:
        click.echo(f"{len(order)} key files restored to {folder}. Next: vanvault verify")
    if order:
        detail = {"set": opened.of.set_id, "by_shares": list(opened.given), "files": sorted(order)}
        with open_archive(home) as archive:
            put_on_record(archive, "keys.restored", dict(detail))


def _open(bundle: Path, shares: tuple[Path, ...], *, every: bool) -> Opened:
    from vanvault.archiver.keys.escrow import open_with
    from vanvault.archiver.keys.escrow_files import read_bundle, read_share

    return open_with(read_bundle(bundle), [read_share(path) for path in shares], every=every)


def _show(opened: Opened, as_json: bool, more: dict[str, object]) -> None:
    of = opened.of
    if as_json:
        emit_json(
            {
                "archive": of.archive,
                "set": of.set_id,
                "threshold": of.threshold,
                "shares": of.shares,
                "given": list(opened.given),
                "tried": opened.tried,
                "possible": opened.possible,
                "keys": list(opened.key_ids),
                **more,
            }
        )
        return
    numbers = ", ".join(map(str, opened.given))
    click.echo(f"Shares {numbers} of set {of.set_id} open the bundle: {len(opened.key_ids)} keys.")
    if opened.tried == opened.possible > 1:
        click.echo(f"Tried: all {opened.possible} combinations of {of.threshold}.")
    elif opened.tried > 1:
        click.echo(
            f"Tried: {opened.tried} of {opened.possible} combinations of {of.threshold}, chosen so that they"
            " prove all others."
        )
    if len(opened.given) < of.shares:
        click.echo(f"Not given, so not proved: {of.shares - len(opened.given)} of {of.shares} shares.")
