"""The files of a home that need no open archive: its settings (``vanvault.toml``), and where its keys lie."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.settings import KeysSettings, Settings

SETTINGS_FILE = "vanvault.toml"
KEYS_FOLDER = "keys"


def load_settings(home: Path) -> Settings:
    """The settings of a home. Raises SettingsError that names the file and the field."""
    path = home / SETTINGS_FILE
    try:
        fields: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{home} is no VanVault home: it has no {SETTINGS_FILE}",
            hint="Run: vanvault --home DIR init, or name the right home with --home or VANVAULT_HOME.",
        ) from error
    except (OSError, ValueError) as error:
        raise_limit(error)
        raise SettingsError(f"{path} cannot be read: {error}") from error
    try:
        return Settings(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{path}: {where}: {reason}", hint="Correct the settings file.") from error


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
