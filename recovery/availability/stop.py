"""A stop on purpose: the downtime is announced, on record, before it begins."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.recovery.availability.nodes import running_nodes
from vanvault.recovery.availability.record import announce_from_now

_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class PlannedStop:
    """Why the nodes of a home stop, and for how long."""

    reason: str
    lasts: timedelta
    who: str


@dataclass(frozen=True, slots=True)
class StopReport:
    """What was stopped, and the window that was announced before (None: none was)."""

    stopped: tuple[int, ...]  # process ids
    left: tuple[int, ...]  # those that had not ended in time
    window: dict[str, object] | None

    @property
    def exit_code(self) -> ExitCode:
        """CHECK_FAILED: a node did not end in time."""
        return ExitCode.CHECK_FAILED if self.left else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"stopped": list(self.stopped), "still_running": list(self.left), "window": self.window}


def stop_nodes(
    home: Path,
    planned: PlannedStop | None,
    *,
    open_archive: Callable[[Path], Archive] = Archive.open,
    wait_s: float,
    sleep: Callable[[float], None] = time.sleep,
) -> StopReport:
    """Announce the downtime and wait for its beginning; then let every node of this home here drain and end.

    Without a node nothing is announced. ``planned`` None: the downtime counts as unplanned.

    Raises AccessDenied (a node of another account), InvalidInput (reason, length), SiteUnavailable (the
    window cannot be put on record; no node was stopped).
    """
    nodes = running_nodes(home)
    window = None
    if nodes and planned is not None:
        with open_archive(home) as archive:
            window = announce_from_now(archive, planned.lasts, reason=planned.reason, who=planned.who)
            begins = parse_rfc3339(str(window["from"]))
            while archive.clock.now() < begins:
                sleep(_LOOK_S)
    for pid in nodes:
        with suppress(ProcessLookupError):  # it ended by itself
            os.kill(pid, signal.SIGTERM)
    waited = 0.0
    while (left := set(running_nodes(home)) & set(nodes)) and waited < wait_s:
        sleep(_LOOK_S)
        waited += _LOOK_S
    return StopReport(tuple(pid for pid in nodes if pid not in left), tuple(sorted(left)), window)
