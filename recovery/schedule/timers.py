"""The systemd units of a home, made of its settings and, where that is asked for, written to a folder."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vanvault.archiver.core.settings import Settings
from vanvault.archiver.home_files import load_settings
from vanvault.archiver.stores import FileUrl, parse_site_url
from vanvault.recovery.schedule.program import has_verb, own_program
from vanvault.recovery.schedule.table import jobs_on
from vanvault.recovery.schedule.units import Host, units


@dataclass(frozen=True, slots=True)
class UnitsRequest:
    """For which host units are made."""

    output: Path | None = None  # folder to write them to; None: they are only returned
    user: str | None = None  # account that runs the jobs; None: that of this process; "": systemd's
    program: Path | None = None  # vanvault on that host; None: where it is here


@dataclass(frozen=True, slots=True)
class UnitsReport:
    """The units, and which of them were written."""

    units: Mapping[str, str]  # file name -> text
    output: Path | None
    changed: tuple[str, ...]  # names of the files that were not there, or not the same
    in_serve: bool  # a serving node starts the jobs, too

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        listed = self.units if self.output is None else sorted(self.units)
        return {"units": listed, "folder": str(self.output or ""), "changed": list(self.changed)}


def make_units(home: Path, request: UnitsRequest) -> UnitsReport:
    """Services and timers of the jobs that are on. Raises SettingsError, OSError (the folder)."""
    settings = load_settings(home)
    host = Host(
        program=own_program() if request.program is None else [str(request.program)],
        home=home.absolute(),
        user=getpass.getuser() if request.user is None else request.user,
        archive=settings.archive,
        writable=_writable(home.absolute(), settings),
        immutable=settings.sites.primary.immutable or settings.sites.standby.immutable,
    )
    found = units(jobs_on(settings, has_verb), host)
    changed = () if request.output is None else _written(request.output, found)
    return UnitsReport(found, request.output, changed, settings.schedule.in_serve)


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
