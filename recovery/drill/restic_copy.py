"""The third copy as it is: the archive's restic repository, read into a drill's scratch folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.stores import Site
from vanvault.recovery.backup import (
    Place,
    Record,
    Repository,
    load_objects,
    open_restic,
    open_stage,
    place_of,
    plan_load,
    restore_control,
)
from vanvault.recovery.drill.readers import in_share
from vanvault.recovery.drill.third_copy import Lag
from vanvault.recovery.verify import Share
from vanvault.recovery.work import Effort

_NAMED = 3


class ResticCopy:
    """The newest backup in a repository. Its cache is the drill's own, and empty, as after a real loss."""

    def __init__(
        self,
        place: Place,
        *,
        archive: str,
        public: Mapping[str, Ed25519PublicKey],
        max_age: timedelta,
        effort: Effort | None = None,
    ) -> None:
        """``public``: the archive's own signing keys, by id: whoever signed otherwise is not believed."""
        self._place = place
        self._archive = archive
        self._public = public
        self._max_age = max_age
        self._effort = effort
        self._record: Record | None = None

    @property
    def name(self) -> str:
        where = self._place.repository
        return "restic repository" + (f" {where}" if "@" not in where else "")  # a password may stand there

    def restore_control(self, target: Path, room: Path) -> Lag:
        """As the port says; NotFound: nothing was ever backed up."""
        repository = self._repository(room)
        report = restore_control(repository, target, public=self._public)
        self._record = report.record
        return Lag(report.record.created, self._max_age)

    def restore_objects(self, site: Site, share: Share, room: Path) -> None:
        """As the port says; of the backup whose control plane was restored."""
        if self._record is None:
            raise Damaged("the control plane was not restored yet, so nobody knows what objects there are")
        if self._record.archive != self._archive:
            raise Damaged("the backup is of another archive")
        record = _part(self._record, share)
        repository = self._repository(room)
        with open_stage(room / "stage") as stage:
            plan = plan_load(record, {site.site: site}, {site.site: {}})
            report = load_objects(repository, plan, [site], stage, effort=self._effort)
        if report.whole:
            return
        lost = [f"{finding.key} ({finding.detail})" for finding in report.failures]
        lost += [f"{key} (left out when the backup was made)" for key in record.left_out]
        raise Damaged(
            f"the third copy lacks {len(lost)} objects: {', '.join(lost[:_NAMED])}",
            hint="Run vanvault backup check, then vanvault backup run --full.",
        )

    def _repository(self, room: Path) -> Repository:
        return Repository(open_restic(self._place, cache=room / "restic-cache"), self._archive)


def restic_copy(archive: Archive, effort: Effort | None = None) -> ResticCopy | None:
    """The third copy of an open archive; None: its settings name none. Raises SettingsError."""
    settings = archive.settings.backup
    if settings.repository is None:
        return None
    return ResticCopy(
        place_of(settings, archive.home),
        archive=archive.settings.archive,
        public=archive.signing.public_keys(),
        max_age=timedelta(days=settings.max_age_days),
        effort=effort,
    )


def _part(record: Record, share: Share) -> Record:
    """The record of the objects of a share."""
    slices = (
        replace(one, entries=tuple(entry for entry in one.entries if in_share(entry.key, share)))
        for one in record.slices
    )
    return replace(
        record,
        slices=tuple(one for one in slices if one.entries),
        left_out=tuple(key for key in record.left_out if in_share(key, share)),
    )
