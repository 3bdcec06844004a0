"""Credentials of a site, one pair for each duty, from the environment; never from the command line or a URL.

For the site ``primary`` and the duty ``reader`` these are asked, the first that is set wins:

1. ``VANVAULT_PRIMARY_READER_ACCESS_KEY`` and ``VANVAULT_PRIMARY_READER_SECRET_KEY``
2. ``VANVAULT_PRIMARY_ACCESS_KEY`` and ``VANVAULT_PRIMARY_SECRET_KEY``

Each of these names may end in ``_FILE`` (the value is the content of that file) or ``_COMMAND``
(the value is what that command prints) instead. White space around a value is dropped.

The disposer's are asked by their own names only (``optional_credentials``): the general pair never removes.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.machine import raise_limit

_DUTIES = ("writer", "reader", "keeper")
_COMMAND_TIMEOUT = 30  # seconds
_NOT_A_NAME = re.compile(r"[^A-Z0-9]")


@dataclass(frozen=True, slots=True)
class Credentials:
    """One access key of a store; the secret is kept out of what is printed or logged."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SiteCredentials:
    """Who acts at a site for each duty."""

    writer: Credentials
    reader: Credentials
    keeper: Credentials

    def by_duty(self) -> dict[str, Credentials]:
        """The same by the name of the duty."""
        return {duty: getattr(self, duty) for duty in _DUTIES}


def run_command(command: list[str]) -> str:
    """What ``command`` prints. Raises OSError, subprocess.SubprocessError."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_COMMAND_TIMEOUT)
    return done.stdout


def site_credentials(
    site: str, environment: Mapping[str, str], run: Callable[[list[str]], str] = run_command
) -> SiteCredentials:
    """The credentials of all duties. ``run`` runs a command and returns what it prints.

    Raises SettingsError, which names the variable and never its value.
    """
    found = {duty: _for_duty(site, duty, environment, run) for duty in _DUTIES}
    return SiteCredentials(**found)


def optional_credentials(
    site: str, duty: str, environment: Mapping[str, str], run: Callable[[list[str]], str] = run_command
) -> Credentials | None:
    """Credentials of a duty that no node needs (``prober``, ``admin``, ``disposer``), or None.

    Only ``VANVAULT_<SITE>_<DUTY>_...`` is asked, never the general pair. Raises SettingsError.
    """
    stem = f"VANVAULT_{_NOT_A_NAME.sub('_', site.upper())}_{duty.upper()}"
    return _pair(stem, environment, run)


def _for_duty(
    site: str, duty: str, environment: Mapping[str, str], run: Callable[[list[str]], str]
) -> Credentials:
    name = _NOT_A_NAME.sub("_", site.upper())
    for stem in (f"VANVAULT_{name}_{duty.upper()}", f"VANVAULT_{name}"):
        pair = _pair(stem, environment, run)
        if pair is not None:
            return pair
    raise SettingsError(
        f"site {site} has no credentials for its {duty}",
        hint=f"Set VANVAULT_{name}_ACCESS_KEY and _SECRET_KEY, or the same with _FILE or _COMMAND.",
    )


def _pair(stem: str, environment: Mapping[str, str], run: Callable[[list[str]], str]) -> Credentials | None:
    access, secret = f"{stem}_ACCESS_KEY", f"{stem}_SECRET_KEY"
    access_key, secret_key = _value(access, environment, run), _value(secret, environment, run)
    if access_key is not None and secret_key is not None:
        return Credentials(access_key, secret_key)
    if access_key is not None or secret_key is not None:
        missing = secret if secret_key is None else access
        raise SettingsError(f"{missing} is missing", hint=f"Set {access} and {secret} together.")
    return None


def _value(name: str, environment: Mapping[str, str], run: Callable[[list[str]], str]) -> str | None:
    given = [suffix for suffix in ("", "_FILE", "_COMMAND") if f"{name}{suffix}" in environment]
    if not given:
        return None
    if len(given) > 1:
        raise SettingsError(f"{name} is given more than once: {', '.join(name + suffix for suffix in given)}")
    variable, text = f"{name}{given[0]}", environment[f"{name}{given[0]}"]
    try:
        if given[0] == "_FILE":
            text = Path(text).read_text(encoding="utf-8")
        elif given[0] == "_COMMAND":
            text = run(shlex.split(text))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise_limit(error)
        # Not the error's own text: it may repeat the command line or what the command printed.
        raise SettingsError(f"{variable} gave no value: {type(error).__name__}") from None
    value = text.removeprefix("\ufeff").strip()  # editors of Windows begin a file with this mark
    if not value:
        raise SettingsError(f"{variable} is empty")
    return value
