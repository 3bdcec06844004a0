"""Escrow on disk: key files in and out of a home, a bundle and its shares in and out of folders."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from vanvault.archiver.core.errors import InvalidInput, SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.core.system_files import is_system_file
from vanvault.archiver.disk import sync_folder
from vanvault.archiver.keys import key_folder
from vanvault.archiver.keys.escrow.bundle import KEY_FILE, SIZE_LIMIT
from vanvault.archiver.keys.escrow.escrow import Escrow
from vanvault.archiver.keys.escrow.share import KeyShare, check_numbers, compact, page, parse
from vanvault.archiver.keys.files import KeyFiles
from vanvault.archiver.keys.signing import SigningKeys

BUNDLE = "escrow-bundle.vve"


def read_key_files(folder: Path) -> dict[str, bytes]:
    """Every key file of a key folder: name -> bytes. Raises SettingsError (folder), KeyUnavailable."""
    key_folder.check_private_folder(folder)
    return {
        name: key_folder.read_public(folder / name, SIZE_LIMIT)
        if is_public(name)
        else key_folder.read_private(folder / name)
        for name, *_ in key_folder.listing(folder, KEY_FILE)
    }


def is_public(name: str) -> bool:
    """Is the key file with this name no secret? Public halves, introductions, the record of trust."""
    return name.endswith((".pub.pem", ".json", ".objects"))


def check_split(folder: Path, threshold: int, shares: int) -> None:
    """Before keys are made that shall be split: can it be done? The folder is made.

    Raises InvalidInput (numbers; the folder is not empty, or cannot be made).
    """
    check_numbers(threshold, shares)
    _make_empty(folder)


def _make_empty(folder: Path) -> None:
    """Make the folder (mode 0700) that shall hold the shares. Raises InvalidInput unless it is empty.

    System files do not count.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not all(is_system_file(entry.name) for entry in folder.iterdir()):
            raise InvalidInput(
                f"{folder} is not empty; nothing was written.", field="output", hint="Name an empty folder."
            )
        folder.chmod(0o700)
    except OSError as error:
        raise_limit(error)
        raise InvalidInput(f"{folder} cannot be used: {error.strerror}.", field="output") from error


def write_escrow(folder: Path, escrow: Escrow) -> Path:
    """Write each share as text and as a QR code, then the bundle: without it the set is visibly not whole.

    The folder is made (mode 0700) or empty; all files get mode 0600. Returns the path of the bundle.
    Raises InvalidInput (folder), KeyUnavailable when the disk refuses.
    """
    _make_empty(folder)
    for share in escrow.shares:
        name = f"share-{share.number}-of-{escrow.of.shares}"
        _write(folder / f"{name}.txt", page(share).encode())
        _write(folder / f"{name}.svg", qr_code(share))
    bundle = folder / BUNDLE
    _write(bundle, escrow.bundle)
    return bundle


def qr_code(share: KeyShare) -> bytes:
    """The share as a QR code (ISO/IEC 18004), SVG, 90 mm or so on paper."""
    import segno  # takes 15 ms to load, which only papers of an escrow need

    image = io.BytesIO()
    code = segno.make(compact(share), error="m", micro=False)
    title = f"VanVault key share {share.number} of {share.of.shares}, set {share.of.set_id}"
    code.save(image, kind="svg", scale=90 / code.symbol_size()[0], unit="mm", title=title)
    return image.getvalue()


def read_share(path: Path) -> KeyShare:
    """A share from a file that somebody typed or scanned. Raises InvalidInput."""
    data = _read(path, key_folder.SIZE_LIMIT, "share")
    try:
        return parse(data.decode(), path.name)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is not text.", field="share") from error


def read_bundle(path: Path) -> bytes:
    """The bytes of a bundle. Raises InvalidInput when the file cannot be read."""
    return _read(path, SIZE_LIMIT, "bundle")


def restore_key_files(
    folder: Path, files: Mapping[str, bytes], order: Sequence[str], entropy: Entropy
) -> None:
    """Write the key files named in ``order`` durably, each whole or not at all, none in place of another.

    May be repeated after any crash. At the end the folder is opened as the archive opens it.
    Raises SettingsError (folder), KeyUnavailable.
    """
    write_key_files(folder, files, order)
    KeyFiles(folder, entropy)
    SigningKeys(folder).active()


def write_key_files(folder: Path, files: Mapping[str, bytes], order: Sequence[str]) -> None:
    """The same, for a folder that need not hold all keys. Raises SettingsError (folder), KeyUnavailable."""
    key_folder.make_private_folder(folder)
    try:
        sync_folder(folder.parent)
    except OSError as error:
        raise_limit(error)
        raise SettingsError(f"The home cannot be written: {error.strerror}.") from error
    for name in order:
        mode = 0o644 if is_public(name) else 0o600
        key_folder.write_once(folder / name, files[name], mode=mode)


def _write(path: Path, data: bytes) -> None:
    key_folder.write_once(path, data, mode=0o600)


def _read(path: Path, limit: int, field: str) -> bytes:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > limit:
                raise InvalidInput(f"{path.name} is too big to be a {field}.", field=field)
            return file.read(limit)
    except OSError as error:
        raise_limit(error)
        raise InvalidInput(f"{path.name} cannot be read: {error.strerror}.", field=field) from error
