"""``vanvault keys``: which there are, a new version, and their escrow in k-of-n shares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.key_port import PURPOSES, key_id
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.core.settings import Settings
from vanvault.archiver.home_files import load_settings
from vanvault.archiver.keys import EscrowOrder, SigningKeys, check_order, differing, masters_in, open_masters
from vanvault.cli.context import keys_folder, open_archive
from vanvault.cli.escrow_order import escrow_options, escrow_order
from vanvault.cli.keys_trust import accept, exposed, revoke
from vanvault.cli.output import emit_json, json_option, print_pairs, print_table, warn
from vanvault.cli.progress import Terminal

if TYPE_CHECKING:
    from vanvault.archiver.keys.escrow import Opened

SIGNING = "signing"
ALL = "all"

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
    settings = load_settings(home)
    masters = open_masters(home, keys_folder(home), settings.keys, settings.archive, SystemEntropy())
    signing = SigningKeys(keys_folder(home))
    found: list[dict[str, object]] = []
    for purpose in PURPOSES:
        active = masters.active(purpose)
        for version in masters.versions(purpose):
            name = key_id(purpose, version)
            found.append({"purpose": purpose, "key_id": name, "active": name == active})
    found += _signing_keys(signing)
    if as_json:
        emit_json({"keys": found})
        return
    rows = [(str(key["purpose"]), str(key["key_id"]), _state(key)) for key in found]
    print_table(("purpose", "key", ""), rows)


def _signing_keys(signing: SigningKeys) -> list[dict[str, object]]:
    active, trust = signing.active().key_id, signing.trust()
    return [
        {
            "purpose": SIGNING,
            "key_id": name,
            "active": name == active,
            "trusted": name in trust.keys,
            "introduced_by": trust.introductions[name].introduced_by if name in trust.introductions else "",
            "introduced_at": trust.introductions[name].introduced_at if name in trust.introductions else "",
            "revoked_at": trust.revoked[name].act.made_at if name in trust.revoked else "",
        }
        for name in signing.public_keys()
    ]


def _state(key: dict[str, object]) -> str:
    """What a reader must know of a key that ``keys list`` shows."""
    if key.get("revoked_at"):
        return f"REVOKED {key['revoked_at']}"
    if not key.get("trusted", True):
        return "NOT TRUSTED: no trusted key introduced it"
    return "active" if key["active"] else ""


@command.command()
@click.argument("purpose", type=click.Choice((*PURPOSES, SIGNING, ALL)))
@escrow_options
@json_option
@click.pass_obj
def rotate(
    home: Path,
    purpose: str,
    escrow: Path | None,
    threshold: int | None,
    shares: int | None,
    as_json: bool,
) -> None:
    """Make the next version of a key and use it from now on; nothing is rewritten.

    PURPOSE is one of the masters, signing, or all (every master). The new id is put on record in the archive
    first, so the sites must be up. A running node uses the key at once. Split the keys anew: data is written
    under a key that no escrow holds. Masters on a token that are to be in escrow are made all at once, with
    their escrow.
    """
    settings = load_settings(home)
    order = escrow_order(escrow, threshold, shares)
    if purpose == SIGNING:
        if order is not None:
            raise InvalidInput("The signing key is made alone; its escrow is not.", field="escrow")
        _show_made(purpose, [SigningKeys(keys_folder(home)).rotate(SystemEntropy())], as_json)
        return
    check_order(settings.keys, order)
    if order is not None and purpose != ALL:
        raise InvalidInput(
            "Masters of a token that are to be in escrow are made all at once.",
            field="purpose",
            hint="Run: vanvault keys rotate all --escrow DIR --threshold K --shares N",
        )
    from vanvault.archiver.appliance import rotate_in_escrow, rotate_master
    from vanvault.recovery.work import account

    chosen = [known for known in PURPOSES if purpose in (known, ALL)]
    with open_archive(home) as archive:
        if order is None:
            made = [rotate_master(archive, known, account()) for known in chosen]
        else:
            made = rotate_in_escrow(archive, order, account())
    _show_made(purpose, made, as_json, order)


@command.command()
@click.argument("object_key", metavar="OBJECT")
@click.option("--yes", is_flag=True, help="Yes, show it: whoever sees it can read this object for ever.")
@json_option
@click.pass_obj
def unwrap(home: Path, object_key: str, yes: bool, as_json: bool) -> None:
    """Show the data key of one object, for DuckDB, Spark and others that read Parquet by themselves.

    OBJECT is a batch or a part of a segment, as a search names it. The request goes on record in the archive
    before the key is shown, so the sites must be up. A data key opens this one object only.
    """
    import base64

    from vanvault.recovery.custody import unwrap_key
    from vanvault.recovery.work import account

    if not yes:
        raise InvalidInput(
            "A data key is a secret that cannot be taken back, so it is shown only with --yes.",
            field="yes",
            hint=f"Run: vanvault keys unwrap {object_key} --yes. It goes on record in the archive.",
        )
    with open_archive(home) as archive:
        found = unwrap_key(archive, object_key, who=account())
    shown = {
        "object": found.object,
        "master": found.master,
        "key_base64": base64.b64encode(found.key).decode(),
        "key_hex": found.key.hex(),
    }
    if as_json:
        emit_json(shown)
    else:
        print_pairs(shown.items())


command.add_command(revoke)
command.add_command(accept)
command.add_command(exposed)


def _show_made(purpose: str, made: list[str], as_json: bool, order: EscrowOrder | None = None) -> None:
    if as_json:
        one: dict[str, object] = {"key_id": made[0]} if len(made) == 1 else {"key_ids": made}
        emit_json({"purpose": purpose, **one})
    elif order is not None:
        click.echo(f"{', '.join(made)} are active now. Their only escrow: {order.output}")
    else:
        click.echo(f"{purpose}: {', '.join(made)} active now, and in no escrow yet: vanvault keys escrow")


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
    from vanvault.recovery.custody import SplitRequest, split_keys
    from vanvault.recovery.work import account

    request = SplitRequest(output, threshold, shares, account())
    made = split_keys(home, request, Terminal(quiet=as_json))
    if as_json:
        emit_json(made.as_json())
        return
    bundle = made.bundle.name
    click.echo(f"Set {made.set_id}: {len(made.key_ids)} keys, {shares} shares, any {threshold} open them.")
    click.echo(f"In {output}: {bundle} (keep copies elsewhere), share-*.txt and their QR codes share-*.svg.")
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
    from vanvault.archiver.keys.escrow import compare, read_key_files

    opened = _open(bundle, shares, every=True)
    settings = None if offline else load_settings(home)
    if settings is not None and settings.keys.provider != "files":
        _compare_with_token(home, settings, opened)
    elif settings is not None:
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


def _compare_with_token(home: Path, settings: Settings, opened: Opened) -> None:
    """Does the token hold the masters of the bundle? (It may hold others, of other escrows.)"""
    masters = open_masters(home, keys_folder(home), settings.keys, settings.archive, SystemEntropy())
    found = differing(masters_in(opened.files), masters, SystemEntropy())
    if others := sorted(name for name, other in found.items() if other):
        raise Damaged(
            f"The bundle holds another {', '.join(others)} than the token.",
            hint="One of them is of another archive: try --offline, and vanvault verify.",
        )
    if found:
        warn(f"the token lacks {', '.join(sorted(found))}; bring it back: vanvault keys escrow restore")


@escrow.command("restore")
@_bundle_and_shares
@json_option
@click.pass_obj
def restore_keys_(home: Path, bundle: Path, shares: tuple[Path, ...], as_json: bool) -> None:
    """Bring back the key files that the home lost; none that is there is touched.

    The home needs its vanvault.toml. Run it as the user that runs the node, and again if it was
    interrupted. A running node goes on by itself.
    """
    from vanvault.recovery.custody import KeysRestoreRequest, restore_keys
    from vanvault.recovery.work import account

    done = restore_keys(home, KeysRestoreRequest(bundle, shares, account()), Terminal(quiet=as_json))
    _show(done.opened, as_json, {"restored": done.all})
    if not as_json:
        where = f", {len(done.masters)} keys to the token" if done.masters else ""
        click.echo(
            f"{len(done.files)} key files restored to {keys_folder(home)}{where}. Next: vanvault verify"
        )


def _open(bundle: Path, shares: tuple[Path, ...], *, every: bool) -> Opened:
    from vanvault.archiver.keys.escrow import open_with, read_bundle, read_share

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
