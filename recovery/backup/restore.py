"""The way back: the control plane into an empty folder, the objects into empty sites with their locks.

What a restore of objects has done stands at the sites, so the same call resumes one that was killed.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Damaged, InvalidInput, KeyUnavailable, NotFound
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.names import parse_key, sha256_of
from vanvault.archiver.core.object_limits import LockRules
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.keys import parse_public_keys
from vanvault.archiver.replicas import answers
from vanvault.archiver.stores import Site, StoredVersion
from vanvault.recovery.backup.content import OBJECTS
from vanvault.recovery.backup.control import write_control
from vanvault.recovery.backup.objects import is_held, list_objects
from vanvault.recovery.backup.record import Record, SavedObject, SavedSlice, read_record
from vanvault.recovery.backup.repository import Repository
from vanvault.recovery.backup.run import check_archive
from vanvault.recovery.backup.stage import Stage
from vanvault.recovery.objects import write_good
from vanvault.recovery.restore import ensure_site
from vanvault.recovery.verify import Finding
from vanvault.recovery.work import Effort, Extent, Step, in_order, silent

_NAMED = 3
_PUBLIC = f"{KEYS_FOLDER}/signing-"

#: Site -> key -> its versions there, newest first.
Held = Mapping[str, Mapping[str, tuple[StoredVersion, ...]]]


@dataclass(frozen=True, slots=True)
class ControlReport:
    """What came back of the control plane."""

    record: Record
    files: tuple[str, ...]
    proved: bool  # the signature fits a key that was given, not only one that the backup itself holds


@dataclass(frozen=True, slots=True)
class ObjectsPlan:
    """What the sites lack of a backup."""

    record: Record
    sites: tuple[str, ...]
    held: Held
    slices: tuple[SavedSlice, ...]  # with the lacking entries only; newest slice first
    total: Extent
    todo: Extent
    locks: LockRules = field(default_factory=LockRules)

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "sites": list(self.sites),
            "to_load": self.todo.as_json(),
            "total": self.total.as_json(),
        }


@dataclass(frozen=True, slots=True)
class ObjectsReport:
    """The outcome of a restore of objects."""

    plan: ObjectsPlan
    restored: Extent
    failures: tuple[Finding, ...]  # objects that the repository does not hold whole
    seconds: float

    @property
    def whole(self) -> bool:
        """Do the sites hold every object that was backed up?"""
        return not self.failures and not self.plan.record.lacking

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK if self.whole else ExitCode.CHECK_FAILED

    def fields(self) -> dict[str, Any]:
        """What of it goes on record, as JSON values."""
        return {
            "backup_of": rfc3339_seconds(self.plan.record.created),
            "restored": self.restored.as_json(),
            "sites": list(self.plan.sites),
            "whole": self.whole,
        }

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values, with what is lost."""
        return {
            **self.fields(),
            "failures": [finding.as_json() for finding in self.failures],
            "left_out": list(self.plan.record.lacking),
            "seconds": round(self.seconds, 3),
        }


def restore_control(
    repository: Repository,
    target: Path,
    *,
    backup: str = "",
    public: Mapping[str, Ed25519PublicKey] | None = None,
) -> ControlReport:
    """Bring settings, gateways and saved keys back into ``target``, which is empty or absent.

    Args:
        backup: a backup's id, or the beginning of one; "": the newest.
        public: the archive's public signing keys by id. None: they are gone, too, and the signature is
            checked with those in the backup, which proves that it is whole, not whose it is.

    Raises NotFound, Damaged, KeyUnavailable (signed by a key that is not among ``public``), InvalidInput
    (target not empty), and what ``Repository`` raises.
    """
    files = repository.record_files(repository.record(backup).id)
    record = read_record(files, _finder(public if public is not None else _keys_within(files)))
    write_control(target, record.control)
    return ControlReport(record, tuple(sorted(record.control)), proved=public is not None)


def plan_objects(
    archive: Archive,
    repository: Repository,
    sites: Sequence[str],
    *,
    backup: str = "",
    add: bool = False,
    create: bool = True,
) -> ObjectsPlan:
    """Compare a backup with the sites that shall get it.

    Args:
        add: the sites may hold objects that the backup does not.
        create: make a site that is absent; else it counts as empty.

    Raises InvalidInput (a site holds other things), NotFound (no such site, backup or objects), Damaged
    (record), SettingsError (another archive), SiteUnavailable.
    """
    for site in sites:
        if site not in archive.sites:
            raise NotFound(f"there is no site {site[:64]}", hint=f"The sites are {', '.join(archive.sites)}.")
    record = read_record(repository.record_files(repository.record(backup).id), archive.signing.public)
    check_archive(record, archive)
    held = {}
    for name in sites:
        if create:
            ensure_site(archive, name)
        held[name] = held_by(archive.sites[name]) if create or answers(archive.sites[name]) else {}
    chosen = {name: archive.sites[name] for name in sites}
    return plan_load(record, chosen, held, add=add, locks=archive.rules.locks)


def plan_load(
    record: Record,
    sites: Mapping[str, Site],
    held: Held,
    *,
    add: bool = False,
    locks: LockRules | None = None,
) -> ObjectsPlan:
    """Compare a record with what the sites hold; ``locks``: how long objects may be locked.

    Raises InvalidInput, NotFound (no objects in it).
    """
    rules = locks or LockRules()
    if record.what == "control":
        raise NotFound(
            "this backup holds no objects, only the control plane",
            hint="Set backup.what to control+objects while there are sites.",
        )
    entries = [entry for one in record.slices for entry in one.entries]
    slices = tuple(_lacking(record, [(site, held[name]) for name, site in sites.items()], rules))
    todo = [entry for one in slices for entry in one.entries]
    known = {entry.key for entry in entries}
    more = sorted({key for found in held.values() for key in found} - known)
    if more and todo and not add:
        raise InvalidInput(
            f"the site is not empty: the backup does not know {', '.join(more[:_NAMED])}",
            field="objects",
            hint="Name an empty place for the site in the settings, or allow this with --add.",
        )
    return ObjectsPlan(record, tuple(sites), held, slices, _extent(entries), _extent(todo), rules)


def restore_objects(
    archive: Archive,
    repository: Repository,
    plan: ObjectsPlan,
    stage: Stage,
    *,
    effort: Effort | None = None,
    step: Step = silent,
    fault: Fault = no_fault,
    timer: Callable[[], float] = time.monotonic,
) -> ObjectsReport:
    """Load what the plan found lacking, newest slice first, each object checked against its key.

    ``fault`` is called at "slice-read" and "slice-restored". Raises as ``load_objects`` does.
    """
    sites = [archive.sites[name] for name in plan.sites]
    return load_objects(repository, plan, sites, stage, effort=effort, step=step, fault=fault, timer=timer)


def load_objects(
    repository: Repository,
    plan: ObjectsPlan,
    sites: Sequence[Site],
    stage: Stage,
    *,
    effort: Effort | None = None,
    step: Step = silent,
    fault: Fault = no_fault,
    timer: Callable[[], float] = time.monotonic,
) -> ObjectsReport:
    """The same for sites that are no archive's: the scratch sites of a drill.

    An object that the repository does not hold whole is in the report; the rest goes on.

    Raises SiteUnavailable, SiteFull, Busy, SettingsError. Plan again and call again to resume.
    """
    began = timer()
    times = {site.site: site.now() for site in sites}
    restored = Extent()
    failures: list[Finding] = []

    def load(entry: SavedObject) -> Extent | Finding:
        data = stage.read(f"{OBJECTS}/{sha256_of(entry.key).hex()}")
        if data is None:
            return Finding("backup", entry.key, "missing", "the repository does not hold it")
        if hashlib.sha256(data).digest() != sha256_of(entry.key):
            return Finding("backup", entry.key, "damaged", "the repository holds other bytes")
        passed = timedelta(seconds=timer() - began)
        for site in sites:
            versions = plan.held[site.site].get(entry.key, ())
            until = _lock_of(entry, times[site.site] + passed, plan.locks)
            write_good(site, entry.key, data, until, held=versions)
        return Extent(1, len(data))

    for one in plan.slices:
        lost = _read_slice(repository, one, stage)
        fault("slice-read")
        for entry, outcome in in_order(
            one.entries, load, size=lambda entry: entry.size, effort=effort or Effort()
        ):
            if isinstance(outcome, Finding):
                failures.append(_because(outcome, lost))
            else:
                restored += outcome
            step(1, entry.size)
        stage.empty()
        fault("slice-restored")
    return ObjectsReport(plan, restored, tuple(failures), timer() - began)


def _read_slice(repository: Repository, one: SavedSlice, stage: Stage) -> str:
    """Get a slice onto the stage as far as it can be read; why not all of it, or ""."""
    stage.empty()
    try:
        repository.restore(one.snapshot, stage.path)
    except Damaged as error:
        return error.message
    except NotFound as error:
        repository.snapshots()  # raises when it is not the snapshot that is gone, but all of it
        return error.message
    return ""


def _because(finding: Finding, lost: str) -> Finding:
    return Finding(finding.site, finding.key, finding.problem, lost or finding.detail)


def _lacking(
    record: Record,
    sites: Sequence[tuple[Site, Mapping[str, tuple[StoredVersion, ...]]]],
    locks: LockRules,
) -> Iterator[SavedSlice]:
    looked_at = [(site.site, site, held) for site, held in sites]
    times = {name: site.now() for name, site, held in looked_at if held}
    for one in reversed(record.slices):
        entries = tuple(
            entry
            for entry in one.entries
            if not all(
                bool(held)
                and is_held(site, held.get(entry.key, ()), entry.size, _believed(entry, times[name], locks))
                for name, site, held in looked_at
            )
        )
        if entries:
            yield SavedSlice(one.id, one.snapshot, entries)


def held_by(site: Site) -> Mapping[str, tuple[StoredVersion, ...]]:
    """The archive's objects at a site. Whatever else lies there is let be; a verification names it."""
    return list_objects(site)[0]


def _lock_of(entry: SavedObject, now: datetime, locks: LockRules) -> datetime:
    """Of what the record tells, which a site once showed, no more than the rules can have asked for."""
    name = parse_key(entry.key)
    if name is None:
        raise Damaged(f"{entry.key} in the backup is not the name of an archive object", key=entry.key)
    return locks.of_copy(name, shown=entry.retain_until, signed=None, now=now)


def _believed(entry: SavedObject, now: datetime, locks: LockRules) -> datetime | None:
    name = parse_key(entry.key)
    if name is None or entry.retain_until is None:
        return None
    return locks.believed(name, entry.retain_until, now)


def _extent(entries: Sequence[SavedObject]) -> Extent:
    return Extent(len(entries), sum(entry.size for entry in entries))


def _keys_within(files: Mapping[str, bytes]) -> dict[str, Ed25519PublicKey]:
    prefix = f"control/{_PUBLIC}"
    return parse_public_keys(
        data for path, data in files.items() if path.startswith(prefix) and path.endswith(".pub.pem")
    )


def _finder(public: Mapping[str, Ed25519PublicKey]) -> Callable[[str], Ed25519PublicKey]:
    def find(key_id: str) -> Ed25519PublicKey:
        try:
            return public[key_id]
        except KeyError as error:
            raise KeyUnavailable(
                "the backup is signed by a key that is not among those given",
                hint="It may be another archive's. Give the archive's own public key.",
            ) from error

    return find
