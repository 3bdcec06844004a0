"""What a verification finds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vanvault.archiver.core.error_table import ExitCode
from vanvault.recovery.verified import Problem, is_failing, is_harm, is_whole
from vanvault.recovery.work import Extent


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    site: str  # "" when it is no single site's, such as a key's
    key: str  # of the object, as far as it is known; a stray's path; a master key's id
    problem: Problem
    detail: str
    retain_until: datetime | None = None  # how long the object must be locked, where that is known
    whole_version: str = ""  # an older version at this site that holds the right bytes

    @property
    def failing(self) -> bool:
        """Does this keep the archive from being whole?"""
        return is_failing(self.problem)

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "site": self.site,
            "key": self.key,
            "problem": self.problem,
            "detail": self.detail,
            "failing": self.failing,
        }


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The outcome of one verification."""

    sites: Mapping[str, Extent]  # by site: versions that were read back, and their bytes
    objects: int  # names of the archive that some site lists
    messages: int  # rows that were decoded and checked
    events: int
    findings: tuple[Finding, ...]  # by key, then site
    seconds: float

    @property
    def whole(self) -> bool:
        """Is everything at every verified site as it must be?"""
        return is_whole(finding.problem for finding in self.findings)

    @property
    def harmed(self) -> tuple[Finding, ...]:
        """What is wrong with the archive itself, whatever else somebody has put at its sites."""
        return tuple(one for one in self.findings if is_harm(one.problem))

    @property
    def bytes(self) -> int:
        """Bytes that were re-read, at all sites together."""
        return sum(extent.bytes for extent in self.sites.values())

    @property
    def exit_code(self) -> ExitCode:
        """KEYS asks for another remedy than damage, and comes first: without keys little else is known."""
        if self.whole:
            return ExitCode.OK
        if any(finding.problem == "key" for finding in self.findings):
            return ExitCode.KEYS
        return ExitCode.CHECK_FAILED

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "whole": self.whole,
            "objects": self.objects,
            "messages": self.messages,
            "events": self.events,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "sites": {
                site: {"objects": extent.objects, "bytes": extent.bytes}
                for site, extent in self.sites.items()
            },
            "findings": [finding.as_json() for finding in self.findings],
        }
