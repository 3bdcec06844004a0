"""The files of a home that need no open archive: its settings (``vanvault.toml``), and where its keys lie."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.settings import (
    OUT_OF_BOUNDS,
    RENAMED,
    KeysSettings,
    Settings,
    bounds_of,
)

SETTINGS_FILE = "vanvault.toml"
KEYS_FOLDER = "keys"
GATEWAYS_FILE = "gateways.json"


def load_settings(home: Path) -> Settings:
    """The settings of a home. Raises SettingsError that names the file and the field."""
    path = home / SETTINGS_FILE
    try:
        fields: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{home} is no VanVault home: it has no {SETTINGS_FILE}", hint=_hint_without_settings(home)
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise_limit(error)
        raise SettingsError(f"{path} cannot be read: {error}") from error
    try:
        return Settings(**fields)
    except ValidationError as error:
        raise _wrong(path, dict(error.errors()[0])) from error


def is_left_over(home: Path) -> bool:
    """Is there what only a home has: keys, or gateways?"""
    folder = home / KEYS_FOLDER
    keys = [*folder.glob("*.pem"), *folder.glob("*.key")] if folder.is_dir() else []
    return bool(keys) or (home / GATEWAYS_FILE).exists()


def _hint_without_settings(home: Path) -> str:
    if is_left_over(home):
        return f"Keys or gateways of a home are there: bring {SETTINGS_FILE} back, runbook home-lost."
    return (
        "Name the right home with --home or VANVAULT_HOME (is its disk mounted?). A lost one comes back by"
        " the runbook home-lost. Only a new archive begins with vanvault init."
    )


def _wrong(path: Path, first: dict[str, Any]) -> SettingsError:
    """The first wrong setting: its place, its name, and what it may be."""
    name = ".".join(str(part) for part in first["loc"])
    reason = str(first["msg"]).removeprefix("Value error, ")
    bounds = bounds_of(first["loc"])
    if bounds and first["type"] in OUT_OF_BOUNDS:
        reason = f"it is {str(first['input'])[:40]}, and may be {bounds}"
    variable = _variable(first["loc"])
    if variable:
        return SettingsError(
            f"{variable} in the environment: {name}: {reason}", hint="Correct the environment variable."
        )
    return SettingsError(f"{path}: {name}: {reason}", hint="Correct the settings file.")


def _variable(name: Sequence[str | int]) -> str:
    """The environment variable that gives this setting, by its new name or an old one; "" when none does."""
    parts = [str(part) for part in name]
    given = {key.upper(): key for key in os.environ}
    old = [old for old, new in RENAMED.get(".".join(parts[:-1]), {}).items() if new == parts[-1:][0]]
    spellings = [[*parts[:-1], last] for last in (*old, *parts[-1:])]
    spellings += [parts[:length] for length in range(len(parts) - 1, 0, -1)]
    for spelling in spellings:
        found = given.get("VANVAULT_" + "__".join(spelling).upper())
        if found is not None:
            return found
    return ""


def initial_text(archive: str, primary: str, standby: str, keys: KeysSettings | None = None) -> str:
    """The settings file that ``init`` writes: what must be said; all else has defaults."""
    return (
        "# Settings of this VanVault home. All names with defaults: docs/settings.md\n"
        f'archive = "{archive}"\n\n'
        f"[sites.primary]\nurl = {_quoted(primary)}\n\n"
        f"[sites.standby]\nurl = {_quoted(standby)}\n"
        f"{_keys_text(keys or KeysSettings())}"
    )


def _keys_text(keys: KeysSettings) -> str:
    if keys.provider == "files":
        return ""
    said = keys.pkcs11.model_dump(exclude_defaults=True)
    lines = [f"{name} = {'true' if value is True else _quoted(value)}\n" for name, value in said.items()]
    return f'\n[keys]\nprovider = "{keys.provider}"\n\n[keys.pkcs11]\n{"".join(lines)}'


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
