"""A plan: what could go now, signed and archived, and put before others.

Each step is durable before the next begins: plan and event in one commit, then the request for approval, then
the files in the home.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment
from vanvault.archiver.core.errors import ApprovalNeeded, Conflict, InvalidInput
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import from_us, rfc3339_seconds, rfc3339_us, to_us
from vanvault.archiver.disposal import COOLING, DisposalPlan, PlanMaking, SegmentStanding, what_stops
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.approvals import Requester
from vanvault.recovery.approvals import need
from vanvault.recovery.disposal.papers import SignedPaper, signed_paper
from vanvault.recovery.disposal.standing import archive_standing
from vanvault.recovery.disposal_record import KnownDisposal, disposal_wish, known_disposals
from vanvault.recovery.documents import write_bundle
from vanvault.recovery.standings import Standings, segment_standing
from vanvault.recovery.verified import verify_runs
from vanvault.recovery.work import QUIET, Observer, archive_with_event, catch_up, own_message

FOLDER = "disposals"
_ID_BYTES = 8
#: Rows of segments that are read together.
_ROWS = 500_000


@dataclass(frozen=True, slots=True)
class PlanWish:
    """What somebody wants to be planned; without anything, all that is due."""

    until: date | None = None  # only what was due by this day of Vietnam
    gateways: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MadePlan:
    """A plan on record, or that there is nothing to plan."""

    plan: DisposalPlan
    known: KnownDisposal | None  # None: nothing of it is due, so nothing is on record
    folder: Path | None = None

    def as_json(self) -> dict[str, Any]:
        """As JSON values, without the list of entries: that is in the signed plan."""
        told = self.plan.as_json()
        del told["entries"]
        return {
            "disposal": self.known.as_json() if self.known else None,
            "plan": told,
            "folder": str(self.folder) if self.folder else None,
        }


def plan_disposal(archive: Archive, wish: PlanWish, who: Requester, observer: Observer = QUIET) -> MadePlan:
    """Look at what the law no longer asks for, and put a plan on record that others approve.

    Raises Conflict: something speaks against any disposal now, which is named, or another one is not over;
    InvalidInput (the archive's own gateway), SiteUnavailable, Busy, KeyUnavailable, Damaged (the record
    cannot be read), SettingsError.
    """
    catch_up(archive, observer.warn)
    check_gateways(archive, wish.gateways)
    standings = Standings(archive)
    check_nothing_stops(archive, standings, observer)
    _check_alone(archive)
    plan = _look(archive, standings, wish)
    if not plan.entries:
        return MadePlan(plan, None)
    id, now = f"d-{archive.entropy.token(_ID_BYTES).hex()}", archive.clock.now()
    paper = signed_paper(archive, "plan", _body(archive, id, wish, who, plan), now)
    digest = hashlib.sha256(paper.data).hexdigest()
    detail: dict[str, object] = {
        "disposal": id,
        "digest": digest,
        "plan": plan_message_id(id),
        **plan.counts,
        "requester": who.key,
        "who": who.name,
    }
    archive_paper(archive, plan_message_id(id), paper, EventType.DISPOSAL_PLANNED, detail)
    archive.refresh()
    _ask(archive, known_disposals(archive).get(id), who)
    folder = archive.home / FOLDER / id / "plan"
    write_bundle(folder, paper.files)
    archive.refresh()
    return MadePlan(plan, known_disposals(archive).get(id), folder)


def check_nothing_stops(archive: Archive, standings: Standings, observer: Observer) -> None:
    """Raises Conflict: names everything that speaks against any disposal now."""
    stops = what_stops(archive_standing(archive, standings, observer), archive.clock.now())
    if stops:
        raise Conflict(
            f"nothing is disposed of now: {'; '.join(stops.values())}",
            hint="See to that first: vanvault status.",
        )


def check_gateways(archive: Archive, gateways: Sequence[str]) -> None:
    """Raises InvalidInput: it is the archive's own, whose lines are never disposed of."""
    if SYSTEM_GATEWAY in gateways:
        raise InvalidInput("the archive's own lines are never disposed of", field="gateway")


def archive_paper(
    archive: Archive, id: str, paper: SignedPaper, type: str, detail: dict[str, object]
) -> None:
    """Archive a bundle as a message of the archive's own, with its event, in one commit at every site."""
    message = own_message(archive, id, paper.bundle, kind="disposal-paper", content_type="application/zip")
    archive_with_event(archive, message, type, detail)


def plan_message_id(disposal: str) -> str:
    """The id under which the bundle of a plan is archived."""
    return f"disposal-{disposal}.plan"


def _check_alone(archive: Archive) -> None:
    """Raises Conflict: what another one plans would be planned twice."""
    for one in known_disposals(archive):
        if one.state in ("planned", "cooling", "ready", "running", "half-done"):
            raise Conflict(
                f"the disposal {one.record.id} is {one.state}, and one goes after the other",
                hint=f"Let it come to its end, or take it back: vanvault disposal withdraw {one.record.id}",
            )


def _look(archive: Archive, standings: Standings, wish: PlanWish) -> DisposalPlan:
    making = PlanMaking(
        archive.clock.now(), archive.settings.disposal.most_entries, wish.until, frozenset(wish.gateways)
    )
    open_segments: list[tuple[KnownSegment, SegmentStanding]] = []
    for segment in archive.catalogue.segments():
        standing = segment_standing(archive, segment)
        if making.look(standing):
            open_segments.append((segment, standing))
    for group in _together(open_segments):
        if making.is_full:
            making.leave()
            break
        of = {segment.key: standing for segment, standing in group}
        for segment, entries in standings.entries_of([segment for segment, _ in group]):
            if entries is None:
                making.leave_out(segment.manifest.segment, "unread", "it could not be read whole")
            else:
                making.take(of[segment.key], entries)
    return making.done()


def _together(
    segments: Sequence[tuple[KnownSegment, SegmentStanding]],
) -> Iterator[list[tuple[KnownSegment, SegmentStanding]]]:
    """Segments that are read in one pass over all logs, by their rows: so much lies in memory at once."""
    group: list[tuple[KnownSegment, SegmentStanding]] = []
    rows = 0
    for one in segments:
        if group and rows + one[0].manifest.rows > _ROWS:
            yield group
            group, rows = [], 0
        group.append(one)
        rows += one[0].manifest.rows
    if group:
        yield group


def _body(archive: Archive, id: str, wish: PlanWish, who: Requester, plan: DisposalPlan) -> dict[str, Any]:
    verified: dict[str, str] = {}
    for run in verify_runs(archive.search):
        for site, one in run.sites.items():
            verified.setdefault(site, rfc3339_seconds(one.began))
        if len(verified) >= len(archive.sites):
            break
    return {
        "id": id,
        "made_at": rfc3339_us(to_us(archive.clock.now())),
        "who": who.name,
        "requester": who.key,
        "until": wish.until.isoformat() if wish.until else None,
        "gateways": sorted(wish.gateways),
        "profile": archive.profile.name,
        "verified": verified,
        "newest": rfc3339_seconds(from_us(archive.tail.last_received_us())),
        "cooling_days": COOLING.days,
        **plan.as_json(),
    }


def _ask(archive: Archive, known: KnownDisposal, who: Requester) -> str:
    """The id of the request for approval, which is put on record."""
    wish = disposal_wish(known.record)
    try:
        good = need(archive, wish.act, wish.subject, who, use=False)
    except ApprovalNeeded as asked:
        return asked.request
    return good.request if good else ""
