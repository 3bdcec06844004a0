"""The systemd units of a home, made of its settings and, where that is asked for, written to a folder."""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.settings import SITE_NAMES, Settings
from vanvault.archiver.home_files import load_settings
from vanvault.archiver.stores import FileUrl, S3Url, parse_site_url
from vanvault.recovery.schedule.program import has_verb, own_program
from vanvault.recovery.schedule.sandbox import protect_home
from vanvault.recovery.schedule.table import jobs_on
from vanvault.recovery.schedule.units import Host, UnitSecrets, units

_NAMES_A_FILE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*_file")


@dataclass(frozen=True, slots=True)
class UnitsRequest:
    """For which host units are made."""

    output: Path | None = None  # folder to write them to; None: they are only returned
    user: str | None = None  # account that runs the jobs; None: that of this process; "": systemd's
    program: Path | None = None  # vanvault on that host; None: where it is here
    environment_files: tuple[Path, ...] = ()  # with credentials, on that host
    credentials: tuple[str, ...] = ()  # SETTING=FILE, of settings that name a file with a secret


@dataclass(frozen=True, slots=True)
class UnitsReport:
    """The units, and which of them were written."""

    units: Mapping[str, str]  # file name -> text
    output: Path | None
    changed: tuple[str, ...]  # names of the files that were not there, or not the same
    in_serve: bool  # a serving node starts the jobs, too
    writable: tuple[Path, ...]  # folders outside of the home that a unit has to write to
    protect_home: str  # systemd's ProtectHome

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        listed = self.units if self.output is None else sorted(self.units)
        return {
            "units": listed,
            "folder": str(self.output or ""),
            "changed": list(self.changed),
            "writable": [str(path) for path in self.writable],
            "protect_home": self.protect_home,
        }


def make_units(home: Path, request: UnitsRequest) -> UnitsReport:
    """Services and timers of the jobs that are on.

    Raises SettingsError, InvalidInput (a file of secrets), OSError (the folder).
    """
    settings = load_settings(home)
    host = Host(
        program=own_program() if request.program is None else [str(request.program)],
        home=home.absolute(),
        user=getpass.getuser() if request.user is None else request.user,
        archive=settings.archive,
        writable=_writable(home.absolute(), settings),
        immutable=settings.sites.primary.immutable or settings.sites.standby.immutable,
        secrets=_secrets(home.absolute(), settings, request),
    )
    found = units(jobs_on(settings, has_verb), host)
    changed = () if request.output is None else _written(request.output, found)
    return UnitsReport(
        found,
        request.output,
        changed,
        settings.schedule.in_serve,
        host.writable,
        protect_home([Path(host.program[0]), host.home, *host.writable]),
    )


def _secrets(home: Path, settings: Settings, request: UnitsRequest) -> UnitSecrets:
    """What is named, and what ``site init`` wrote: for S3 sites, and for the disposers of all."""
    made = [
        f"-{home}/credentials/{name}.env"
        for name in SITE_NAMES
        if isinstance(parse_site_url(getattr(settings.sites, name).url), S3Url)
    ]
    named = [_secret_file(path, "environment-file") for path in request.environment_files]
    credentials = []
    for text in request.credentials:
        setting, _, path = text.partition("=")
        if not _NAMES_A_FILE.fullmatch(setting) or not path:
            raise InvalidInput(
                f"{setting[:60]} is no setting that names a file",
                field="credential",
                hint="Such as: --credential backup.password_file=/etc/vanvault/backup-password",
            )
        credentials.append((setting, _secret_file(Path(path), "credential")))
    disposers = tuple(f"-{home}/credentials/{name}.disposer.env" for name in SITE_NAMES)
    return UnitSecrets((*made, *named), tuple(credentials), disposers)


def _secret_file(path: Path, field: str) -> str:
    """The path as a unit names it. Raises InvalidInput: not absolute, or open to other accounts."""
    text = str(path)
    if not path.is_absolute() or not text.isprintable() or any(map(str.isspace, text)):
        raise InvalidInput(f"{text[:60]!r} is no absolute path without spaces", field=field)
    with suppress(OSError):  # it may be another host's: there systemd says what it misses
        if path.stat().st_mode & 0o077:
            raise InvalidInput(
                f"{text} is open to other users", field=field, hint=f"Run: chmod 600 {text}; root reads it."
            )
    return text


def _writable(home: Path, settings: Settings) -> tuple[Path, ...]:
    """Folders outside of the home that jobs write to: file sites, index, backup."""
    urls = [
        parse_site_url(url)
        for url in (settings.sites.primary.url, settings.sites.standby.url, settings.index.url)
    ]
    named = [url.path for url in urls if isinstance(url, FileUrl)] + [settings.backup.stage]
    repository = settings.backup.repository
    if repository is not None and ":" not in repository:
        named.append(repository)
    found = [home / path for path in named]
    return tuple(path for path in found if not path.is_relative_to(home))


def _written(folder: Path, found: Mapping[str, str]) -> tuple[str, ...]:
    """Write what is not there yet, word for word; the names of what changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, text in found.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return tuple(changed)
