"""Looks into the table of legal duties. Pure."""

from __future__ import annotations

from datetime import date

from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.law.model import LegalDuty
from vanvault.archiver.core.law.table import DUTIES


def duties(*, on: date | None = None) -> tuple[LegalDuty, ...]:
    """All duties, or those whose text is known to be in force on a day."""
    return tuple(duty for duty in DUTIES if on is None or duty.holds_on(on))


def duty_of(name: str, text: str) -> LegalDuty:
    """What one text asks for under this name. Raises NotFound."""
    for duty in DUTIES:
        if duty.name == name and duty.text.id == text:
            return duty
    raise NotFound(f"the table of legal duties has no {name!r} of {text!r}")


def figure(name: str, *, text: str) -> float | None:
    """The value that a text states; None where no clause was found. Raises NotFound."""
    return duty_of(name, text).value


def citation(name: str, *, text: str, language: str = "en") -> str:
    """Text, clause and mark, for a report or a refusal. Raises NotFound."""
    return duty_of(name, text).citation(language)
