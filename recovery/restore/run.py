"""One restore of a site as an operator asks for it: plan, copy, put on record, verify, judge the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.recovery.restore.archive import folders_alike, survey
from vanvault.recovery.restore.deadline import Deadline, Pace
from vanvault.recovery.restore.plan import RestorePlan
from vanvault.recovery.restore.restore import RestoreReport, restore_site
from vanvault.recovery.work import QUIET, Effort, Observer, catch_up, put_on_record, put_set_aside_on_record

if TYPE_CHECKING:
    from vanvault.recovery.verify import VerifyReport

RESTORED = "site.restored"


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What to rebuild, and by when."""

    source: str  # the good site; the other is rebuilt
    incident: datetime | None = None  # when data was lost: the limit of 8 hours counts from there
    verify: bool = True  # both sites, at the end
    workers: int = 8
    who: str = ""  # whose restore it is, for the record

    @property
    def deadline(self) -> Deadline | None:
        return Deadline(self.incident) if self.incident else None


@dataclass(frozen=True, slots=True)
class RestoreEstimate:
    """What a restore would do and how long it would take; nothing was done."""

    plan: RestorePlan
    seconds: float | None  # at the last measured rate; None: nothing was measured yet
    now: datetime
    deadline: Deadline | None

    @property
    def ends(self) -> datetime | None:
        return self.now + timedelta(seconds=self.seconds) if self.seconds is not None else None

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        timing = _timing(self.deadline, self.ends or self.now)
        if self.ends is None and timing["in_time"]:
            timing["in_time"] = None
        return {
            "dry_run": True,
            **self.plan.as_json(),
            "estimated_seconds": round(self.seconds, 3) if self.seconds is not None else None,
            "estimated_end": rfc3339_seconds(self.ends) if self.ends else None,
            **timing,
        }


@dataclass(frozen=True, slots=True)
class Restoration:
    """A restore that is over."""

    report: RestoreReport
    verified: VerifyReport | None  # None: nobody asked for it
    ended: datetime
    deadline: Deadline | None
    recorded: bool

    @property
    def whole(self) -> bool:
        """Does the target hold all that the source holds, and did both verify, if that was asked for?"""
        return self.report.whole and (self.verified is None or self.verified.whole)

    @property
    def exit_code(self) -> ExitCode:
        if not self.report.whole:
            return ExitCode.CHECK_FAILED
        return self.verified.exit_code if self.verified else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        report, verified = self.report, self.verified
        return {
            "whole": self.whole,
            **report.plan.as_json(),
            "copied": {"objects": report.copied.objects, "bytes": report.copied.bytes},
            "failures": [finding.as_json() for finding in report.failures],
            "seconds": round(report.seconds, 3),
            "verification": verified.as_json() if verified else None,
            **_timing(self.deadline, self.ended),
        }


def estimate_restore(
    archive: Archive, request: RestoreRequest, bytes_per_s: float | None, observer: Observer = QUIET
) -> RestoreEstimate:
    """What ``restore`` would copy. ``bytes_per_s``: the last measured rate. Raises as ``survey`` does."""
    plan = survey(archive, request.source, create=False)
    _note(plan, observer)
    seconds = plan.todo.bytes / bytes_per_s if bytes_per_s else None
    return RestoreEstimate(plan, seconds, archive.clock.now(), request.deadline)


def restore(archive: Archive, request: RestoreRequest, observer: Observer = QUIET) -> Restoration:
    """Rebuild the other site from ``request.source``, put it on record, and verify both.

    What the target holds already is not copied again, so the same call resumes an interrupted restore.
    Raises as ``survey``, ``restore_site`` and ``verify_archive`` do.
    """
    plan = survey(archive, request.source, create=True)
    _note(plan, observer)
    folders = folders_alike(archive, plan.target, request.source)
    with observer.progress(f"restoring {plan.target}", plan.todo) as step:
        if request.deadline is not None:
            limit = rfc3339_seconds(request.deadline.at)

            def late(end: datetime) -> None:
                ends = rfc3339_seconds(end)
                observer.alarm(f"at this pace it ends at {ends}, after the limit of 8 hours, {limit}")

            step = Pace(step, request.deadline, plan.todo, archive.clock, late)
        report = restore_site(
            plan,
            archive.sites[request.source],
            archive.sites[plan.target],
            effort=Effort(request.workers),
            step=step,
            clock=archive.clock.now,
            make_folders=folders.make_for if folders else None,
        )
    catch_up(archive, observer.warn)
    recorded = False
    if report.copied.objects:
        recorded = put_on_record(archive, RESTORED, _detail(report), who=request.who, observer=observer)
    put_set_aside_on_record(archive, observer)
    verified: VerifyReport | None = None
    if request.verify:
        from vanvault.recovery.verify import read_back  # much to load, and the copying comes first

        verified = read_back(archive, observer)
    ended = archive.clock.now()
    if request.deadline is not None and not request.deadline.met_by(ended):
        limit = rfc3339_seconds(request.deadline.at)
        observer.alarm(f"this ended after the limit of 8 hours, which was {limit}")
    return Restoration(report, verified, ended, request.deadline, recorded)


def _note(plan: RestorePlan, observer: Observer) -> None:
    if plan.surplus:
        observer.warn(
            f"{plan.target} holds {plan.surplus} objects that {plan.source} lacks; run: vanvault repair"
        )
    if plan.ignored:
        observer.warn(
            f"{plan.ignored} names at {plan.source} are no objects of an archive and are not copied"
        )
    if plan.left_out:
        observer.warn(
            f"{plan.left_out} objects are not copied: segments stand for them, or a disposal let go of them"
        )
    if plan.unread:
        observer.warn(
            f"which large objects a disposal let go of cannot be told, so all are copied: {plan.unread};"
            " vanvault disposal run removes these once it can be read"
        )


def _timing(deadline: Deadline | None, end: datetime) -> dict[str, Any]:
    if deadline is None:
        return {"incident": None, "deadline": None, "in_time": None}
    return {
        "incident": rfc3339_seconds(deadline.incident),
        "deadline": rfc3339_seconds(deadline.at),
        "in_time": deadline.met_by(end),
    }


def _detail(report: RestoreReport) -> dict[str, object]:
    return {
        "site": report.plan.target,
        "from": report.plan.source,
        "objects": report.copied.objects,
        "bytes": report.copied.bytes,
        "failures": len(report.failures),
        "ms": round(report.seconds * 1000),
    }
