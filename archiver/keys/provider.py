"""Which provider holds a home's master keys, as its settings say; and new masters in it.

Masters on a token cannot be read out, so they can be put in escrow only as they are made: then they are made
here, sealed and split, written to a folder, and only after that put on the token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vanvault.archiver.core.errors import Conflict, InvalidInput, KeyUnavailable, SettingsError
from vanvault.archiver.core.key_port import KEY_BYTES, PURPOSES, MasterKeys, parse_key_id
from vanvault.archiver.core.ports import Clock, Entropy
from vanvault.archiver.core.settings import KeysSettings
from vanvault.archiver.keys.files import KeyFiles, decode_master, encode_master
from vanvault.archiver.keys.pkcs11.pin import pin_from_command, pin_from_file
from vanvault.archiver.keys.wrapping import NONCE_BYTES, wrap_with

if TYPE_CHECKING:
    from vanvault.archiver.keys.escrow.escrow import Escrow
    from vanvault.archiver.keys.pkcs11.keys import Pkcs11Keys

_LOCK = ".rotating.lock"
#: What sample keys are bound to when two masters are compared: no object has this context.
_COMPARING = b"vanvault-compare-masters"


@dataclass(frozen=True, slots=True)
class EscrowOrder:
    """An escrow to be made with new masters: where to, and how many shares."""

    output: Path  # an empty folder, or none yet
    threshold: int
    shares: int


def open_masters(
    home: Path, folder: Path, settings: KeysSettings, archive: str, entropy: Entropy
) -> MasterKeys:
    """The home's master keys; ``folder`` is its key folder. Raises SettingsError, KeyUnavailable."""
    if settings.provider == "files":
        return KeyFiles(folder, entropy)
    return open_token(home, folder, settings, archive, entropy)


def token_of(masters: MasterKeys) -> Pkcs11Keys | None:
    """The token that holds these master keys; None: they lie in files, and PKCS#11 is not loaded."""
    if isinstance(masters, KeyFiles):
        return None
    from vanvault.archiver.keys.pkcs11.keys import Pkcs11Keys

    return masters if isinstance(masters, Pkcs11Keys) else None


def open_token(
    home: Path, folder: Path, settings: KeysSettings, archive: str, entropy: Entropy
) -> Pkcs11Keys:
    """The token that the settings name, logged in. Raises SettingsError, KeyUnavailable."""
    try:
        from vanvault.archiver.keys.pkcs11.keys import Pkcs11Keys
        from vanvault.archiver.keys.pkcs11.session import token_session
    except ImportError as error:
        raise SettingsError(
            "The Python library python-pkcs11 cannot be loaded.", hint="Install VanVault with all it needs."
        ) from error
    token = settings.pkcs11
    if not token.module or not token.token_label or bool(token.pin_file) == bool(token.pin_command):
        raise SettingsError(
            "keys.pkcs11 needs module, token_label, and one of pin_file and pin_command.",
            hint="Complete the section [keys.pkcs11] of the settings: docs/keys.md.",
        )

    def pin() -> str:
        if token.pin_file:
            return pin_from_file(home / token.pin_file)
        return pin_from_command(str(token.pin_command))

    session = token_session(Path(token.module), token.token_label, pin)
    return Pkcs11Keys(session, archive, entropy, lock=folder / _LOCK)


def create_masters(
    home: Path,
    folder: Path,
    settings: KeysSettings,
    archive: str,
    *,
    clock: Clock,
    entropy: Entropy,
    order: EscrowOrder | None = None,
) -> Escrow | None:
    """Version 1 of every purpose, where a home has none; an attempt that failed may be repeated.

    ``order`` is for tokens with ``escrowable`` and for no others; the signing keys are in ``folder`` already.
    Raises SettingsError, KeyUnavailable, InvalidInput (``order`` is missing, out of place or wrong).
    """
    check_order(settings, order)
    if settings.provider == "files":
        if not any(folder.glob("*.key")):
            KeyFiles.create(folder, entropy)
        return None
    token = open_token(home, folder, settings, archive, entropy)
    missing = [purpose for purpose in PURPOSES if not token.versions(purpose)]
    if order is not None and missing:
        # All of them, though an interrupted attempt left some: only together they make a whole escrow.
        ids = [token.next_id(purpose) for purpose in PURPOSES]
        return make_in_escrow(token, folder, ids, order, archive=archive, clock=clock, entropy=entropy)
    if missing:
        token.create()
    return None


def make_in_escrow(
    token: Pkcs11Keys,
    folder: Path,
    ids: Sequence[str],
    order: EscrowOrder,
    *,
    archive: str,
    clock: Clock,
    entropy: Entropy,
) -> Escrow:
    """Make masters, put them in escrow with the signing keys of ``folder``, then on the token.

    ``ids`` names one version of each purpose. A crash before the end leaves an escrow of keys that nothing
    was written under. Raises InvalidInput (order), KeyUnavailable, SettingsError.
    """
    from vanvault.archiver.keys.escrow.escrow import split
    from vanvault.archiver.keys.escrow.files import read_key_files, write_escrow

    masters = {name: entropy.token(KEY_BYTES) for name in ids}
    signing = {name: data for name, data in read_key_files(folder).items() if not name.endswith(".key")}
    files = {_file_name(name): encode_master(name, secret) for name, secret in masters.items()}
    made = split(
        files | signing,
        archive=archive,
        threshold=order.threshold,
        shares=order.shares,
        clock=clock,
        entropy=entropy,
    )
    write_escrow(order.output, made)
    for name, secret in masters.items():
        token.put(name, secret)
    return made


def masters_in(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The masters among key files: id -> 32 bytes. Raises KeyUnavailable when one is not whole."""
    ids = {name: name.removesuffix(".key").replace("-", "/") for name in files if name.endswith(".key")}
    return {held: decode_master(name, held, files[name]) for name, held in ids.items()}


def differing(masters: Mapping[str, bytes], keys: MasterKeys, entropy: Entropy) -> dict[str, bool]:
    """Which of these masters the provider lacks (False) or holds another key for (True).

    A provider proves that it holds the same key: it opens what the master here wraps. Raises KeyUnavailable.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    found: dict[str, bool] = {}
    for name, secret in masters.items():
        purpose, version = parse_key_id(name)
        if version not in keys.versions(purpose):
            found[name] = False
            continue
        sample = entropy.token(KEY_BYTES)
        wrapped = wrap_with(AESGCM(secret), name, sample, entropy.token(NONCE_BYTES), _COMPARING)
        try:
            if keys.unwrap(name, wrapped, _COMPARING) != sample:
                found[name] = True
        except KeyUnavailable:
            if version not in keys.versions(purpose):
                raise
            found[name] = True
    return found


def bring_back(masters: Mapping[str, bytes], token: Pkcs11Keys, entropy: Entropy) -> list[str]:
    """Put the masters that a token lacks on it, newest first; returns their ids.

    May be repeated after any crash. Raises Conflict (the token holds another key of the same id; nothing was
    written), KeyUnavailable.
    """
    found = differing(masters, token, entropy)
    if others := sorted(name for name, other in found.items() if other):
        raise Conflict(
            f"The token holds another {', '.join(others)}; nothing was written.",
            hint="One of them is of another archive, or was made after the keys were lost.",
        )
    order = sorted(found, key=lambda name: parse_key_id(name)[1], reverse=True)
    for name in order:
        token.put(name, masters[name])
    return order


def check_order(settings: KeysSettings, order: EscrowOrder | None) -> None:
    """Raises InvalidInput unless an escrow is ordered exactly where one is due."""
    escrowable = settings.provider == "pkcs11" and settings.pkcs11.escrowable
    if escrowable and order is None:
        raise InvalidInput(
            "Keys that keys.pkcs11.escrowable asks for are put in escrow as they are made.",
            field="escrow",
            hint="Name an empty folder and the numbers of shares: --escrow DIR --threshold K --shares N.",
        )
    if order is not None and not escrowable:
        raise InvalidInput(
            "Only keys on a token are put in escrow as they are made.",
            field="escrow",
            hint="For key files: vanvault keys escrow split. For a token: keys.pkcs11.escrowable = true.",
        )


def _file_name(name: str) -> str:
    return name.replace("/", "-") + ".key"
