"""Where an extraction is asked for, run and handed over: in a home, by a verb, or in a running node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.model import MessageDraft
from vanvault.archiver.export import ExportHost, HomeExport
from vanvault.recovery.work import archive_with_event


class ExtractionHost(Protocol):
    """Comes level with the sites, and puts things on record; what it put there is found at once."""

    @property
    def archive(self) -> Archive:
        """What is read."""
        ...

    def level(self) -> None:
        """Come level with what was acknowledged. Raises SiteUnavailable, Busy, KeyUnavailable."""
        ...

    def record(self, type: str, detail: Mapping[str, object]) -> None:
        """Put an event on record. Raises SiteUnavailable, KeyUnavailable, Busy."""
        ...

    def record_with(self, message: MessageDraft, type: str, detail: Mapping[str, object]) -> None:
        """Archive a message, and an event that names it. Raises as ``record``."""
        ...

    def exporting(self) -> ExportHost:
        """Where the file is made; the look at its entries is put on record by who calls."""
        ...


class HomeExtraction:
    """In a home. A message goes to every site, whatever the policy."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    @property
    def archive(self) -> Archive:
        return self._archive

    def level(self) -> None:
        self._archive.catch_up(settle=True)

    def record(self, type: str, detail: Mapping[str, object]) -> None:
        self._archive.record(type, dict(detail))

    def record_with(self, message: MessageDraft, type: str, detail: Mapping[str, object]) -> None:
        archive_with_event(self._archive, message, type, detail)

    def exporting(self) -> ExportHost:
        return HomeExport(self._archive, lambda survey: None)
