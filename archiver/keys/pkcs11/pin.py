"""The PIN of a token: from a file, or from a command that prints it. No setting and no error contains it."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from vanvault.archiver.core.errors import KeyUnavailable, SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.keys import key_folder

_COMMAND_TIMEOUT_S = 30


def pin_from_file(path: Path) -> str:
    """The first line of a file that only its owner may read. Raises SettingsError."""
    try:
        text = key_folder.read_private(path).decode()
    except (KeyUnavailable, UnicodeDecodeError) as error:
        hint = "Put the PIN into keys.pkcs11.pin_file, owned by the user that runs VanVault: chmod 600."
        message = error.message if isinstance(error, KeyUnavailable) else "it is not text"
        raise SettingsError(f"The token's PIN cannot be read: {message}", hint=hint) from None
    return _first_line(text, "keys.pkcs11.pin_file")


def pin_from_command(command: str) -> str:
    """The first line that a command prints (no shell, 30 s). Raises SettingsError."""
    try:
        done = subprocess.run(
            shlex.split(command), capture_output=True, text=True, check=True, timeout=_COMMAND_TIMEOUT_S
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise_limit(error)
        # Not the error's own text: it may repeat what the command printed.
        raise SettingsError(
            f"keys.pkcs11.pin_command gave no PIN: {type(error).__name__}",
            hint="Run the command by hand as the user that runs VanVault.",
        ) from None
    return _first_line(done.stdout, "keys.pkcs11.pin_command")


def _first_line(text: str, name: str) -> str:
    pin = text.removeprefix("\ufeff").partition("\n")[0].strip("\r")
    if not pin:
        raise SettingsError(f"{name} gave an empty PIN.")
    return pin
