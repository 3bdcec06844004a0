"""What the verbs of ``vanvault backup`` share: the repository, the stage, and how counts are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vanvault.archiver.appliance import SETTINGS_FILE
from vanvault.cli.context import open_archive

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.recovery.backup import Repository, Stage
    from vanvault.recovery.work import Extent


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What options say about the repository in place of the settings."""

    repository: str | None = None
    password_file: str | None = None
    password_command: str | None = None


@contextmanager
def opened(home: Path) -> Iterator[tuple[Archive, Repository]]:
    """An archive and the repository of its settings."""
    with open_archive(home) as archive:
        yield archive, repository_of(home, archive, Elsewhere())


def repository_of(home: Path, archive: Archive | None, elsewhere: Elsewhere) -> Repository:
    """The repository of the settings, or the one that options name."""
    from vanvault.archiver.appliance import load_settings
    from vanvault.archiver.core.settings import BackupSettings
    from vanvault.recovery.backup import Place, Repository, open_restic, place_of

    settings = archive.settings if archive else None
    if settings is None and (home / SETTINGS_FILE).exists():
        settings = load_settings(home)
    if elsewhere.repository is None:
        where = place_of((settings or load_settings(home)).backup, home)
    else:
        program = (settings.backup if settings else BackupSettings()).program
        where = Place(elsewhere.repository, None, None, program)
    if elsewhere.password_file or elsewhere.password_command:
        where = replace(
            where,
            password_file=elsewhere.password_file,
            password_command=elsewhere.password_command,
        )
    cache = home / "cache" / "restic" if settings else None
    return Repository(open_restic(where, cache=cache), settings.archive if settings else "")


@contextmanager
def stage_of(archive: Archive) -> Iterator[Stage]:
    """The stage of the settings, for one run at a time."""
    from vanvault.recovery.backup import open_stage

    with open_stage(archive.home / archive.settings.backup.stage) as stage:
        yield stage


def extent_fields(extent: Extent) -> dict[str, int]:
    """Counts as JSON."""
    return {"bytes": extent.bytes, "objects": extent.objects}
