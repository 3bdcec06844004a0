"""A run of the backup: plan what is new, save it slice by slice, and sign the record last.

The record is the commit point: a run that ends before it leaves slices that the next run finds and takes,
and no backup that claims to be whole.
"""

from __future__ import annotations

import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Damaged, NotFound, SettingsError, SiteUnavailable
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.names import sha256_of
from vanvault.archiver.replicas import serves_others
from vanvault.archiver.stores import Site, StoredVersion
from vanvault.recovery.backup.content import OBJECTS
from vanvault.recovery.backup.control import BUNDLE, read_control
from vanvault.recovery.backup.plan import KnownSlice, ListedObject, NewSlice, SlicePlan, plan_slices, slice_id
from vanvault.recovery.backup.record import Record, SavedObject, SavedSlice, read_record, write_record
from vanvault.recovery.backup.repository import Repository, slices_by_id
from vanvault.recovery.backup.stage import Stage
from vanvault.recovery.backup.wanted import Earlier, Wanted, earlier_objects, find_wanted
from vanvault.recovery.objects import passed_over, read_good, with_lock
from vanvault.recovery.work import Effort, Extent, Step, in_order, silent


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """What a run will do."""

    what: str
    site: str
    control: Mapping[str, bytes]
    wanted: Wanted
    earlier: Mapping[str, Earlier]  # what the last backup holds of objects that are read anew, or unlisted
    slices: SlicePlan
    snapshots: Mapping[str, str]  # slice -> snapshot: those kept, and those that a killed run left
    total: Extent
    todo: Extent

    @property
    def has_escrow(self) -> bool:
        """Can the keys come back with this backup and the shares of the escrow alone?"""
        return BUNDLE in self.control

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "control": sorted(self.control),
            "away": list(self.wanted.away),
            "ignored": self.wanted.ignored,
            "site": self.site,
            "to_save": self.todo.as_json(),
            "total": self.total.as_json(),
            "unlisted": list(self.wanted.unlisted),
            "what": self.what,
        }


@dataclass(frozen=True, slots=True)
class BackupReport:
    """The outcome of a run."""

    snapshot: str  # of the record
    record: Record
    saved: Extent
    slices_saved: int
    slices_taken: int  # left by a killed run
    seconds: float
    plan: BackupPlan
    recorded: bool = False
    escrow: tuple[str, ...] = ()  # for people: why keys in use would not come back from their escrow

    @property
    def whole(self) -> bool:
        """Did the sites give every object that they list, and that is known here?"""
        return self.record.good

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK if self.whole and not self.escrow else ExitCode.CHECK_FAILED

    def fields(self) -> dict[str, Any]:
        """What of it goes on record, as JSON values."""
        return {
            "away": list(self.record.away),
            "backup": self.snapshot,
            "control": sorted(self.plan.control),
            "escrow_problems": list(self.escrow),
            "saved": self.saved.as_json(),
            "slices": {
                "kept": len(self.plan.slices.kept),
                "saved": self.slices_saved,
                "taken": self.slices_taken,
            },
            "total": self.plan.total.as_json(),
            "what": self.plan.what,
            "whole": self.whole,
        }

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values, with the keys that were left out."""
        left_out = list(self.record.left_out)
        return {**self.fields(), "left_out": left_out, "seconds": round(self.seconds, 3)}


def plan_backup(archive: Archive, repository: Repository, *, full: bool = False) -> BackupPlan:
    """Compare the sites with the last backup. ``full``: save everything anew, whatever is there.

    Raises SiteUnavailable (site or repository), Damaged (the last record), SettingsError (the repository is
    another archive's), NotFound (no repository), Busy (locked), KeyUnavailable (password, signing key).
    """
    settings = archive.settings.backup
    snapshots = repository.snapshots()
    held = {one.id for one in snapshots}
    records = [one for one in snapshots if one.kind == "record"]
    known: list[KnownSlice] = []
    where: dict[str, str] = {}
    earlier: dict[str, Earlier] = {}
    if not full:
        passed = passed_over(archive)
        where = {name: one.id for name, one in slices_by_id(snapshots).items()}
        if records:
            last = read_record(repository.record_files(records[-1].id), archive.signing.public)
            check_archive(last, archive)
            # A slice that somebody forgot by hand is not known any more, so its objects are saved again.
            saved = [one for one in last.slices if one.snapshot in held]
            known = [
                KnownSlice(one.id, keys)
                for one in saved
                # One that holds what was disposed of is saved anew without it, so that it can be forgotten.
                if not any(map(passed, keys := tuple(entry.key for entry in one.entries)))
            ]
            where |= {one.id: one.snapshot for one in saved}
            earlier = earlier_objects(last, held)
    if settings.what == "control+objects":
        wanted = find_wanted(archive, settings.site, earlier)
    else:
        wanted = Wanted(archive.clock.now(), {}, {}, (), (), 0)
    items = [ListedObject(key, versions[0].size) for key, versions in wanted.listed.items()]
    items += [ListedObject(key, versions[0].size) for key, (_, versions) in wanted.elsewhere.items()]
    slices = plan_slices(items, known, settings.stage_bytes)
    new = [one for one in slices.new if one.id not in where]
    needed = {item.key for one in slices.new for item in one.items}.union(wanted.unlisted)
    return BackupPlan(
        what=settings.what,
        site=settings.site,
        control=read_control(archive.home, settings),
        wanted=wanted,
        earlier={key: earlier[key] for key in needed & earlier.keys()},
        slices=slices,
        snapshots=where,
        total=Extent(len(items), sum(item.size for item in items)),
        todo=Extent(sum(len(one.items) for one in new), sum(one.bytes for one in new)),
    )


def run_backup(
    archive: Archive,
    repository: Repository,
    plan: BackupPlan,
    stage: Stage,
    *,
    effort: Effort | None = None,
    step: Step = silent,
    fault: Fault = no_fault,
    timer: Callable[[], float] = time.monotonic,
) -> BackupReport:
    """Carry the plan out. An object that no site gives whole is left out, and said so.

    Where an earlier backup holds it, the record names that copy, so a restore brings it back.

    ``fault`` is called at "staged", "slice-saved", "before-record" and "after-record".

    Raises the kinds that ``plan_backup`` raises, and SiteFull (stage or repository). Run again to resume.
    """
    began = timer()
    effort = effort or Effort()
    run = _Run(archive, repository, plan, stage, effort, step, fault)
    slices = [run.kept(one) for one in plan.slices.kept]
    for one in plan.slices.new:
        slices += run.take(one) or run.save(one)
    slices = run.with_earlier(slices)
    record = Record(
        archive=archive.settings.archive,
        created=archive.clock.now().replace(microsecond=0),
        what=plan.what,
        site=plan.site,
        control=plan.control,
        slices=run.confirmed(slices),
        left_out=tuple(sorted(run.left_out)),
        versions={
            "python": platform.python_version(),
            "restic": repository.restic.version_text,
            "vanvault": version("vanvault"),
        },
        listed=plan.wanted.at.replace(microsecond=0) if plan.what == "control+objects" else None,
        away=tuple(sorted({*plan.wanted.away, *run.away})),
    )
    stage.empty()
    files = write_record(record, archive.signing.active())
    for path, data in files.items():
        stage.write(f"record/{path}", data)
    fault("before-record")
    tags = {"good": "yes" if record.good else "no", "objects": str(sum(len(one.entries) for one in slices))}
    snapshot, *counts = repository.save(stage.path, "record", kind="record", tags=tags, now=record.created)
    _check_counts(counts, [len(data) for data in files.values()])
    fault("after-record")
    seconds = timer() - began
    return BackupReport(snapshot, record, run.saved, run.slices_saved, run.slices_taken, seconds, plan)


def check_archive(record: Record, archive: Archive) -> None:
    """Raises SettingsError unless the record is of this archive."""
    if record.archive != archive.settings.archive:
        raise SettingsError("the backup is of another archive", hint="Correct backup.repository.")


class _Run:
    """One run: what it saved so far, and what it had to leave out."""

    def __init__(
        self,
        archive: Archive,
        repository: Repository,
        plan: BackupPlan,
        stage: Stage,
        effort: Effort,
        step: Step,
        fault: Fault,
    ) -> None:
        self._clock = archive.clock
        self._sites = archive.sites
        self._site = archive.sites[plan.site]
        self._repository = repository
        self._plan = plan
        self._stage = stage
        self._effort = effort
        self._step = step
        self._fault = fault
        self.left_out: list[str] = list(plan.wanted.unlisted)
        self.away = set(plan.wanted.away)
        self.saved = Extent()
        self.slices_saved = self.slices_taken = 0

    def kept(self, one: KnownSlice) -> SavedSlice:
        """A slice of the last backup, with the locks as they are now."""
        return SavedSlice(one.id, self._plan.snapshots[one.id], self._entries(one.keys))

    def take(self, one: NewSlice) -> list[SavedSlice]:
        """The slice, if a killed run saved it whole; else nothing."""
        snapshot = self._plan.snapshots.get(one.id)
        if snapshot is None:
            return []
        wanted = {_name(item.key): item.size for item in one.items}
        if self._repository.files_of(snapshot) != wanted:
            return []
        self.slices_taken += 1
        return [SavedSlice(one.id, snapshot, self._entries([item.key for item in one.items]))]

    def save(self, one: NewSlice) -> list[SavedSlice]:
        """Stage and save what a site holds whole of it."""
        self._stage.empty()
        entries: list[SavedObject] = []
        for item, entry in in_order(
            one.items, self._put_on_stage, size=lambda item: item.size, effort=self._effort
        ):
            if entry is None:
                self.left_out.append(item.key)
            else:
                entries.append(entry)
        if not entries:
            return []
        self._fault("staged")
        name = slice_id(entry.key for entry in entries)
        sizes = {_name(entry.key): entry.size for entry in entries}
        progress = _Progress(self._step)
        snapshot, *counts = self._repository.save(
            self._stage.path,
            OBJECTS,
            kind="objects",
            tags={"slice": name},
            now=self._clock.now(),
            listener=progress,
        )
        _check_counts(counts, sizes.values())
        extent = Extent(len(entries), sum(entry.size for entry in entries))
        progress.finish(Extent(len(one.items), one.bytes))
        self._fault("slice-saved")
        self._stage.empty()
        self.saved += extent
        self.slices_saved += 1
        return [SavedSlice(name, snapshot, tuple(entries))]

    def confirmed(self, slices: Sequence[SavedSlice]) -> tuple[SavedSlice, ...]:
        """The slices with the whole ids of their snapshots: some versions of restic tell only a part.

        Raises Damaged: the repository does not list what it said that it saved.
        """
        if not self.slices_saved:
            return tuple(slices)
        held: dict[str, list[str]] = defaultdict(list)
        for snapshot in self._repository.snapshots():
            held[snapshot.tags.get("slice", "")].append(snapshot.id)
        whole = []
        for one in slices:
            found = [name for name in held[one.id] if name.startswith(one.snapshot)]
            if len(found) != 1:
                raise Damaged("the repository does not list a snapshot that was just saved")
            whole.append(replace(one, snapshot=found[0]))
        return tuple(whole)

    def with_earlier(self, slices: Sequence[SavedSlice]) -> list[SavedSlice]:
        """The slices, and what earlier ones hold of the objects that no site gives now; oldest first."""
        lost: dict[tuple[str, str], list[SavedObject]] = defaultdict(list)
        for key in self.left_out:
            one = self._plan.earlier.get(key)
            if one is not None:
                lost[one.slice, one.snapshot].append(one.entry)
        merged = [
            replace(one, entries=one.entries + tuple(lost.pop((one.id, one.snapshot), ()))) for one in slices
        ]
        return [
            SavedSlice(name, snapshot, tuple(entries)) for (name, snapshot), entries in lost.items()
        ] + merged

    def _put_on_stage(self, item: ListedObject) -> SavedObject | None:
        """From the first site that gives it whole; None: no site does, and the report and verify name it."""
        for site, versions in self._sources(item.key):
            try:
                data, version = read_good(site, item.key, versions)
            except (Damaged, NotFound):
                continue
            except SiteUnavailable:
                if not serves_others(site, item.key):
                    if site is self._site:
                        raise
                    self.away.add(site.site)
                continue
            self._stage.write(f"{OBJECTS}/{_name(item.key)}", data)
            return SavedObject(item.key, len(data), version.retain_until)
        return None

    def _sources(self, key: str) -> Iterator[tuple[Site, tuple[StoredVersion, ...] | None]]:
        """The sites that may hold it, the chosen one first, with its versions as far as they were listed."""
        wanted = self._plan.wanted
        if key in wanted.listed:
            yield self._site, wanted.listed[key]
        listed_at, versions = wanted.elsewhere.get(key, ("", ()))
        for name, site in self._sites.items():
            if name != self._plan.site and name not in self.away:
                yield site, versions if name == listed_at else None

    def _entries(self, keys: Sequence[str]) -> tuple[SavedObject, ...]:
        found = in_order(keys, self._entry, size=lambda _: 0, effort=self._effort)
        return tuple(entry for _, entry in found)

    def _entry(self, key: str) -> SavedObject:
        wanted = self._plan.wanted
        name, versions = wanted.elsewhere.get(key) or (self._plan.site, wanted.listed[key])
        site = self._sites[name]
        try:
            locked = with_lock(site, versions[0]).retain_until
        except NotFound:
            locked = None  # it was saved before; a restore locks it by the rules
        except SiteUnavailable:
            if not serves_others(site, key):
                if site is self._site:
                    raise
                self.away.add(name)
            locked = None
        return SavedObject(key, versions[0].size, locked)


class _Progress:
    """restic's running counts as steps."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._done = Extent()

    def __call__(self, line: Mapping[str, Any]) -> None:
        if line.get("message_type") == "status":
            self.finish(Extent(int(line.get("files_done", 0)), int(line.get("bytes_done", 0))))

    def finish(self, at: Extent) -> None:
        """So much is done by now; counts never run back."""
        objects, size = max(0, at.objects - self._done.objects), max(0, at.bytes - self._done.bytes)
        if objects or size:
            self._step(objects, size)
            self._done += Extent(objects, size)


def _name(key: str) -> str:
    """The file in a slice that holds the object: its digest."""
    return sha256_of(key).hex()


def _check_counts(counts: Sequence[int], sizes: Any) -> None:
    promised = [len(sizes), sum(sizes)]
    if list(counts) != promised:
        raise Damaged(
            f"restic saved {counts[0]} files of {counts[1]} bytes instead of {promised[0]} of {promised[1]}",
            hint="What was saved does not count as a backup. Did another program change the stage?",
        )
