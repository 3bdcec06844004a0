"""Pages of disposals: what was disposed of or is to be, by whose decision, and what is left. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vanvault.recovery.documents import Language
from vanvault.recovery.standings import reason_told


@dataclass(frozen=True, slots=True)
class DisposalLine:
    """One disposal in a table; moments are RFC 3339."""

    id: str
    state: str
    planned_at: str
    who: str
    entries: int
    originals: int
    bytes: int
    segments: int
    cools_until: str | None

    @property
    def is_wrong(self) -> bool:
        """Must somebody see to it?"""
        return self.state in ("half-done", "unclear")


@dataclass(frozen=True, slots=True)
class DisposalsView:
    """The page of all disposals, the newest first."""

    disposals: tuple[DisposalLine, ...]
    complete: bool  # nothing of the record is missing


@dataclass(frozen=True, slots=True)
class LeftCopyShown:
    """A copy that is left, by the newest certificate."""

    where: str
    what: str
    why: str
    until: str | None  # None: not known


@dataclass(frozen=True, slots=True)
class DisposalView:
    """The page of one. ``told``: the disposal as the API tells it."""

    line: DisposalLine
    told: Mapping[str, Any]
    left: tuple[LeftCopyShown, ...]
    trouble: str  # why its certificate cannot be read now, in the program's words
    approves: bool  # may who opens the page approve?

    @staticmethod
    def reason(name: str, language: Language) -> str:
        """Why something stays, as people read it."""
        return reason_told(name, language)


def disposal_line(told: Mapping[str, Any]) -> DisposalLine:
    """A disposal as the API tells it."""
    return DisposalLine(
        id=told["disposal"],
        state=told["state"],
        planned_at=told["planned_at"],
        who=told["who"],
        entries=told["entries"],
        originals=told["originals"],
        bytes=told["bytes"],
        segments=told["segments"],
        cools_until=told["cools_until"],
    )


def left_copies(report: Mapping[str, Any] | None) -> tuple[LeftCopyShown, ...]:
    """What a certificate names as left; its own words are English."""
    left = report["remaining"] if report else []
    return tuple(LeftCopyShown(one["where"], one["what"], one["why"], one["until"]) for one in left)
