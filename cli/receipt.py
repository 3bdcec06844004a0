"""``vanvault receipt``: verify one offline, show one, print the public keys."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.core.error_table import ExitCode, error_object, exit_code_of
from vanvault.archiver.core.errors import Damaged, InvalidInput, VanVaultError
from vanvault.archiver.core.evidence import Receipt, verify_receipt
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.home_files import load_settings
from vanvault.archiver.keys import SigningKeys, load_public_keys, public_pem
from vanvault.cli.context import keys_folder, looking, open_archive
from vanvault.cli.errors import show_error
from vanvault.cli.lookup import find_entry, kept_beside, receipt_of
from vanvault.cli.output import emit_json, emit_pretty, json_option, one_line

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_CHUNK = 2**20


@click.group()
def command() -> None:
    """Verify a receipt offline, show one, or print the public keys."""


@command.command()
@click.argument("file", metavar="RECEIPT", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    type=_FILE,
    help="Trust this key (PEM; repeatable). Default: the home's own keys.",
)
@click.option("--original", type=_FILE, help="Check that the receipt is of this file, too.")
@json_option
@click.pass_obj
def verify(
    home: Path, file: str, public_keys: tuple[Path, ...], original: Path | None, as_json: bool
) -> ExitCode:
    """Check a receipt offline: its shape, its proof, its signature, and the original when it is given.

    Needs only the public key: no server, no site and no other key. RECEIPT is a JSON object, or one on
    each line, as push --json prints them; '-' is stdin. Ends with 3 when one does not verify.
    """
    receipts = _receipts_in(file)
    if original is not None and len(receipts) > 1:
        raise InvalidInput("--original is for one receipt", field="original")
    digests = _digests(original) if original is not None else None
    trusted = _trusted(home, public_keys)
    code = ExitCode.OK
    results = []
    for receipt in receipts:
        result = {"id": str(receipt.get("id", "")), "ok": True, "original_checked": digests is not None}
        try:
            verify_receipt(receipt, trusted, digests=digests)
        except VanVaultError as error:
            code = code or exit_code_of(error)
            result |= {"ok": False, "original_checked": False, "error": error_object(error)}
            show_error(f"{result['id'] or file}: {error.message}", error.hint)
        else:
            if not as_json:
                _show_good(receipt, original)
        results.append(result)
    if as_json:
        emit_json({"ok": code is ExitCode.OK, "receipts": results})
    elif any(result["ok"] for result in results):
        click.echo(
            "locks are those of the moment of receipt, and prolonged while they are needed;"
            " what is owed, and what locks it now: vanvault receipt show",
            err=True,
        )
    return code


@command.command()
@click.argument("entry_id", metavar="ID")
@click.option(
    "--kept", is_flag=True, help="With --json: an object of the receipt, and what is owed beside it."
)
@click.option("--lang", type=click.Choice(["en", "vi"]), default="en", show_default=True, help="Language.")
@json_option
@click.pass_obj
def show(home: Path, entry_id: str, kept: bool, lang: str, as_json: bool) -> None:
    """Show the first receipt of an entry, again; on stderr, what is owed and the lock that stands now.

    The receipt stays as it was signed, so that it verifies: its lock is that of the moment of receipt. With
    --json --kept it prints one object: receipt, kept, and cleared. When the object that it names was cleared,
    it says which segment holds its rows.
    """
    from vanvault.recovery.clearing import cleared_object

    with open_archive(home) as archive, looking(archive, "receipt", {"id": entry_id}) as look:
        receipt = receipt_of(archive, entry_id)
        beside = cleared = None
        if kept or not as_json:
            cleared = cleared_object(archive, receipt)
            beside = kept_beside(archive, find_entry(archive, entry_id), receipt)
        look.shows([entry_id])
    if as_json:
        told = None if beside is None else beside.as_json()
        gone = None if cleared is None else cleared.as_json()
        emit_json({"receipt": receipt, "kept": told, "cleared": gone} if kept else receipt)
        return
    emit_pretty(receipt)
    for sentence in beside.sentences(lang) if beside is not None else ():
        click.echo(one_line(sentence), err=True)
    if cleared is not None:
        click.echo(cleared.line, err=True)


@command.command("public-key")
@json_option
@click.pass_obj
def public_key(home: Path, as_json: bool) -> None:
    """Print the public keys, for those who verify receipts elsewhere."""
    load_settings(home)
    keys = SigningKeys(keys_folder(home)).public_keys()
    pems = {key_id: public_pem(key).decode() for key_id, key in keys.items()}
    if as_json:
        emit_json({"keys": [{"key_id": key_id, "pem": pem} for key_id, pem in pems.items()]})
    else:
        click.echo("".join(pems.values()), nl=False)


def _receipts_in(file: str) -> list[Receipt]:
    try:
        with click.open_file(file, "rb") as stream:
            data: bytes = stream.read().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise_limit(error)
        raise InvalidInput(f"{file} cannot be read: {error.strerror}", field="receipt") from error
    try:
        found = [orjson.loads(data)]
    except orjson.JSONDecodeError:
        found = _lines(data, file)
    if not all(isinstance(receipt, dict) for receipt in found):
        raise InvalidInput(f"{file} holds something that is no receipt", field="receipt")
    return found


def _lines(data: bytes, file: str) -> list[Any]:
    try:
        found = [orjson.loads(line) for line in data.splitlines() if line.strip()]
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{file} is no JSON", field="receipt", hint="Give what push printed.") from error
    if not found:
        raise InvalidInput(f"{file} is empty", field="receipt")
    return found


def _trusted(home: Path, files: tuple[Path, ...]) -> Callable[[str], Ed25519PublicKey]:
    """The keys that may have signed. Raises KeyUnavailable (a file is no key), SettingsError (home)."""
    if files:
        keys = load_public_keys(files)
    else:
        load_settings(home)
        keys = SigningKeys(keys_folder(home)).public_keys()

    def find(key_id: str) -> Ed25519PublicKey:
        if key_id not in keys:
            raise Damaged(
                "the receipt was not signed by any of the trusted keys",
                hint="It is of another archive, or its public key is missing: receipt public-key prints it.",
            )
        return keys[key_id]

    return find


def _digests(path: Path) -> tuple[str, str]:
    """SHA-256 and SHA-512 (hex) of a file, read once. Raises InvalidInput."""
    sha256, sha512 = hashlib.sha256(), hashlib.sha512()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                sha256.update(chunk)
                sha512.update(chunk)
    except OSError as error:
        raise_limit(error)
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", field="original") from error
    return sha256.hexdigest(), sha512.hexdigest()


def _show_good(receipt: Receipt, original: Path | None) -> None:
    places = ", ".join(
        f"{place['site']} until {place['retain_until'][:10]}" for place in receipt["placements"]
    )
    of = f", and it is the receipt of {original}" if original else ""
    click.echo(f"good: {receipt['id']}, signed by {receipt['signing_key']}, locked at {places}{of}")
