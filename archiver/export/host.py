"""Where an export runs: in a home, by a verb, or in a running node; and what it takes away, counted before.

The steps of an export are the same everywhere. What differs is how it comes level with the sites, how its
events and its look go on record, and what its requester may see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item
from vanvault.archiver.export.request import ExportRequest

#: Ids that a survey names, the oldest entries first.
_MOST_IDS = 1000


@dataclass(frozen=True, slots=True)
class ExportSurvey:
    """What an export will hold, for all that is known before its first byte is written."""

    ids: tuple[str, ...]  # of the first thousand entries
    entries: int
    bytes: int  # of originals and events

    def bound(self, request: ExportRequest) -> dict[str, Any]:
        """What an approval of this export is bound to: the request, and how much it takes away."""
        return {**request.fields(), "entries": self.entries, "bytes": self.bytes}


class ExportHost(Protocol):
    """Where an export runs."""

    @property
    def looked(self) -> bool:
        """Is a look put on record besides the export's own events?"""
        ...

    def level(self, *, settle: bool) -> tuple[str, ...]:
        """Come level with what was acknowledged; the batches that no site could give.

        Raises SiteUnavailable, Busy.
        """
        ...

    def record(self, type: str, detail: Mapping[str, object]) -> None:
        """Put an event on record. Raises SiteUnavailable, KeyUnavailable, Busy."""
        ...

    def sees(self, item: Item) -> bool:
        """May the requester see this entry?"""
        ...

    def withheld(self) -> Sequence[Mapping[str, Any]]:
        """What the requester may not see, for the manifest."""
        ...

    def check(self, survey: ExportSurvey) -> None:
        """May it begin? Raises TooLarge: it is more than may be taken away here; ApprovalNeeded."""
        ...

    def shows(self, survey: ExportSurvey) -> None:
        """Told before the first byte is written, and when it is taken up again. Raises as ``record``."""
        ...


class HomeExport:
    """In a home, for who may see everything there."""

    def __init__(
        self,
        archive: Archive,
        look: Callable[[ExportSurvey], None] | None = None,
        ask: Callable[[ExportSurvey], object] | None = None,
    ) -> None:
        """``look`` puts the look on record; without it the export's own events tell who took what.

        ``ask`` lets one begin, with a look: it raises ApprovalNeeded where others must approve it first.
        """
        self._archive = archive
        self._look = look
        self._ask = ask

    @property
    def looked(self) -> bool:
        return self._look is not None

    def level(self, *, settle: bool) -> tuple[str, ...]:
        return tuple(self._archive.catch_up(settle=settle).unreadable)

    def record(self, type: str, detail: Mapping[str, object]) -> None:
        self._archive.record(type, dict(detail))

    def sees(self, item: Item) -> bool:
        return True

    def withheld(self) -> Sequence[Mapping[str, Any]]:
        return ()

    def check(self, survey: ExportSurvey) -> None:
        """All of it may be taken, where others approved it if they must. Raises ApprovalNeeded."""
        if self._ask is not None:
            self._ask(survey)

    def shows(self, survey: ExportSurvey) -> None:
        if self._look is not None:
            self._look(survey)


def surveyed(archive: Archive, request: ExportRequest, host: ExportHost, until_us: int) -> ExportSurvey:
    """What an export takes away of what was received before a time. Raises as ``Search.every`` does."""
    ids: list[str] = []
    entries = size = 0
    narrowing = request.narrowing
    for item in archive.search.every(replace(request.query, to_us=until_us)):
        if item["entry"] == "disposed":
            continue
        if host.sees(item) and (narrowing is None or narrowing.takes(item)):
            entries, size = entries + 1, size + int(item["size"])
            if len(ids) < _MOST_IDS:
                ids.append(str(item["id"]))
    return ExportSurvey(tuple(ids), entries, size)
