"""How the third copy stands, by the runs and checks on record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.journal import OwnEvent, own_events

RAN, CHECKED = "backup.ran", "backup.checked"


@dataclass(frozen=True, slots=True)
class BackupStanding:
    """The last good run, and since when later ones failed."""

    configured: bool  # do the settings name a repository?
    last_good: datetime | None = None  # when a whole run ended
    left_out_since: datetime | None = None  # since when runs leave objects out; None: the last one did not
    unsound_since: datetime | None = None  # since when checks find the repository wrong; the same

    def as_json(self) -> dict[str, object]:
        """The same as JSON values."""
        return {
            "configured": self.configured,
            "last_good": rfc3339_seconds(self.last_good) if self.last_good else None,
        }


def backup_standing(archive: ArchiveReader) -> BackupStanding:
    """By what is folded here. Raises Damaged, SiteUnavailable (the index)."""
    configured = archive.settings.backup.repository is not None
    last_good, left_out = _last(own_events(archive.search, RAN), "whole")
    _, unsound = _last(own_events(archive.search, CHECKED), "sound")
    return BackupStanding(configured, last_good, left_out, unsound)


def _last(events: Iterable[OwnEvent], good: str) -> tuple[datetime | None, datetime | None]:
    """When the newest good event came, and the oldest of the bad ones after it; read no further back."""
    since = None
    for event in events:
        detail = event.detail
        if detail.get(good, detail.get("whole")) is True:
            return event.at, since
        since = event.at
    return None, since
