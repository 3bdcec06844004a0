"""The bearer token for a server: from a file, a variable or a command, never an argument."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.machine import raise_limit

VARIABLE = "VANVAULT_TOKEN"

_COMMAND_TIMEOUT_S = 30


def bearer_token(token_file: Path | None, environment: Mapping[str, str] | None = None) -> str:
    """The token of ``--token-file``, else of VANVAULT_TOKEN, VANVAULT_TOKEN_FILE or VANVAULT_TOKEN_COMMAND.

    The command is split as a shell would, but no shell runs it. Raises InvalidInput: there is none, or
    where it should come from gives none.
    """
    given = os.environ if environment is None else environment
    if token_file is not None:
        token = _of_file(token_file, "--token-file")
    elif VARIABLE in given:
        token = given[VARIABLE].strip()
    elif f"{VARIABLE}_FILE" in given:
        token = _of_file(Path(given[f"{VARIABLE}_FILE"]), f"{VARIABLE}_FILE")
    elif f"{VARIABLE}_COMMAND" in given:
        token = _of_command(given[f"{VARIABLE}_COMMAND"])
    else:
        raise InvalidInput(
            "no gateway token is given",
            field="token",
            hint=f"Use --token-file FILE, or set {VARIABLE}, {VARIABLE}_FILE or {VARIABLE}_COMMAND.",
        )
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidInput(
            "what is given as the gateway token is none",
            field="token",
            hint="A token is one word, as printed by init or gateway add.",
        )
    return token


def _of_file(path: Path, source: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        raise_limit(error)
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InvalidInput(f"the file of {source} cannot be read: {reason}", field="token") from error


def _of_command(command: str) -> str:
    try:
        done = subprocess.run(  # the operator's own command, from the operator's own environment
            shlex.split(command), stdout=subprocess.PIPE, check=True, timeout=_COMMAND_TIMEOUT_S, text=True
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise_limit(error)
        # The error's text may hold the command line, which may hold a secret.
        raise InvalidInput(
            f"{VARIABLE}_COMMAND failed ({type(error).__name__})",
            field="token",
            hint="Run the command by hand; it must print the token and end with 0.",
        ) from error
    return done.stdout.removeprefix("\ufeff").strip()
