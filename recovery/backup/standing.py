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
    """The last good run, and since when later ones failed.

    A run that saved every object while a key in use lay in no verified escrow bundle ended with 3: it is no
    good run, and yet no reason to run it again.
    """

    configured: bool  # do the settings name a repository?
    last_good: datetime | None = (
        None  # when a run ended well: every object saved, and the escrow as it must be
    )
    last_saved: datetime | None = None  # when a run saved every object, whatever its escrow
    left_out_since: datetime | None = None  # since when runs leave objects out; None: the last one did not
    unsound_since: datetime | None = None  # since when checks find the repository wrong; the same
    country: str | None = None  # where it lies, ISO 3166, as the settings say; None: they do not

    def as_json(self) -> dict[str, object]:
        """The same as JSON values."""
        return {
            "configured": self.configured,
            "last_good": rfc3339_seconds(self.last_good) if self.last_good else None,
            "last_saved": rfc3339_seconds(self.last_saved) if self.last_saved else None,
            "country": self.country,
        }


def backup_standing(archive: ArchiveReader) -> BackupStanding:
    """By what is folded here. Raises Damaged, SiteUnavailable (the index)."""
    settings = archive.settings.backup
    configured = settings.repository is not None
    last_saved, left_out = _last(own_events(archive.search, RAN), "whole")
    last_good = next((one.at for one in own_events(archive.search, RAN) if _ended_well(one)), None)
    _, unsound = _last(own_events(archive.search, CHECKED), "sound")
    return BackupStanding(configured, last_good, last_saved, left_out, unsound, settings.country)


def may_hold_objects(archive: ArchiveReader) -> bool:
    """Does the third copy hold objects of the archive, by the settings or by any run on record?

    No run on record says that all backups are gone: they may have been copied elsewhere.

    Raises Damaged, SiteUnavailable (the index).
    """
    settings = archive.settings.backup
    if settings.repository is not None and settings.what != "control":
        return True
    return any(one.detail.get("what") != "control" for one in own_events(archive.search, RAN))


def _ended_well(event: OwnEvent) -> bool:
    """As the exit code of the run said it."""
    return event.detail.get("whole") is True and not event.detail.get("escrow_problems")


def _last(events: Iterable[OwnEvent], good: str) -> tuple[datetime | None, datetime | None]:
    """When the newest good event came, and the oldest of the bad ones after it; read no further back."""
    since = None
    for event in events:
        detail = event.detail
        if detail.get(good, detail.get("whole")) is True:
            return event.at, since
        since = event.at
    return None, since
