"""The newest backup in a repository, read back into another place: for drills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.stores import Site
from vanvault.recovery.backup.place import Place, open_restic, place_of
from vanvault.recovery.backup.record import Record
from vanvault.recovery.backup.repository import Repository
from vanvault.recovery.backup.restore import load_objects, plan_load, restore_control
from vanvault.recovery.backup.stage import open_stage
from vanvault.recovery.work import Effort

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose backup it must be; ``public``: that archive's signing keys, by id. No other signature counts."""

    archive: str
    public: Mapping[str, Ed25519PublicKey]


class BackupReader:
    """The newest backup in a repository. Its cache lies in the reader's own folder, and begins empty."""

    def __init__(self, place: Place, owner: Owner, *, max_age: timedelta, effort: Effort | None) -> None:
        """``max_age``: how old the settings allow the newest good backup to be."""
        self.max_age = max_age
        self._place = place
        self._owner = owner
        self._effort = effort
        self._record: Record | None = None

    @property
    def name(self) -> str:
        """Where it is, for reports; without secrets."""
        return self._place.told

    def restore_control(self, target: Path, room: Path) -> datetime:
        """Write the control plane into ``target``; when the backup was made. Raises as ``restore_control``.

        ``room``: an own folder for whatever is needed on the way.
        """
        report = restore_control(self._repository(room), target, public=self._owner.public)
        self._record = report.record
        return report.record.created

    def load(self, site: Site, holds: Callable[[str], bool], room: Path) -> None:
        """Put the objects whose keys ``holds`` picks into ``site``, which is empty.

        They are of the backup whose control plane was restored. Raises Damaged when one is missing, and as
        ``load_objects``.
        """
        if self._record is None:
            raise Damaged("the control plane was not restored yet, so nobody knows what objects there are")
        if self._record.archive != self._owner.archive:
            raise Damaged("the backup is of another archive")
        record = _part(self._record, holds)
        repository = self._repository(room)
        with open_stage(room / "stage") as stage:
            plan = plan_load(record, {site.site: site}, {site.site: {}})
            report = load_objects(repository, plan, [site], stage, effort=self._effort)
        if report.whole:
            return
        lost = [f"{finding.key} ({finding.detail})" for finding in report.failures]
        lost += [f"{key} (left out when the backup was made)" for key in record.lacking]
        raise Damaged(
            f"the third copy lacks {len(lost)} objects: {', '.join(lost[:_NAMED])}",
            hint="Run vanvault backup check, then vanvault backup run --full.",
        )

    def _repository(self, room: Path) -> Repository:
        return Repository(open_restic(self._place, cache=room / "restic-cache"), self._owner.archive)


def backup_reader(archive: Archive, effort: Effort | None = None) -> BackupReader | None:
    """The third copy of an open archive; None: its settings name none. Raises SettingsError."""
    settings = archive.settings.backup
    if settings.repository is None:
        return None
    return BackupReader(
        place_of(settings, archive.home),
        Owner(archive.settings.archive, archive.signing.public_keys()),
        max_age=timedelta(days=settings.max_age_days),
        effort=effort,
    )


def _part(record: Record, holds: Callable[[str], bool]) -> Record:
    """The record of the objects that ``holds`` picks."""
    slices = (
        replace(one, entries=tuple(entry for entry in one.entries if holds(entry.key)))
        for one in record.slices
    )
    return replace(
        record,
        slices=tuple(one for one in slices if one.entries),
        left_out=tuple(key for key in record.left_out if holds(key)),
    )
