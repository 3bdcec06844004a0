"""How the clocks stand now, and what the archive knows of clocks that were wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import WrongClock
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import from_us, rfc3339_us, to_us
from vanvault.archiver.journal import AcceptedClock
from vanvault.archiver.replicas import ClockVerdict


@dataclass(frozen=True, slots=True)
class ClockState:
    """Clocks, the archive's latest time, and acceptances on record."""

    now: datetime  # the host's
    sites: dict[str, datetime | None]  # None: the site gives no time
    verdict: ClockVerdict  # of those clocks alone
    last_us: int  # how far the archive is; 0: it is empty
    ahead: tuple[WrongClock, ...]  # not accepted
    accepted: tuple[AcceptedClock, ...]  # the oldest first

    @property
    def exit_code(self) -> ExitCode:
        """CHECK_FAILED: clocks disagree, or entries with times to come are not accepted."""
        return ExitCode.CHECK_FAILED if self.ahead or not self.verdict.ok else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "now": rfc3339_us(to_us(self.now)),
            "sites": {name: _text(time) for name, time in self.sites.items()},
            "agree": self.verdict.ok,
            "detail": self.verdict.detail,
            "last_archived": rfc3339_us(self.last_us) if self.last_us else None,
            "ahead": [writer_as_json(one) for one in self.ahead],
            "accepted": [accepted_as_json(one) for one in self.accepted],
        }


def show(archive: Archive) -> ClockState:
    """The state as of now; the caller folds first. Raises Damaged, SiteUnavailable (index)."""
    now = archive.clock.host.now()
    verdict, sites = archive.trust.present_clocks()
    return ClockState(
        now=now,
        sites=sites,
        verdict=verdict,
        last_us=archive.tail.last_received_us(),
        ahead=tuple(ahead_now(archive, now)),
        accepted=tuple(archive.clock_record.accepted()),
    )


def ahead_now(archive: Archive, now: datetime) -> list[WrongClock]:
    """Writers with times after ``now`` that no acceptance speaks of; none within the allowed skew."""
    found = archive.tail.ahead_of(to_us(now))
    allowed = archive.trust.max_skew
    return found if any(from_us(one.until_us) > now + allowed for one in found) else []


def writer_as_json(one: WrongClock) -> dict[str, str]:
    """A writer whose clock was ahead, as JSON values."""
    return {"writer": one.writer, "from": rfc3339_us(one.from_us), "until": rfc3339_us(one.until_us)}


def accepted_as_json(one: AcceptedClock) -> dict[str, Any]:
    """An acceptance on record, as JSON values."""
    return {
        "id": one.id,
        "at": rfc3339_us(one.at_us),
        "writers": [writer_as_json(writer) for writer in one.writers],
        "reason": one.reason,
        "who": one.who,
        "approved_by": one.approved_by,
    }


def _text(time: datetime | None) -> str | None:
    return None if time is None else rfc3339_us(to_us(time))
