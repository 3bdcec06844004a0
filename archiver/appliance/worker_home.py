"""The archive as a worker process opens it, maybe on another machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vanvault.archiver.appliance.archive import Archive
from vanvault.archiver.appliance.components import Components, open_components
from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.settings import Settings


@contextmanager
def open_home(home: Path, archive_id: str) -> Iterator[Archive]:
    """The home under this path. Raises SettingsError (none, or of another archive), KeyUnavailable."""
    with Archive.open(home) as archive:
        _check(archive.settings, archive_id)
        yield archive


@contextmanager
def open_sites(home: Path, archive_id: str) -> Iterator[Components]:
    """Its sites and keys alone, for work that asks neither hot tail nor index. Raises as ``open_home``."""
    components = open_components(home)
    try:
        _check(components.settings, archive_id)
        yield components
    finally:
        for site in components.sites.values():
            site.close()


def _check(settings: Settings, archive_id: str) -> None:
    if settings.archive != archive_id:
        raise SettingsError(
            f"the home of this worker is of the archive {settings.archive}, not {archive_id}",
            hint="Give every Dask worker the same home under the same path.",
        )
