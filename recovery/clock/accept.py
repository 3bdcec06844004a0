"""The acceptance: a decision of people, on record, that every node folds and goes by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import WrongClock
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import AccessDenied, InvalidInput
from vanvault.archiver.core.times import rfc3339_us, to_us
from vanvault.archiver.journal import EventType, accepted_details
from vanvault.recovery.clock.show import ahead_now, writer_as_json

_MAX_TEXT = 1_000  # characters


@dataclass(frozen=True, slots=True)
class AcceptanceRequest:
    """Who accepts a clock that was ahead, and why."""

    reason: str
    who: str
    approved_by: str = ""  # the second person, where settings ask for one


@dataclass(frozen=True, slots=True)
class AcceptanceReport:
    """What was accepted; no writers: no time lies ahead, so nothing was put on record."""

    at_us: int
    writers: tuple[WrongClock, ...]
    request: AcceptanceRequest

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "accepted": bool(self.writers),
            "at": rfc3339_us(self.at_us),
            "writers": [writer_as_json(one) for one in self.writers],
            "reason": self.request.reason,
            "who": self.request.who,
            "approved_by": self.request.approved_by,
        }


def accept(archive: Archive, request: AcceptanceRequest) -> AcceptanceReport:
    """Put on record that the clocks are right now, so that the archive goes on from here.

    Raises:
        InvalidInput: no reason, no name, or too long a one.
        AccessDenied: a second person is needed.
        SiteUnavailable: the clocks disagree now, or no site tells the time or takes the event.
    """
    _check(archive, request)
    archive.refresh()
    archive.trust.check_present_clocks()
    now = archive.clock.host.now()
    writers, at_us = ahead_now(archive, now), to_us(now)
    if writers:
        details = accepted_details(
            at_us, writers, reason=request.reason, who=request.who, approved_by=request.approved_by
        )
        archive.record_events(
            lambda: [archive.system_event(EventType.CLOCK_ACCEPTED, detail) for detail in details],
            accepting_at=at_us,
        )
        archive.clock_record.learn()
    return AcceptanceReport(at_us, tuple(writers), request)


def _check(archive: Archive, request: AcceptanceRequest) -> None:
    named = {"reason": request.reason, "by": request.who}
    if request.approved_by:
        named["approved-by"] = request.approved_by
    for field, text in named.items():
        if not text.strip() or len(text) > _MAX_TEXT:
            raise InvalidInput(
                f"{field} has 1 to {_MAX_TEXT} characters",
                field=field,
                hint=f"It goes on record; give it with --{field}.",
            )
    if not archive.settings.failover.approval:
        return
    if request.approved_by.strip() in ("", request.who.strip()):
        raise AccessDenied(
            "another person must approve that a clock is accepted",
            authenticated=True,
            hint="Ask a second person to look at: vanvault clock show. Then name them: --approved-by WHO.",
        )
