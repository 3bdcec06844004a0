"""The third copy as it is: the archive's restic repository, read into a drill's scratch folder."""

from __future__ import annotations

from pathlib import Path

from vanvault.archiver.appliance import Archive
from vanvault.archiver.stores import Site
from vanvault.recovery.backup import BackupReader, backup_reader
from vanvault.recovery.drill.readers import in_subset
from vanvault.recovery.drill.third_copy import CopyAge
from vanvault.recovery.verified import Subset
from vanvault.recovery.work import Effort


class ResticCopy:
    """The newest backup in a repository, as the port ``ThirdCopy``."""

    def __init__(self, backup: BackupReader) -> None:
        self._backup = backup

    @property
    def name(self) -> str:
        return self._backup.name

    def restore_control(self, target: Path, room: Path) -> CopyAge:
        """As the port says; NotFound: nothing was ever backed up."""
        return CopyAge(self._backup.restore_control(target, room), self._backup.max_age)

    def restore_objects(self, site: Site, subset: Subset, room: Path) -> None:
        """As the port says; of the backup whose control plane was restored."""
        self._backup.load(site, lambda key: in_subset(key, subset), room)


def restic_copy(archive: Archive, effort: Effort | None = None) -> ResticCopy | None:
    """The third copy of an open archive; None: its settings name none. Raises SettingsError."""
    found = backup_reader(archive, effort)
    return ResticCopy(found) if found is not None else None
