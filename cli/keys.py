"""``vanvault keys``: which there are, a new version, and their escrow in k-of-n shares."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from vanvault.archiver.core.key_port import PURPOSES, key_id, newest_version
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.home_files import load_settings
from vanvault.archiver.keys import SigningKeys, open_masters
from vanvault.cli.context import keys_folder
from vanvault.cli.escrow_order import escrow_options, escrow_order
from vanvault.cli.keys_trust import accept, exposed, revoke
from vanvault.cli.output import emit_json, json_option, print_table
from vanvault.cli.progress import Terminal
from vanvault.cli.requester import approved_at

if TYPE_CHECKING:
    from vanvault.archiver.keys.escrow import Opened
    from vanvault.recovery.custody import RotateRequest

SIGNING = "signing"
ALL = "all"

_F = TypeVar("_F", bound=Callable[..., object])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _KeysGroup(click.Group):
    """``unwrap`` knows every field of a search, whose library is loaded only where that verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), "unwrap"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "unwrap":
            from vanvault.cli.keys_unwrap import unwrap

            return unwrap
        return super().get_command(ctx, cmd_name)


@click.group(cls=_KeysGroup)
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
        newest = newest_version(masters, purpose)
        for version in masters.versions(purpose):
            name = key_id(purpose, version)
            found.append({"purpose": purpose, "key_id": name, "active": version == newest})
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
@click.option("--stolen", is_flag=True, help="The active signing key was stolen: it signs no record of this.")
@json_option
@click.pass_obj
def rotate(
    home: Path,
    purpose: str,
    escrow: Path | None,
    threshold: int | None,
    shares: int | None,
    stolen: bool,
    as_json: bool,
) -> None:
    """Make the next version of a key and use it from now on; nothing is rewritten.

    PURPOSE is one of the masters, signing, or all (every master). The new id is put on record in the archive
    first, so the sites must be up; with --stolen it is not, since what the stolen key signs now would wait
    after its revocation. A running node uses the key at once. The escrow is stale from then on: data is
    written under a key that no bundle holds, and status and backups end with 3 until the keys were split anew
    and the new shares tried. --escrow, --threshold and --shares make that escrow in the same step. Masters
    on a token that are to be in escrow are made all at once, with their escrow.
    """
    from vanvault.recovery.custody import RotateRequest, rotate_keys
    from vanvault.recovery.work import account

    order = escrow_order(escrow, threshold, shares)
    request = RotateRequest(purpose, account(), order, stolen)
    done = rotate_keys(home, request, Terminal(quiet=as_json), ask=partial(_ask_rotation, home, request))
    if as_json:
        emit_json(done.as_json())
        return
    if done.escrow is not None:
        click.echo(f"{purpose}: {', '.join(done.made)} active now, and in escrow set {done.escrow.set_id}.")
        click.echo(f"Print the shares beside {done.escrow.bundle}, hand them out, and try them:")
        click.echo("vanvault keys escrow verify")
    elif order is not None:
        click.echo(f"{', '.join(done.made)} are active now. Their only escrow: {order.output}")
    else:
        click.echo(
            f"{purpose}: {', '.join(done.made)} active now, and in no escrow yet: vanvault keys escrow split"
        )


def _ask_rotation(home: Path, request: RotateRequest) -> None:
    """A stolen key signs nothing more, no request either: who says it was stolen is not kept waiting."""
    if request.stolen:
        return
    told: dict[str, object] = {"purpose": request.purpose}
    if request.escrow is None:
        approved_at(home, ["key-rotation"], told)
        return
    told |= {"threshold": request.escrow.threshold, "shares": request.escrow.shares}
    approved_at(home, ["escrow", "key-rotation"], told)


command.add_command(revoke)
command.add_command(accept)
command.add_command(exposed)


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
    told = {"threshold": threshold, "shares": shares}
    made = split_keys(home, request, Terminal(quiet=as_json), ask=lambda: approved_at(home, ["escrow"], told))
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
    """Prove that the shares open the bundle, and that it holds the keys of the home.

    With more shares than needed, every combination of them is tried. That it was proved goes on record:
    status and backups count a key as safe once its bundle was opened. Offline nothing goes on record.
    """
    from vanvault.recovery.custody import EscrowVerifyRequest, verify_escrow
    from vanvault.recovery.work import account

    request = EscrowVerifyRequest(bundle, shares, account(), offline)
    done = verify_escrow(home, request, Terminal(quiet=as_json))
    _show(done.opened, as_json, {"compared": done.compared, "recorded": done.recorded})


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
                "without": list(opened.without),
                **more,
            }
        )
        return
    numbers = ", ".join(map(str, opened.given))
    click.echo(f"Shares {numbers} of set {of.set_id} open the bundle: {len(opened.key_ids)} keys.")
    for purpose in opened.without:
        click.echo(f"It holds no key for {purpose}: this archive had none when it was sealed.")
    if opened.tried == opened.possible > 1:
        click.echo(f"Tried: all {opened.possible} combinations of {of.threshold}.")
    elif opened.tried > 1:
        click.echo(
            f"Tried: {opened.tried} of {opened.possible} combinations of {of.threshold}, chosen so that they"
            " prove all others."
        )
    if len(opened.given) < of.shares:
        click.echo(f"Not given, so not proved: {of.shares - len(opened.given)} of {of.shares} shares.")
