"""The verbs of the third copy, each whole: open the repository, do it, put it on record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.settings import BackupSettings, Settings
from vanvault.archiver.home_files import KEYS_FOLDER, SETTINGS_FILE, load_settings
from vanvault.archiver.keys import SigningKeys
from vanvault.recovery.backup.check import (
    Backup,
    BackupCheck,
    Forgotten,
    check_backup,
    forget_backups,
    list_backups,
)
from vanvault.recovery.backup.control import BUNDLE
from vanvault.recovery.backup.keys_saved import escrow_problems
from vanvault.recovery.backup.place import Place, open_restic, place_of
from vanvault.recovery.backup.plan import check_floor
from vanvault.recovery.backup.repository import Repository
from vanvault.recovery.backup.restore import (
    ControlReport,
    ObjectsPlan,
    ObjectsReport,
    plan_objects,
    restore_control,
    restore_objects,
)
from vanvault.recovery.backup.run import BackupPlan, BackupReport, plan_backup, run_backup
from vanvault.recovery.backup.stage import Stage, open_stage
from vanvault.recovery.backup.wanted import away_problems
from vanvault.recovery.work import QUIET, Effort, Observer, catch_up, put_on_record


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where the repository is, in place of what the settings say; None: as they say."""

    repository: str | None = None
    password_file: str | None = None
    password_command: str | None = None


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """What to save."""

    full: bool = False  # everything anew, whatever earlier runs saved
    dry_run: bool = False
    workers: int = 4
    who: str = ""  # whose run it is, for the record


@dataclass(frozen=True, slots=True)
class BackupCheckRequest:
    """How thoroughly to check."""

    read_percent: float = 5  # of the repository's data
    who: str = ""


@dataclass(frozen=True, slots=True)
class ForgetRequest:
    """Which backups may go."""

    keep_days: int | None = None  # None: ``backup.min_keep_days``
    dry_run: bool = False
    who: str = ""


@dataclass(frozen=True, slots=True)
class ForgetReport:
    """What was, or in a dry run would be, forgotten."""

    found: Forgotten
    keep_days: int
    dry_run: bool

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {**_forgotten(self.found, self.keep_days), "dry_run": self.dry_run}


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """Bring the control plane back into a folder; no home is needed."""

    target: Path  # empty or absent
    backup: str = ""  # its id, or the beginning of one; "": the newest
    public: Mapping[str, Ed25519PublicKey] | None = None  # who may have signed; None: the home's keys
    elsewhere: Elsewhere = field(default_factory=Elsewhere)


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """Load the objects of a backup into sites."""

    sites: tuple[str, ...]
    backup: str = ""
    add: bool = False  # the sites may hold more than the backup
    dry_run: bool = False
    workers: int = 8
    elsewhere: Elsewhere = field(default_factory=Elsewhere)
    who: str = ""


def backup_init(archive: Archive, *, who: str, observer: Observer = QUIET) -> str:
    """Make the repository that the settings name; returns restic's version. Raises as ``Repository``."""
    repository = _repository(archive.home, archive.settings, Elsewhere())
    repository.init()
    version = repository.restic.version_text
    put_on_record(archive, "backup.initialised", {"restic": version}, who=who, observer=observer)
    return version


def backup(archive: Archive, request: BackupRequest, observer: Observer = QUIET) -> BackupReport | BackupPlan:
    """Save what is new of the control plane and of the objects, read from one site; a plan in a dry run.

    What that site lacks comes from the other. What no site gives, or is known and no site lists, is left out.
    Keys in use that no verified escrow holds fail a run, though the objects are saved: without them nobody
    reads those again. A run that was killed is resumed by the same call. Raises as ``plan_backup`` and
    ``run_backup`` do.
    """
    repository = _repository(archive.home, archive.settings, Elsewhere())
    with _stage(archive) as stage:
        catch_up(archive, observer.warn)  # what is known here is compared with what the sites list
        plan = plan_backup(archive, repository, full=request.full)
        if request.dry_run:
            return plan
        if not plan.has_escrow and not archive.settings.backup.keys:
            observer.warn(
                "no escrow bundle is saved: after the loss of this host, keys come only from elsewhere"
            )
        escrow = escrow_problems(archive, plan.control.get(BUNDLE))
        effort = Effort(request.workers)
        with observer.progress("saving", plan.todo) as step:
            report = run_backup(archive, repository, plan, stage, effort=effort, step=step)
        report = replace(report, escrow=escrow)
        detail = {**report.fields(), "left_out": len(report.record.left_out)}
        recorded = put_on_record(archive, "backup.ran", detail, who=request.who, observer=observer)
        for problem in (*away_problems(report.record.away), *escrow):
            observer.warn(problem)
    return replace(report, recorded=recorded)


def backup_list(archive: Archive) -> tuple[Backup, ...]:
    """Every backup, newest first. Raises what ``Repository`` raises."""
    return list_backups(_repository(archive.home, archive.settings, Elsewhere()))


def backup_check(archive: Archive, request: BackupCheckRequest, observer: Observer = QUIET) -> BackupCheck:
    """Check the repository, the signature of the last good run, and its age. Raises as ``check_backup``."""
    repository = _repository(archive.home, archive.settings, Elsewhere())
    catch_up(archive, observer.warn)
    found = check_backup(archive, repository, read_percent=request.read_percent)
    for problem in away_problems(found.away):
        observer.warn(problem)
    detail = {**found.fields(), "read_percent": f"{request.read_percent:g}"}
    put_on_record(archive, "backup.checked", detail, who=request.who, observer=observer)
    return found


def backup_forget(archive: Archive, request: ForgetRequest, observer: Observer = QUIET) -> ForgetReport:
    """Forget old backups; nothing is pruned. Raises as ``forget_backups``."""
    floor = archive.settings.backup.min_keep_days
    days = floor if request.keep_days is None else request.keep_days
    repository = _repository(archive.home, archive.settings, Elsewhere())
    check_floor(days, floor)
    found = forget_backups(archive, repository, keep_days=days, dry_run=request.dry_run)
    if not request.dry_run:
        detail = _forgotten(found, days)
        put_on_record(archive, "backup.forgotten", detail, who=request.who, observer=observer)
    return ForgetReport(found, days, request.dry_run)


def backup_restore_control(home: Path, request: ControlRequest, observer: Observer = QUIET) -> ControlReport:
    """Bring the control plane back. Raises as ``restore_control``, and SettingsError."""
    public = request.public
    if public is None and (home / KEYS_FOLDER).is_dir():
        public = SigningKeys(home / KEYS_FOLDER).public_keys()
    settings = load_settings(home) if (home / SETTINGS_FILE).exists() else None
    repository = _repository(home, settings, request.elsewhere)
    report = restore_control(repository, request.target, backup=request.backup, public=public)
    if not report.proved:
        observer.warn(
            "the signature fits a key in the backup itself: that proves no more than that it is whole"
        )
    return report


def backup_load(
    archive: Archive, request: LoadRequest, observer: Observer = QUIET
) -> ObjectsReport | ObjectsPlan:
    """Load the objects of a backup into sites, with their locks; a plan in a dry run.

    A load that was interrupted is resumed by the same call. Raises as ``plan_objects`` and
    ``restore_objects`` do.
    """
    with _stage(archive) as stage:
        repository = _repository(archive.home, archive.settings, request.elsewhere)
        plan = plan_objects(
            archive,
            repository,
            request.sites,
            backup=request.backup,
            add=request.add,
            create=not request.dry_run,
        )
        if request.dry_run:
            return plan
        effort = Effort(request.workers)
        with observer.progress("loading", plan.todo) as step:
            report = restore_objects(archive, repository, plan, stage, effort=effort, step=step)
        detail = {**report.fields(), "failures": len(report.failures)}
        put_on_record(archive, "backup.restored", detail, who=request.who, observer=observer)
    return report


def _forgotten(found: Forgotten, keep_days: int) -> dict[str, Any]:
    return {"backups": list(found.backups), "keep_days": keep_days, "slices": len(found.slices)}


def _repository(home: Path, settings: Settings | None, elsewhere: Elsewhere) -> Repository:
    """The repository of the settings, or the one that the request names. Raises SettingsError."""
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
def _stage(archive: Archive) -> Iterator[Stage]:
    """The stage of the settings, for one run at a time."""
    with open_stage(archive.home / archive.settings.backup.stage) as stage:
        yield stage
