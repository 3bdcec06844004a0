"""Pages of reports, and of the table of legal duties. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from vanvault.archiver.core.law import LegalDuty
from vanvault.recovery.documents import Language
from vanvault.recovery.reports import DueReport, MadeReport


@dataclass(frozen=True, slots=True)
class ReportsView:
    """The page of reports. ``due``: of periods that are over, and of the running ones."""

    made: tuple[MadeReport, ...]  # the newest first
    due: tuple[DueReport, ...]
    complete: bool  # nothing that is known is missing


@dataclass(frozen=True, slots=True)
class DutyLine:
    """One duty in one language."""

    name: str
    words: str
    cited: str  # text and clause, how they are known, and whether the text is in force on the day
    limits: str  # what of the text no longer holds
    met: str
    evidence: tuple[str, ...]  # commands
    here: bool  # does this program meet it, or give evidence for it?


@dataclass(frozen=True, slots=True)
class DutiesView:
    """The page of legal duties, as of a day."""

    duties: tuple[DutyLine, ...]
    on: date

    @property
    def elsewhere(self) -> int:
        """How many are met by people or other systems alone."""
        return len({one.name for one in self.duties if not one.here})


def duties_view(duties: Iterable[LegalDuty], on: date, language: Language) -> DutiesView:
    """The table in one language."""
    lines = tuple(
        DutyLine(
            name=one.name,
            words=one.words(language),
            cited=one.cited_on(on, language),
            limits=one.text.limits(language),
            met=one.met.words(language),
            evidence=one.met.evidence,
            here=one.met.is_here,
        )
        for one in duties
    )
    return DutiesView(lines, on)
