"""Is the third copy there, whole, signed and recent enough? And what older backups may go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Damaged, KeyUnavailable
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.recovery.backup.control import BUNDLE
from vanvault.recovery.backup.keys_saved import escrow_problems
from vanvault.recovery.backup.plan import check_floor, forgettable
from vanvault.recovery.backup.record import Record, read_record
from vanvault.recovery.backup.repository import Repository, Snapshot
from vanvault.recovery.backup.run import check_archive
from vanvault.recovery.backup.wanted import not_in

#: Objects that a problem names; the JSON names all.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup as a list shows it; counts are of tags, so they are not proved."""

    id: str
    made: datetime
    good: bool
    objects: int

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "good": self.good,
            "id": self.id,
            "made": rfc3339_seconds(self.made),
            "objects": self.objects,
        }


@dataclass(frozen=True, slots=True)
class BackupCheck:
    """The outcome of a check."""

    last_good: Backup | None
    age: timedelta | None  # of the last good run
    read_percent: float
    copy_problems: tuple[str, ...]  # of the repository and its newest good record, for people
    late: tuple[str, ...] = ()  # the same: the last good run is too old
    escrow: tuple[str, ...] = ()  # why keys in use would not come back from their escrow
    missing: tuple[str, ...] = ()  # objects older than the last good run that are not in it
    away: tuple[str, ...] = ()  # sites that could not be compared with it

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong, for people; empty: all is well."""
        return (*self.copy_problems, *self.late, *self.escrow)

    @property
    def whole(self) -> bool:
        return not self.problems

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK if self.whole else ExitCode.CHECK_FAILED

    def fields(self) -> dict[str, Any]:
        """What of it goes on record, as JSON values."""
        return {
            "away": list(self.away),
            "whole": self.whole,
            "sound": not self.copy_problems,
            "last_good": self.last_good.as_json() if self.last_good else None,
            "age_seconds": round(self.age.total_seconds()) if self.age is not None else None,
            "problems": list(self.problems),
        }

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values, with how much was read, and what is missing."""
        return {**self.fields(), "missing": list(self.missing), "read_percent": self.read_percent}


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a forget took out of the list; the bytes stay until somebody runs ``restic prune``."""

    backups: tuple[str, ...]
    slices: tuple[str, ...]


def list_backups(repository: Repository) -> tuple[Backup, ...]:
    """Every backup, newest first. Raises what ``Repository`` raises."""
    return tuple(map(_backup, repository.records()))


def check_backup(archive: Archive, repository: Repository, *, read_percent: float = 5) -> BackupCheck:
    """restic's check with a random share of the data read, then the newest good record and its age.

    The record is compared with what the archive holds now: it must name every object that is older.

    What is wrong with the backup is in the result. Raises SiteUnavailable, Busy, KeyUnavailable (password),
    NotFound (no repository), SettingsError: it could not be looked at.
    """
    problems: list[str] = []
    late: list[str] = []
    bundle: bytes | None = None
    missing: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    snapshots = repository.snapshots()
    good = next(
        (one for one in reversed(snapshots) if one.kind == "record" and one.tags.get("good") == "yes"), None
    )
    age = None
    if good is None:
        problems.append("there is no good run yet")
    else:
        age = archive.clock.now() - good.made
        try:
            record = read_record(repository.record_files(good.id), archive.signing.public)
        except (Damaged, KeyUnavailable) as error:
            problems.append(f"the record of the last good run cannot be believed: {error.message}")
        else:
            problems += _record_problems(archive, record, good, snapshots)
            bundle = record.control.get(BUNDLE)
            missing, away = not_in(record, archive)
            if missing:
                problems.append(_not_in_it(missing))
        limit = timedelta(days=archive.settings.backup.max_age_days)
        if age > limit:
            late.append(f"the last good run is older than {archive.settings.backup.max_age_days:g} days")
    try:
        repository.check(read_percent)
    except Damaged as error:
        problems.append(error.message)
    return BackupCheck(
        _backup(good) if good else None,
        age,
        read_percent,
        copy_problems=tuple(problems),
        late=tuple(late),
        escrow=escrow_problems(archive, bundle),
        missing=missing,
        away=away,
    )


def forget_backups(
    archive: Archive, repository: Repository, *, keep_days: int, dry_run: bool = False
) -> Forgotten:
    """Forget backups that are ``keep_days`` older than the newest, then slices that no backup names.

    The newest backup always stays. Nothing is pruned.

    Raises InvalidInput before restic is asked: ``keep_days`` is below ``backup.min_keep_days``. Raises
    Damaged, and forgets no slice, when a remaining record cannot be believed; and what ``Repository`` raises.
    """
    check_floor(keep_days, archive.settings.backup.min_keep_days)
    records = repository.records()
    if not records:
        return Forgotten((), ())
    gone = repository.forget_records(keep_days, dry_run=dry_run)
    snapshots = repository.snapshots()
    referenced: set[str] = set()
    for one in (one for one in snapshots if one.kind == "record" and one.id not in gone):
        record = read_record(repository.record_files(one.id), archive.signing.public, lists=False)
        referenced.update(saved.snapshot for saved in record.slices)
    slices = {one.id: one.made for one in snapshots if one.kind == "objects"}
    # As restic does: a record from the future, by a clock that was wrong, makes nothing old.
    newest = max((one.made for one in records if one.made <= archive.clock.now()), default=None)
    orphans = forgettable(slices, referenced, newest, keep_days) if newest is not None else ()
    if not dry_run:
        repository.forget(orphans)
    return Forgotten(gone, orphans)


def _record_problems(
    archive: Archive, record: Record, good: Snapshot, snapshots: tuple[Snapshot, ...]
) -> list[str]:
    check_archive(record, archive)
    held = {one.id for one in snapshots}
    lost = [one for one in record.slices if one.snapshot not in held]
    problems = []
    if not record.good or record.created != good.made:
        problems.append("the record of the last good run says otherwise than its tags")
    if lost:
        objects = sum(len(one.entries) for one in lost)
        problems.append(f"{objects} objects of the last good run are not in the repository any more")
    return problems


def _not_in_it(missing: tuple[str, ...]) -> str:
    named = ", ".join(missing[:_NAMED]) + (", ..." if len(missing) > _NAMED else "")
    return f"{len(missing)} objects are older than the last good run and not in it: {named}"


def _backup(snapshot: Snapshot) -> Backup:
    count = snapshot.tags.get("objects", "0")
    good = snapshot.tags.get("good") == "yes"
    return Backup(snapshot.id, snapshot.made, good, int(count) if count.isdecimal() else 0)
