"""The one run of an extraction: checked, counted again, approved, on record as a look, then written.

Each step is durable before the next begins::

    claim in the home > approval used up > extraction.begun > looks > pages and checkpoints > extraction.ran

Who has the claim that ``begun`` names goes on after a kill, into the same file, until the last day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import AccessDenied, Conflict
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.export import ExportRequest, Narrowing, export
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.people.extraction import Extraction
from vanvault.recovery.extraction.approval import use_approval, wish_of
from vanvault.recovery.extraction.claim import RunClaim, claim_of, new_claim
from vanvault.recovery.extraction.copies import check_copies, reading_copies
from vanvault.recovery.extraction.finished import finished_file
from vanvault.recovery.extraction.host import ExtractionHost
from vanvault.recovery.extraction.record import MOST_ENTRIES, found_entries, known_extractions, query_of

#: Ids that one look names.
_IDS_OF_A_LOOK = 1000

Shows = Callable[[Sequence[str]], None]
OnItems = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class RunExtraction:
    """A finished run."""

    extraction: Extraction
    output: Path
    already: bool  # an earlier run had written the file
    unreadable: tuple[dict[str, str], ...] = ()  # as the manifest names them

    def as_json(self, now: datetime) -> dict[str, Any]:
        """As JSON values."""
        return {
            **self.extraction.as_json(now),
            "output": str(self.output),
            "already": self.already,
            "unreadable": list(self.unreadable),
        }


def run_extraction(
    host: ExtractionHost,
    id: str,
    output: Path,
    who: Requester,
    shows: Shows,
    step: OnItems = lambda items: None,
) -> RunExtraction:
    """Write the file of an approved extraction to ``output``, or go on where a run of this home was stopped.

    Args:
        shows: puts a look at these entries on record; returns once it is there.

    Raises:
        ApprovalNeeded: others must approve it first; the request for that is on record and named.
        AccessDenied: its last day is past.
        Conflict: other entries are found than were approved; it ran already, or runs elsewhere; the output
            is there.
        NotFound, InvalidInput, SiteUnavailable, Busy, KeyUnavailable, Damaged.
    """
    archive = host.archive
    host.level()
    extraction = known_extractions(archive).get(id)
    output = output.absolute()
    claim = claim_of(archive.home, id)
    if extraction.result is not None and claim is not None and claim.output == output and output.exists():
        told = finished_file(archive, extraction, output)
        return RunExtraction(extraction, output, already=True, unreadable=told.unreadable if told else ())
    check_may_run(extraction, archive.clock.now())
    ids = _counted(archive, extraction)
    check_copies(extraction.form, len(ids))
    if extraction.start is None:
        if output.exists() or output.is_symlink():
            raise Conflict(f"{output} is there already", hint="Nothing is replaced: name another file.")
        # An earlier run may have begun where nobody sees it yet: with its claim it can go on.
        if claim is None or claim.output != output:
            claim = new_claim(archive.home, id, output, archive.entropy)
        extraction = _begun(host, extraction, claim, who)
    _check_claim(extraction, claim, output)
    for first in range(0, max(len(ids), 1), _IDS_OF_A_LOOK):
        shows(ids[first : first + _IDS_OF_A_LOOK])
    written = finished_file(archive, extraction, output)
    if written is None or _goes_on(output):
        at = host.exporting()
        export(archive, _request(extraction), output, who=who.name, step=step, host=at)
        host.level()  # the record of its end
        written = finished_file(archive, extraction, output)
        assert written is not None  # noqa: S101 - the export has just ended
    host.record(EventType.EXTRACTION_RAN, {**written.detail, "who": who.name})
    return RunExtraction(
        known_extractions(archive).get(id), output, already=False, unreadable=written.unreadable
    )


def _goes_on(output: Path) -> bool:
    """Did an earlier run leave a checkpoint?"""
    return (output.with_name(f"{output.name}.part") / "state.json").exists()


def check_may_run(extraction: Extraction, now: datetime) -> None:
    """Raises AccessDenied (past its last day), Conflict (ran already, or its record cannot be read)."""
    state = extraction.state(now)
    if state in ("requested", "begun"):
        return
    if state == "over":
        raise AccessDenied(
            f"the last day of {extraction.id} was {extraction.form.until}: nothing of it is given out now",
            authenticated=True,
            hint="Where the agency asks again, make a new form: vanvault extract request.",
        )
    if state == "unclear":
        raise Conflict(
            f"an event of {extraction.id} cannot be read by this version, or it began twice",
            hint="Make a new form: vanvault extract request.",
        )
    raise Conflict(
        f"{extraction.id} ran already: one approval is one use",
        hint="Where the file is needed again, make a new form: vanvault extract request.",
    )


def _counted(archive: Archive, extraction: Extraction) -> list[str]:
    """Ids of the entries, which must be as many as were approved."""
    query = replace(query_of(extraction.form), to_us=to_us(parse_rfc3339(extraction.before)))
    ids = [str(item["id"]) for item in found_entries(archive, query)]
    if len(ids) != extraction.count:
        many = f"more than {MOST_ENTRIES}" if len(ids) > MOST_ENTRIES else len(ids)
        raise Conflict(
            f"{many} entries are found now, and the form was put on record with {extraction.count}",
            hint="What was approved is not what would be given out. Make the form anew, with an end of its"
            " period (--to) that is past, and let it be approved: vanvault extract request.",
        )
    return ids


def _begun(host: ExtractionHost, extraction: Extraction, claim: RunClaim, who: Requester) -> Extraction:
    wish = wish_of(host.archive, extraction, who)
    good = use_approval(host.archive, wish, who)
    host.record(
        EventType.EXTRACTION_BEGUN,
        {
            "extraction": extraction.id,
            "digest": extraction.form.digest,
            "claim": claim.digest,
            "approval": good.as_json(),
            "asked": wish.as_json(),
            "who": who.name,
        },
    )
    return known_extractions(host.archive).get(extraction.id)


def _check_claim(extraction: Extraction, claim: RunClaim | None, output: Path) -> None:
    start = extraction.start
    if start is None or claim is None or claim.digest != start.claim:
        raise Conflict(
            f"{extraction.id} began elsewhere, and its approval is used up",
            hint="Go on at the home where it began, or make a new form: vanvault extract request.",
        )
    if claim.output != output:
        raise Conflict(
            f"{extraction.id} began into {claim.output}", hint=f"Go on there: --output {claim.output}"
        )


def _request(extraction: Extraction) -> ExportRequest:
    form, start = extraction.form, extraction.start
    assert start is not None  # noqa: S101 - it began
    query = replace(query_of(form), to_us=to_us(parse_rfc3339(extraction.before)))
    members = {"form.json": form.canonical, "approval.json": canonical(dict(start.asked))}
    narrowing = Narrowing(
        frozenset(form.fields),
        statement_of(extraction),
        extraction.count,
        members,
        lambda lines: reading_copies(extraction, lines),
    )
    return ExportRequest("zip", query, form.purpose, narrowing)


def statement_of(extraction: Extraction) -> dict[str, Any]:
    """What the manifest says of an extraction that began."""
    form, start = extraction.form, extraction.start
    assert start is not None  # noqa: S101 - it began
    told = form.as_json()
    return {
        "id": extraction.id,
        "form_sha256": form.digest,
        "fields": told["fields"],
        "absent": list(form.absent),
        "letter": told["letter"],
        "recipient": told["recipient"],
        "until": told["until"],
        "approval": dict(start.approval),
    }
