"""An export at a running node: a ZIP as the verb makes it, in a file that has no name once it can be sent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from vanvault.api.freshness import Freshness
from vanvault.api.looks import Reader
from vanvault.api.node import Node
from vanvault.archiver.catalogue import Item
from vanvault.archiver.core.errors import Busy, TooLarge
from vanvault.archiver.export import ExportReport, ExportRequest, ExportSurvey, export
from vanvault.archiver.people.approvals import Requester
from vanvault.recovery.approvals import known_approvals, need

#: Bytes of an export over HTTP, about; the disk of the node holds it until it is sent.
MOST_BYTES = 2**30
#: Bytes of one entry besides its original: its line, its receipt, its names.
_ENTRY_BYTES = 4096
#: In the home, for its account alone.
_FOLDER = Path("cache") / "exports"
_RETRY_S = 2
#: In the table of approvals.
_ACT = "export-originals"


@dataclass(frozen=True, slots=True)
class MadeExport:
    """A finished export; closing the file is the end of it."""

    file: IO[bytes]
    report: ExportReport
    survey: ExportSurvey


def come_level(node: Node) -> None:
    """Fold what is acknowledged. Raises Busy: this node does not know all of it."""
    if not node.duties.peers.refresh():
        raise Busy("what other nodes archived cannot be looked at now", retry_after=_RETRY_S)
    fresh = Freshness.awaited(node)
    if fresh.unread:
        raise Busy(f"this node cannot export now: {fresh.why}", retry_after=_RETRY_S)


def record_at(node: Node, type: str, detail: Mapping[str, object]) -> None:
    """Put an event on record, and wait. Raises SiteUnavailable, KeyUnavailable, MachineLimit, Busy."""
    node.duties.looks.wait_for(node.archive.system_event(type, dict(detail)))


class NodeExport:
    """Where the export of a person runs: events go through intake, and rows that they may not see stay away.

    The look goes on record when all is made, before a byte leaves: the route is ``looked``.
    """

    looked = True

    def __init__(self, node: Node, request: ExportRequest, reader: Reader) -> None:
        self._node = node
        self._request = request
        self._who = Requester(reader.person, reader.account)
        self._sight = reader.sight
        self.survey = ExportSurvey((), 0, 0)

    def level(self, *, settle: bool) -> tuple[str, ...]:
        """Raises Busy: this node does not know all that is acknowledged."""
        come_level(self._node)
        return ()

    def record(self, type: str, detail: Mapping[str, object]) -> None:
        """Raises SiteUnavailable, KeyUnavailable, MachineLimit, Busy."""
        record_at(self._node, type, detail)

    def sees(self, item: Item) -> bool:
        return self._sight.lacks(item) is None

    def withheld(self) -> Sequence[Mapping[str, Any]]:
        return [one.as_json() for one in self._sight.rows]

    def check(self, survey: ExportSurvey) -> None:
        """Raises TooLarge; ApprovalNeeded, and as ``need`` does, where the table asks for four eyes."""
        size = survey.bytes + _ENTRY_BYTES * survey.entries
        if size > MOST_BYTES:
            raise TooLarge(
                f"{survey.entries} entries, about {size} bytes, are too much for one export over HTTP",
                limit=MOST_BYTES,
            )
        archive = self._node.archive
        known = known_approvals(archive)  # this node is level with the sites
        if known.table.rule(_ACT).on:
            need(archive, _ACT, survey.bound(self._request), self._who)
        elif known.is_passing:
            raise Busy("whether this asks for approval is not known yet", retry_after=_RETRY_S)

    def shows(self, survey: ExportSurvey) -> None:
        self.survey = survey


def made_export(node: Node, request: ExportRequest, reader: Reader) -> MadeExport:
    """Make the ZIP of a request. Takes long: for a thread of its own.

    Raises TooLarge, Busy, SiteUnavailable, KeyUnavailable, MachineLimit; and as searches and originals do.
    """

    def step(entries: int) -> None:
        if node.refusing.is_set():
            raise Busy("the node is shutting down", retry_after=_RETRY_S)

    folder = node.archive.home / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    host = NodeExport(node, request, reader)
    with TemporaryDirectory(prefix=f"{os.getpid()}-", dir=folder) as made:
        output = Path(made) / "export.zip"
        report = export(node.archive, request, output, who=reader.person, step=step, host=host)
        return MadeExport(output.open("rb"), report, host.survey)


def sweep_exports(home: Path) -> None:
    """Remove what nodes left that were killed: it is not encrypted. At the start of a node."""
    folder = home / _FOLDER
    for left in folder.iterdir() if folder.is_dir() else ():
        pid = left.name.partition("-")[0]
        # the own one was another process's before the machine, or its container, started anew
        if pid.isdecimal() and (int(pid) == os.getpid() or not Path("/proc", pid).exists()):
            shutil.rmtree(left, ignore_errors=True)
