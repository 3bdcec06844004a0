"""A scratch store for attacks: a site that also gives away the verb that disposal has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from vanvault.archiver.core.ports import Clock
from vanvault.archiver.stores import Disposer, FileSite, Site


class AttackedSite(Site, Disposer, Protocol):
    """Every verb there is: what an intruder with the appliance's credentials holds."""


#: (folder, site name, archive id, clock) -> a new, empty store in the folder.
ScratchStore = Callable[[Path, str, str, Clock], AttackedSite]


def scratch_file_store(folder: Path, site: str, archive: str, clock: Clock) -> AttackedSite:
    """A file site."""
    FileSite.create(folder, site, archive=archive, clock=clock)
    return FileSite(folder, site, clock=clock)
