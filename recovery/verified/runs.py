"""Verifications that were made, and which subset of the archive is to be read next. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import rfc3339_seconds

_SUBSET = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Subset:
    """Part ``number`` of ``of`` equal parts of the objects, by digest: n runs of n parts read all.

    Names, presence and chains are checked whole in each part. Raises InvalidInput unless
    1 <= number <= of.
    """

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise InvalidInput("a subset is n/t with n from 1 to t, such as 3/30", field="share")

    @classmethod
    def parse(cls, text: str) -> Subset:
        """``3/30`` is the third of thirty. Raises InvalidInput."""
        match = _SUBSET.fullmatch(text)
        if match is None:
            raise InvalidInput("a subset is written n/t, such as 3/30", field="share")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def is_whole(self) -> bool:
        return self.of == 1

    def holds(self, sha256: bytes) -> bool:
        """Is the object with this digest in the subset?"""
        return int.from_bytes(sha256[:8]) % self.of == self.number - 1

    def holds_segment(self, segment: str, last: bytes) -> bool:
        """Is the segment, with all its objects? ``last``: the digest of the one that is last by name."""
        return self.holds(last)


@dataclass(frozen=True, slots=True)
class SiteRun:
    """What one run did at one site."""

    began: datetime  # by the site's own clock, before anything was listed
    objects: int  # versions that were read back
    size: int  # bytes of them
    damaged: frozenset[bytes] = frozenset()  # digests in the names of objects that are not whole here
    aside: int = 0  # what lies here and is not the archive's


@dataclass(frozen=True, slots=True)
class VerifyRun:
    """One verification on record."""

    finished: datetime
    subset: Subset
    whole: bool
    findings: Mapping[str, int]  # problem -> how many
    named: bool  # are all failing findings named in ``sites``? Else the run vouches for no object
    asked: frozenset[str]  # sites that it was to read
    sites: Mapping[str, SiteRun]  # those that it could read
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "finished_at": rfc3339_seconds(self.finished),
            "subset": str(self.subset),
            "whole": self.whole,
            "findings": dict(self.findings),
            "asked": sorted(self.asked),
            "sites": {
                name: {
                    "objects": site.objects,
                    "bytes": site.size,
                    "damaged": sorted(digest.hex() for digest in site.damaged),
                    "aside": site.aside,
                }
                for name, site in sorted(self.sites.items())
            },
            "seconds": self.seconds,
        }


def next_subset(runs: Iterable[VerifyRun], parts: int, sites: Collection[str]) -> Subset:
    """The subset whose turn it is: of those never read the first, else the one that was tried longest ago.

    A try counts though a site was away or something was wrong: otherwise one subset that cannot be read
    would keep all others waiting. Runs over some of the sites do not count.
    """
    tried: list[datetime | None] = [None] * parts
    for run in runs:
        if run.asked >= set(sites) and parts % run.subset.of == 0:
            for number in range(run.subset.number - 1, parts, run.subset.of):
                before = tried[number]
                tried[number] = run.finished if before is None else max(before, run.finished)
    turn = min(range(parts), key=lambda number: (tried[number] or _NEVER, number))
    return Subset(turn + 1, parts)
