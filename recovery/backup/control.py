"""The control plane on disk: which files of a home a backup saves, and how they come back.

Saved are the settings, the gateways, the public signing keys with the record of which are trusted and, where
it lies, the bundle of the keys' escrow. The key files themselves, which open the archive, are saved only when
``backup.keys`` is set.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from vanvault.archiver.core.errors import Damaged, InvalidInput, SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.settings import BackupSettings
from vanvault.archiver.core.system_files import is_system_file
from vanvault.archiver.disk import sync_folder, synced_file
from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.home_files import SETTINGS_FILE as SETTINGS
from vanvault.archiver.keys.escrow import is_public, read_bundle, read_key_files
from vanvault.archiver.people import GATEWAYS_FILE as GATEWAYS

#: Under this name the bundle comes back, wherever the settings say that it lies.
BUNDLE = "escrow-bundle.vve"
_DRAFT = ".restoring"


def read_control(home: Path, settings: BackupSettings) -> dict[str, bytes]:
    """The files of the control plane: path relative to the home -> bytes.

    Raises SettingsError, KeyUnavailable, InvalidInput: a file is there and cannot be read.
    """
    files = {}
    try:
        for name in (SETTINGS, GATEWAYS):
            files[name] = (home / name).read_bytes()
    except OSError as error:
        raise_limit(error)
        raise SettingsError(f"{error.filename} cannot be read: {error.strerror}") from error
    for name, data in read_key_files(home / KEYS_FOLDER).items():
        if settings.keys or is_public(name):
            files[f"{KEYS_FOLDER}/{name}"] = data
    bundle = home / settings.escrow_bundle
    if bundle.exists():
        files[BUNDLE] = read_bundle(bundle)
    return files


def write_control(target: Path, files: Mapping[str, bytes]) -> None:
    """Bring a home's files back into an empty or absent folder; its settings come last.

    So a folder with settings in it is whole. What an attempt left that was killed is written again.

    Raises InvalidInput (not empty), Damaged (a name that leads elsewhere), SettingsError (the disk refuses).
    """
    check_target(target, files)
    draft = target / _DRAFT
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        for name in files:
            _write(draft / name, files[name])
        tops = {PurePosixPath(name).parts[0] for name in files}
        for top in sorted(tops, key=lambda name: (name == SETTINGS, name)):
            place = target / top
            if place.is_dir():
                shutil.rmtree(place)
            (draft / top).replace(place)
            sync_folder(target)
        draft.rmdir()
    except OSError as error:
        raise_limit(error)
        raise SettingsError(f"{target} cannot be written: {error.strerror}") from error


def check_target(target: Path, files: Mapping[str, bytes]) -> None:
    """Raises InvalidInput unless the folder is absent, empty, or what a killed restore left; Damaged."""
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or {"..", _DRAFT} & set(path.parts):
            raise Damaged("the backup names a file outside of the home")
    try:
        found = {entry.name for entry in target.iterdir() if not is_system_file(entry.name)}
    except FileNotFoundError:
        return
    except OSError as error:
        raise_limit(error)
        raise InvalidInput(f"{target} cannot be used: {error.strerror}", field="target") from error
    left = {_DRAFT, *(PurePosixPath(name).parts[0] for name in files)} - {SETTINGS}
    if found and not (_DRAFT in found and found <= left):
        raise InvalidInput(
            f"{target} is not empty; nothing was written", field="target", hint="Name an empty folder."
        )


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = 0o644 if path.parent.name == KEYS_FOLDER and is_public(path.name) else 0o600
    with synced_file(path, mode=mode, new=True) as file:
        file.write(data)
    sync_folder(path.parent)
