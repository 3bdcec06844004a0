"""The certificate of a disposal: what went, by whose decision, from where, and what still holds a copy."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.times import rfc3339_seconds, rfc3339_us, to_us
from vanvault.archiver.disposal import DisposalRecord, PlannedEntry, RemovedObject, ids_digest
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.approvals import Requester
from vanvault.recovery.backup import may_hold_objects
from vanvault.recovery.disposal.papers import signed_paper
from vanvault.recovery.disposal.planning import FOLDER, archive_paper
from vanvault.recovery.disposal.removing import LeftCopy
from vanvault.recovery.disposal_record import KnownDisposal, backups_told
from vanvault.recovery.documents import Report, write_bundle

#: Where copies are that no site holds.
THIRD_COPY = "third copy"
#: What a signed paper has besides what it says.
_OF_ITS_FORM = frozenset(("archive", "files", "first", "format", "number", "signature", "signing_key"))


@dataclass(frozen=True, slots=True)
class WhatWent:
    """What a disposal took."""

    residues: Sequence[KnownSegment]  # that stand in the place of its segments
    entries: Sequence[PlannedEntry]
    clauses: Mapping[str, str]  # by rule, as the plan cites it


def certify(
    archive: Archive,
    known: KnownDisposal,
    went: WhatWent,
    left: Sequence[LeftCopy],
    who: Requester,
    fault: Fault,
) -> Path:
    """Put a certificate on record, and its files into the home. ``left``: everything that may hold a copy.

    Raises SiteUnavailable, KeyUnavailable, SettingsError (the files).
    """
    return _put(archive, known.record, _body(archive, known, went, left, who), left, who, fault)


def certify_again(
    archive: Archive, known: KnownDisposal, before: Report, left: Sequence[LeftCopy], who: Requester
) -> Path:
    """Another certificate of what the one ``before`` says went, where only what is left has changed.

    Raises as ``certify``.
    """
    kept = {name: value for name, value in before.items() if name not in _OF_ITS_FORM}
    body = {**kept, **_made(archive, known.record, left, who)}
    return _put(archive, known.record, body, left, who, no_fault)


def _put(
    archive: Archive,
    record: DisposalRecord,
    body: Mapping[str, Any],
    left: Sequence[LeftCopy],
    who: Requester,
    fault: Fault,
) -> Path:
    now, before = archive.clock.now(), record.certificate
    number = before.number + 1 if before else 1
    first = record.certificates[0].sha256 if before else ""
    paper = signed_paper(archive, "certificate", {**body, "number": number, "first": first}, now)
    message = certificate_message_id(record.id, number)
    detail: dict[str, object] = {
        "disposal": record.id,
        "digest": record.digest,
        "number": number,
        "certificate": message,
        "sha256": hashlib.sha256(paper.data).hexdigest(),
        "remaining": len(left),
        "first": first,
        "who": who.name,
    }
    if ends := [one.until for one in left if one.until is not None]:
        detail["until"] = rfc3339_seconds(min(ends))
    fault("disposal-before-certificate")
    archive_paper(archive, message, paper, EventType.DISPOSAL_CERTIFIED, detail)
    fault("disposal-certified")
    folder = archive.home / FOLDER / record.id / (f"certificate-{number}" if before else "certificate")
    write_bundle(folder, paper.files)
    return folder


def certificate_message_id(disposal: str, number: int) -> str:
    """The id under which the bundle of a certificate is archived."""
    return f"disposal-{disposal}.certificate" + (f"-{number}" if number > 1 else "")


def is_news(record: DisposalRecord, left: Sequence[LeftCopy], removed: int, now: datetime) -> bool:
    """Does a run that ended at a moment in UTC make a certificate?

    Not if one is on record and all is as it says: as much is left, and no end that it names is over.
    ``removed``: how many versions went by this run.
    """
    before = record.certificate
    if before is None or not left or removed:
        return True
    over = before.until is not None and before.until < now
    halted = record.halted is not None and record.halted[0] > before.at
    return over or halted or len(left) < before.remaining


def third_copy(archive: Archive, record: DisposalRecord) -> list[LeftCopy]:
    """Backups elsewhere that may hold what went. No time alone says that they are gone, only somebody.

    Raises Damaged, SiteUnavailable (the index).
    """
    if record.backups_gone is not None or not may_hold_objects(archive):
        return []
    why = (
        "nobody looked there: let backups from before the disposal go (vanvault backup forget), destroy"
        " what was copied from them, and say so (vanvault disposal backups-gone)"
    )
    return [LeftCopy(THIRD_COPY, "backups made before", why, None)]


def _made(
    archive: Archive, record: DisposalRecord, left: Sequence[LeftCopy], who: Requester
) -> dict[str, Any]:
    """What differs between two certificates of what went at once."""
    return {
        "made_at": rfc3339_us(to_us(archive.clock.now())),
        "who": who.name,
        "remaining": [one.as_json() for one in left],
        "backups_gone": backups_told(record.backups_gone),
    }


def _body(
    archive: Archive,
    known: KnownDisposal,
    went: WhatWent,
    left: Sequence[LeftCopy],
    who: Requester,
) -> dict[str, Any]:
    residues, gone = went.residues, went.entries
    record, begin, approved_at = known.record, known.record.begin, known.approval.approved_at
    assert begin is not None  # noqa: S101 - it has run
    objects = _removed_objects(record, left)
    dropped: Counter[str] = Counter()
    for one in record.rechecked.values():
        dropped.update(one.dropped)
    return {
        "id": record.id,
        **_made(archive, record, left, who),
        "planned_by": record.who,
        "planned_at": rfc3339_seconds(record.at),
        "approved_by": list(begin.approval.get("approved_by", ())),
        "approved_at": rfc3339_seconds(approved_at) if approved_at else None,
        "approval": dict(begin.approval),
        "begun_at": rfc3339_seconds(begin.at),
        "ran_by": begin.who,
        "plan": record.plan,
        "plan_sha256": record.digest,
        "counts": {
            "segments": len(residues),
            "entries": sum(one.what == "entry" for one in gone),
            "originals": sum(one.what == "original" for one in gone),
            "objects": len({(one.key, one.site) for one in objects}),
        },
        "rules": [
            {"rule": rule, "clause": went.clauses.get(rule, ""), "entries": count}
            for rule, count in sorted(Counter(one.rule for one in gone).items())
        ],
        "dropped": dict(sorted(dropped.items())),
        "entries": [[one.id, one.what] for one in sorted(gone)],
        "ids_sha256": ids_digest((one.id, one.what) for one in gone),
        "segments": [_segment_told(one) for one in residues],
        "removed": _removed(archive, record, residues, objects),
        "objects": sorted([one.site, one.key, one.version, one.bytes] for one in objects),
    }


def _removed_objects(record: DisposalRecord, left: Sequence[LeftCopy]) -> list[RemovedObject]:
    """What was to go, without what a store refused."""
    refused = {(one.where, one.what) for one in left}
    return [one for one in record.removing if (one.site, f"{one.key} {one.version}") not in refused]


def _segment_told(residue: KnownSegment) -> dict[str, Any]:
    """The batches whose receipts' leaves are kept, and where they stand among the entries of the archive."""
    manifest = residue.manifest
    return {
        "residue": manifest.segment,
        "manifest": residue.key,
        "replaces": list(manifest.replaces),
        "covers": [[one.writer, one.first, one.last] for one in manifest.covers],
        "first": rfc3339_us(manifest.first_us),
        "last": rfc3339_us(manifest.last_us),
    }


def _removed(
    archive: Archive,
    record: DisposalRecord,
    residues: Sequence[KnownSegment],
    went: Sequence[RemovedObject],
) -> list[dict[str, Any]]:
    """By site and segment; ``at``: since when nothing of it lies there, None: something is left."""
    found = []
    for site in archive.sites:
        for residue in residues:
            objects = [one for one in went if (one.site, one.residue) == (site, residue.key)]
            at = record.removed.get((site, residue.key))
            found.append(
                {
                    "site": site,
                    "segment": residue.manifest.segment,
                    "replaced": list(residue.manifest.replaces),
                    "objects": len(objects),
                    "bytes": sum(one.bytes for one in objects),
                    "at": rfc3339_seconds(at) if at else None,
                }
            )
    return found
