"""A disposal is run: every entry looked at again, segments replaced, copies removed, and a certificate made.

Each step is durable before the next begins, and a run that was killed goes on by the record::

    looked at whole > approval used up > begun > for each segment: rechecked > residue segment > replaced
      > for each site: removing > versions gone > removed > index > certificate and certified, in one commit
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import (
    AccessDenied,
    ApprovalNeeded,
    Busy,
    Conflict,
    Damaged,
    SettingsError,
    VanVaultError,
)
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.names import parse_archive_id
from vanvault.archiver.core.times import to_us
from vanvault.archiver.disk import HeldLock, try_lock
from vanvault.archiver.disposal import (
    RUNNABLE,
    DisposalRecord,
    EntryStanding,
    PlannedEntry,
    planned_entries,
    what_is_due,
    why_entry_stays,
    why_not_by,
    why_segment_stays,
)
from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.journal import EventType
from vanvault.archiver.keys import SigningKeys
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.stores import Disposer
from vanvault.archiver.upkeep.residue import Disposed, drop_from_index, replaced_objects, write_residue
from vanvault.recovery.approvals import need
from vanvault.recovery.disposal.certifying import WhatWent, certify, is_news, third_copy
from vanvault.recovery.disposal.late_holds import HoldsLooked, why_unseen
from vanvault.recovery.disposal.planning import check_nothing_stops
from vanvault.recovery.disposal.removing import LeftCopy, Removal
from vanvault.recovery.disposal.verbs import signed_plan
from vanvault.recovery.disposal_record import ACT, KnownDisposal, disposal_wish, known_disposals
from vanvault.recovery.documents import Report
from vanvault.recovery.standings import Standings, beside, reduced_in, segment_standing
from vanvault.recovery.work import QUIET, Observer, catch_up, record_aside

_LOCK = "disposal.lock"
#: A hint: who may not do something leaves it to somebody else.
ANOTHER = "Another person signs on (vanvault login NAME) and does: vanvault disposal {what}"
#: Ids of holds on record with a look at a segment; of more, the time of the look tells which came later.
_MOST_HOLDS = 1000


@dataclass(frozen=True, slots=True)
class RanDisposal:
    """How far a run came."""

    known: KnownDisposal
    left: tuple[LeftCopy, ...] = ()  # what still holds a copy
    halted: tuple[str, ...] = ()  # why it is half-done
    folder: Path | None = None  # of the certificate that this run made

    @property
    def exit_code(self) -> ExitCode:
        """CHECK_FAILED: it is half-done, and why is on record."""
        return ExitCode.CHECK_FAILED if self.halted else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            **self.known.as_json(),
            "remaining": [one.as_json() for one in self.left],
            "halted": list(self.halted),
            "folder": str(self.folder) if self.folder else None,
        }


def run_disposal(
    archive: Archive,
    id: str,
    who: Requester,
    disposers: Mapping[str, Disposer],
    observer: Observer = QUIET,
    fault: Fault = no_fault,
) -> RanDisposal:
    """Run a disposal that has cooled, or go on where a run was stopped.

    One that is certified is run again where copies of what went came back (from a backup, from a site that
    was away): they are removed, and the next certificate says so.

    ``disposers``: of every site, by its name.

    Raises:
        ApprovalNeeded: it is not approved yet; the request is named.
        AccessDenied: who planned it does not run it.
        Conflict: it cools, or is over and nothing of it came back; or something speaks against any disposal
            now, which is named.
        SettingsError: a site has no disposer. Busy: another run of this home is at it.
        NotFound, Damaged (the plan is another one), SiteUnavailable, KeyUnavailable.
    """
    lacking = sorted(set(archive.sites) - set(disposers))
    if lacking:
        raise SettingsError(f"the site {lacking[0]} has no disposer", hint="Give its credentials.")
    with alone(archive):
        catch_up(archive, observer.warn)
        known = check_runnable(archive, id, who)
        standings = Standings(archive)
        try:
            check_nothing_stops(archive, standings, observer)
        except Conflict as error:
            if known.state in ("running", "half-done"):
                said = {**_said(known.record, who), "why": [error.message[:500]]}
                record_aside(archive, EventType.DISPOSAL_HALTED, said)
            raise
        plan = signed_plan(archive, known, SigningKeys(archive.home / KEYS_FOLDER).public)
        return _Run(archive, who, disposers, fault, plan).go(known, standings)


def came_back(archive: Archive, record: DisposalRecord) -> int:
    """Versions at all sites of what a disposal replaced; after its certificate they were copied there.

    Raises SiteUnavailable, Damaged, KeyUnavailable.
    """
    residues = [one for one in archive.catalogue.segments(spare=True) if one.key in record.replaced]
    return sum(len(found) for one in residues for found in replaced_objects(archive, one).values())


def check_runnable(archive: Archive, id: str, who: Requester) -> KnownDisposal:
    """The disposal, which this person may run now.

    Raises NotFound, ApprovalNeeded, AccessDenied, Conflict, Damaged (the record cannot be read whole).
    """
    disposals = known_disposals(archive)
    known = disposals.get(id)
    if disposals.lacking:
        raise Damaged(f"a part of the record of disposals cannot be read: {disposals.lacking[0]}")
    why = known.why_no_run(who)
    if not why:
        return known
    if known.state == "certified":
        archive.catch_up_segments()
        if came_back(archive, known.record):
            why = why_not_by(known.record, who.key, who.name)
            if not why:
                return known
            raise AccessDenied(why, authenticated=True, hint=ANOTHER.format(what=f"run {id}"))
    if known.state in RUNNABLE:
        raise AccessDenied(why, authenticated=True, hint=ANOTHER.format(what=f"run {id}"))
    if known.state == "planned" and known.approval.request:
        raise ApprovalNeeded(
            f"{id} is not approved yet: {known.approval.why}",
            request=known.approval.request,
            hint=f"Two others approve it: vanvault disposal approve {id}",
        )
    raise Conflict(f"{id} is not run: {why}", hint=f"See: vanvault disposal show {id}")


@dataclass
class _Run:
    archive: Archive
    who: Requester
    disposers: Mapping[str, Disposer]
    fault: Fault
    plan: Report
    _by_segment: dict[str, list[PlannedEntry]] = field(default_factory=dict)

    def go(self, known: KnownDisposal, standings: Standings) -> RanDisposal:
        archive = self.archive
        archive.catch_up_segments()
        self._sort()
        if known.record.begin is None:
            if known.approval.state != "used":
                dropped: Counter[str] = Counter()
                if not any(self._still_due(id, standings, dropped) for id in self._by_segment):
                    self._tell(known.record, EventType.DISPOSAL_EMPTIED, dropped=dict(dropped))
                    return RanDisposal(self._known(known.record.id))
            known = self._begin(known)
        removal = Removal(archive, self.disposers, _said(known.record, self.who), self.fault)
        for segment in self._by_segment:
            self._one(known.record, segment, removal)
        return self._end(self._known(known.record.id), removal)

    def _sort(self) -> None:
        """The planned entries by the id of their segment, in the order of the plan.

        Raises Damaged: the plan names an entry in none of its segments.
        """
        covers = {one["segment"]: _covers(one["covers"]) for one in self.plan["segments"]}
        self._by_segment = {segment: [] for segment in covers}
        for entry in planned_entries(self.plan):
            writer, sequence, _ = parse_archive_id(entry.id)
            place = next(
                (
                    segment
                    for segment, ranges in covers.items()
                    if any(w == writer and first <= sequence <= last for w, first, last in ranges)
                ),
                None,
            )
            if place is None:
                raise Damaged(
                    f"the plan of {self.plan['id']} names {entry.id}, which none of its segments has"
                )
            self._by_segment[place].append(entry)

    def _begin(self, known: KnownDisposal) -> KnownDisposal:
        record, approval = known.record, known.approval
        if approval.state == "used":  # killed between the use and this line: nothing else uses it
            used = {
                "request": approval.request,
                "digest": disposal_wish(record).digest,
                "approved_by": list(approval.approved_by),
            }
        else:
            self.fault("disposal-looked")
            if unseen := why_unseen(self.archive):
                raise Conflict(f"{record.id} is not begun: {unseen}", hint="See to that: vanvault status.")
            check_runnable(self.archive, record.id, self.who)  # it may have been withdrawn meanwhile
            planner = Requester(record.who, "" if record.requester.startswith("os:") else record.requester)
            good = need(self.archive, ACT, record.subject, planner, used_by=self.who.name)
            if good is None:
                raise ApprovalNeeded("a disposal is never without its approval", request="")
            used = good.as_json()
        self.fault("disposal-used")
        self.archive.record(
            EventType.DISPOSAL_BEGUN,
            {**_said(record, self.who), "approval": used, "runner": self.who.key},
        )
        self.fault("disposal-begun")
        return self._known(record.id)

    def _one(self, record: DisposalRecord, segment: str, removal: Removal) -> None:
        """One planned segment: replaced, unless it is already, and its copies removed."""
        residue = self._residue(record.id, segment)
        if residue is None:
            residue = self._replace(record, segment, removal)
            if residue is None:
                return
        record = self._known(record.id).record
        if residue.key not in record.replaced:
            replaced = [segment, *(one for one in residue.manifest.replaces if one != segment)]
            self._tell(record, EventType.DISPOSAL_REPLACED, residue=residue.key, segments=replaced)
            self.fault("disposal-replaced")
        gone = self.gone(residue)
        looked = record.rechecked.get(segment)
        held_by = HoldsLooked(looked.at, looked.holds) if looked else HoldsLooked(record.at, None)
        removal.remove(residue, [one.id for one in gone], held_by, record.removed.keys())

    def gone(self, residue: KnownSegment) -> list[PlannedEntry]:
        """What of the plan is gone by this residue segment."""
        held = self.archive.locator.residue(residue.manifest)
        entries = (entry for found in self._by_segment.values() for entry in found)
        return [one for one in entries if (row := held.get(one.id)) and row.disposal == self.plan["id"]]

    def _replace(self, record: DisposalRecord, segment: str, removal: Removal) -> KnownSegment | None:
        """The residue segment that now stands in the place of this one; None: nothing of it goes."""
        archive = self.archive
        unseen = why_unseen(archive)
        standings = Standings(archive)
        if not unseen and standings.lacking:
            unseen = f"a part of the record cannot be read: {standings.lacking[0]}"
        if unseen:
            removal.halted.append(f"the segment {segment} was not replaced: {unseen}")
            return None
        dropped: Counter[str] = Counter()
        due = self._still_due(segment, standings, dropped)
        self._tell(
            record,
            EventType.DISPOSAL_RECHECKED,
            segment=segment,
            entries=sum(one.what == "entry" for one in due),
            originals=sum(one.what == "original" for one in due),
            dropped=dict(dropped),
            **({"holds": sorted(standings.holds)} if len(standings.holds) <= _MOST_HOLDS else {}),
        )
        if not due:
            return None
        self.fault("disposal-rechecked")
        source = self._segment(segment)
        assert source is not None  # noqa: S101 - something of it is due
        inside, _ = beside(archive, source)
        try:
            write_residue(archive, [source, *inside], due, disposal=record.id, fault=self.fault)
        except VanVaultError as error:
            removal.halted.append(f"the segment {segment} could not be replaced: {error.message}")
            return None
        self.fault("disposal-written")
        return self._residue(record.id, segment)

    def _still_due(self, segment: str, standings: Standings, dropped: Counter[str]) -> list[Disposed]:
        """What of a planned segment still goes; ``dropped`` counts the rest by its reason."""
        archive, now = self.archive, self.archive.clock.now()
        entries, source = self._by_segment[segment], self._segment(segment)
        if source is None:
            dropped["overlap"] += len(entries)
            return []
        stays = why_segment_stays(segment_standing(archive, source), now)
        if stays is not None:
            dropped[stays[0]] += len(entries)
            return []
        reduced = reduced_in(archive, source)
        due: list[Disposed] = []
        planned = {one.id for found in self._by_segment.values() for one in found}
        for entry in entries:
            reason = "unread"
            try:
                told = standings.entry(entry.id, reduced=entry.id in reduced)
            except VanVaultError:
                dropped[reason] += 1
                continue
            found = self._judged(entry, told, planned)
            if isinstance(found, Disposed):
                due.append(found)
            else:
                dropped[found] += 1
        return due

    def _judged(self, entry: PlannedEntry, told: EntryStanding, planned: set[str]) -> Disposed | str:
        """What goes, or the reason why it stays. Never more than was approved."""
        now = self.archive.clock.now()
        stays, due = why_entry_stays(told, now), what_is_due(told, now)
        if stays is not None or due is None:
            return stays[0] if stays else "not-due"
        if entry.what == "entry" and due[0] != "entry":
            return "not-due"  # a longer profile was put in force since
        if not planned.issuperset(told.closes):
            return "closes-others"
        owed = told.originals if entry.what == "original" and told.originals else due[1]
        return Disposed(entry.id, entry.what, entry.rule, to_us(owed.until))

    def _segment(self, id: str) -> KnownSegment | None:
        return next((one for one in self.archive.catalogue.segments() if one.manifest.segment == id), None)

    def _residue(self, disposal: str, segment: str) -> KnownSegment | None:
        """What an earlier run, or this one, put in the place of a segment."""
        for one in self.archive.catalogue.segments(spare=True):
            if one.manifest.disposal == disposal and segment in one.manifest.replaces:
                return one
        return None

    def _end(self, known: KnownDisposal, removal: Removal) -> RanDisposal:
        archive, record = self.archive, known.record
        residues = [one for segment in self._by_segment if (one := self._residue(record.id, segment))]
        if not removal.halted:  # a long run: what came back meanwhile is told, not certified as gone
            removal.look_again(residues)
        left = list(removal.left)
        if residues:
            try:
                left += [
                    LeftCopy("index", one, "others may read it", None) for one in _dropped(archive, residues)
                ]
            except VanVaultError as error:
                removal.halted.append(f"the index still leads to what was removed: {error.message}")
        if removal.halted:
            why = [one[:500] for one in removal.halted[:20]]
            self._tell(record, EventType.DISPOSAL_HALTED, why=why)
            return RanDisposal(self._known(record.id), tuple(left), tuple(removal.halted))
        if not residues:
            dropped: Counter[str] = Counter()
            for looked in record.rechecked.values():
                dropped.update(looked.dropped)
            self._tell(record, EventType.DISPOSAL_EMPTIED, dropped=dict(dropped))
            return RanDisposal(self._known(record.id))
        gone = [entry for residue in residues for entry in self.gone(residue)]
        left += third_copy(archive, record)
        folder = None
        if is_news(record, left, removal.removed, archive.clock.now()):
            rules = {
                rule["rule"]: rule["clause"] for segment in self.plan["segments"] for rule in segment["rules"]
            }
            went = WhatWent(residues, gone, rules)
            folder = certify(archive, known, went, left, self.who, self.fault)
        return RanDisposal(self._known(record.id), tuple(left), (), folder)

    def _known(self, id: str) -> KnownDisposal:
        self.archive.refresh()
        return known_disposals(self.archive).get(id)

    def _tell(self, record: DisposalRecord, type: str, **detail: object) -> None:
        record_aside(self.archive, type, {**_said(record, self.who), **detail})


def _dropped(archive: Archive, residues: Sequence[KnownSegment]) -> list[str]:
    found: dict[str, None] = {}
    for residue in residues:
        found.update(dict.fromkeys(drop_from_index(archive, residue)))
    return list(found)


def _said(record: DisposalRecord, who: Requester) -> dict[str, object]:
    return {"disposal": record.id, "digest": record.digest, "who": who.name}


def _covers(told: object) -> list[tuple[str, int, int]]:
    """Raises Damaged: the plan has another form."""
    try:
        return [(str(one[0]), int(one[1]), int(one[2])) for one in told]  # type: ignore[attr-defined]
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise Damaged("the plan of this disposal has another form") from error


def alone(archive: Archive) -> HeldLock:
    """The lock of whoever works on disposals in this home.

    Raises Busy: another run of this home is at it; SettingsError: the lock cannot be made.
    """
    path = archive.home / "cache" / _LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = try_lock(path)
    except OSError as error:
        raise_limit(error)
        raise SettingsError(f"{path} cannot be locked: {error.strerror}") from error
    if held is None:
        raise Busy("another disposal runs in this home", retry_after=60, hint="Wait until it has ended.")
    return held
