"""One rebuild of the index as an operator or a schedule asks for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.upkeep import rebuild_index as rebuild_files
from vanvault.recovery.maintenance.kept import Kept, keep_index, kept_fields
from vanvault.recovery.work import QUIET, Extent, Observer, open_others


@dataclass(frozen=True, slots=True)
class RebuildRequest:
    """How to rebuild the index."""

    discard: bool = False  # delete all index files first
    workers: int | None = None  # processes; None: one for each processor


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """A rebuild that is over."""

    indexed: int  # segments
    merged: int  # files
    unreadable: tuple[str, ...]  # log parts that no site gives
    index_kept: Kept = ()  # index files beside the sites

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.CHECK_FAILED if self.unreadable else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "indexed": self.indexed,
            "merged": self.merged,
            "unreadable": list(self.unreadable),
            "index_kept": kept_fields(self.index_kept),
        }


def rebuild_index(archive: Archive, request: RebuildRequest, observer: Observer = QUIET) -> RebuildReport:
    """Index every segment that is not: by what sites keep of the index, the rest from the segments, where
    ``jobs`` of the settings says. With ``discard``: all of it from the segments.

    Raises SiteUnavailable, KeyUnavailable, SettingsError; what was done until then stands.
    """
    workers = request.workers or os.cpu_count() or 1
    with ExitStack() as stack:
        settings = archive.settings.jobs.model_copy(update={"workers": workers})
        jobs = stack.enter_context(open_others(archive.home, settings))

        def begin(total: int) -> Callable[[int], None]:
            step = stack.enter_context(observer.progress("indexing segments", Extent(total)))
            return lambda done: step(done)

        report = rebuild_files(archive, discard=request.discard, jobs=jobs, begin=begin)
    return RebuildReport(
        report.indexed, report.merged, tuple(report.unreadable), keep_index(archive, observer)
    )
