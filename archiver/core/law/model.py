"""A legal duty, how sure it is, and how it is cited. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from vanvault.archiver.core.law.meeting import MET_BY, DutyMet
from vanvault.archiver.core.law.texts import LegalText


class HowKnown(StrEnum):
    """How a duty is known, the surest first. None of them is a reading of the full text."""

    SOURCE = "source"
    EXCERPT = "excerpt"
    NOTES = "notes"
    NOT_FOUND = "not-found"

    def words(self, language: str) -> str:
        """What stands beside each citation."""
        return _MARKS[self][language == "vi"]


_MARKS = {
    HowKnown.SOURCE: ("by the source documents of the project", "theo tài liệu nguồn của dự án"),
    HowKnown.EXCERPT: ("by an excerpt on a law site", "theo trích dẫn trên trang văn bản pháp luật"),
    HowKnown.NOTES: ("by notes of others on its clauses", "theo ghi chú của bên thứ ba về điều khoản"),
    HowKnown.NOT_FOUND: ("no clause was found", "chưa tìm thấy điều khoản"),
}


@dataclass(frozen=True, slots=True)
class LegalDuty:
    """One thing that one text asks for, in one period.

    ``name`` is the same in every text that asks for the same thing. A duty without a clause says so; one
    whose mark is NOT_FOUND has no value either.
    """

    name: str
    text: LegalText
    clause: str  # "" when no clause is known
    clause_vi: str
    mark: HowKnown
    value: float | None
    unit: str  # "years", "hours", "percent of a year", ...; "" without a value
    en: str
    vi: str

    @property
    def since(self) -> date | None:
        """The first day on which it holds; None: not found."""
        return self.text.in_force_from

    @property
    def until(self) -> date | None:
        """The first day on which it no longer holds; None: no end was found."""
        return self.text.in_force_until

    def holds_on(self, day: date) -> bool:
        """Whether its text is known to be in force on ``day``. A text without a known first day is not."""
        return self.since is not None and self.since <= day and (self.until is None or day < self.until)

    @property
    def met(self) -> DutyMet:
        """What meets it, and what shows that."""
        return MET_BY[self.name]

    def words(self, language: str) -> str:
        """The duty in a sentence, in "vi" or "en"."""
        return self.vi if language == "vi" else self.en

    def citation(self, language: str = "en") -> str:
        """The text, the clause and the mark: never the duty as if it were certain."""
        title, known = self.text.title(language), self.mark.words(language)
        if self.mark is HowKnown.NOT_FOUND:
            return f"{title} ({known})"
        if not self.clause:
            return f"{title}, {'chưa rõ điều khoản' if language == 'vi' else 'clause not known'} ({known})"
        return f"{title}, {self.clause_vi if language == 'vi' else self.clause} ({known})"

    def cited_on(self, day: date, language: str = "en") -> str:
        """The citation, with whether its text is known to be in force on ``day``."""
        cited = self.citation(language)
        if self.holds_on(day):
            return cited
        if self.since is None:
            said = ("its first day is not known", "chưa rõ ngày có hiệu lực")
        elif day < self.since:
            said = (f"not in force before {self.since}", f"chưa có hiệu lực trước {self.since:%d/%m/%Y}")
        else:
            said = (f"no longer in force since {self.until}", f"hết hiệu lực từ {self.until:%d/%m/%Y}")
        return f"{cited}; {said[language == 'vi']}"

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "name": self.name,
            "text": self.text.id,
            "title": {"en": self.text.en, "vi": self.text.vi},
            "clause": {"en": self.clause, "vi": self.clause_vi},
            "mark": self.mark.value,
            "value": self.value,
            "unit": self.unit,
            "in_force_from": self.since.isoformat() if self.since else None,
            "in_force_until": self.until.isoformat() if self.until else None,
            "limited": {"en": self.text.limited, "vi": self.text.limited_vi} if self.text.limited else None,
            "duty": {"en": self.en, "vi": self.vi},
            "citation": {"en": self.citation("en"), "vi": self.citation("vi")},
            "met": self.met.as_json(),
        }
