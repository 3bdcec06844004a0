"""Extractions at a running node: what goes on record goes through intake, and files lie in the home.

A file stays in ``extractions/`` of the home, for its account alone, so that an answer that was cut off can be
asked for again: until it was handed over, or its last day is past.
"""

from __future__ import annotations

import shutil
import threading
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import orjson

from vanvault.api.exporting import come_level, record_at
from vanvault.api.looks import Reader
from vanvault.api.node import Node
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item
from vanvault.archiver.core.errors import Busy, NotFound, VanVaultError
from vanvault.archiver.core.model import Draft, MessageDraft
from vanvault.archiver.core.outcome import Outcome
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.export import ExportHost, ExportSurvey
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.people.extraction import Extractions
from vanvault.recovery.extraction import (
    AskedExtraction,
    RunExtraction,
    ask_approval,
    ask_extraction,
    known_extractions,
    run_extraction,
)

_FOLDER = "extractions"
_RETRY_S = 2
#: Longer than a put that hangs at a site.
_LONGEST_S = 120.0
_SWEEP_EVERY_S = 3600.0
#: How often a sweep that waits for its turn looks whether the node stops.
_LOOK_EVERY_S = 1.0
#: States in which nobody needs the file any more.
_ENDED = ("handed-over", "over")


@dataclass(frozen=True, slots=True)
class SentExtraction:
    """The file of a run, and the entries that are in it; closing it is up to who sends it."""

    run: RunExtraction
    file: IO[bytes]
    ids: tuple[str, ...]


class NodeExtraction:
    """In a node that runs."""

    def __init__(self, node: Node) -> None:
        self._node = node

    @property
    def archive(self) -> Archive:
        return self._node.archive

    def level(self) -> None:
        come_level(self._node)

    def record(self, type: str, detail: Mapping[str, object]) -> None:
        record_at(self._node, type, detail)
        self.level()

    def record_with(self, message: MessageDraft, type: str, detail: Mapping[str, object]) -> None:
        """A scan without its form is nobody's; so the scan comes first."""
        for draft in (message, self.archive.system_event(type, dict(detail))):
            self._submitted(draft)
        self.level()

    def exporting(self) -> ExportHost:
        return _Exporting(self._node)

    def _submitted(self, draft: Draft) -> None:
        """Archive one entry and wait. Raises what intake says."""
        answered = threading.Event()
        outcomes: list[Outcome] = []

        def done(outcome: Outcome, repeated: bool) -> None:
            outcomes.append(outcome)
            answered.set()

        self._node.intake.submit(draft, done)
        if not answered.wait(_LONGEST_S):
            raise Busy("no site has taken it yet", retry_after=_RETRY_S)
        if isinstance(outcomes[0], VanVaultError):
            raise outcomes[0]


class _Exporting:
    """What an export asks of where it runs. The form was approved as it is, and the route has its look."""

    looked = True

    def __init__(self, node: Node) -> None:
        self._node = node

    def level(self, *, settle: bool) -> tuple[str, ...]:
        come_level(self._node)
        return ()

    def record(self, type: str, detail: Mapping[str, object]) -> None:
        record_at(self._node, type, detail)

    def sees(self, item: Item) -> bool:
        return True  # the form says what is seen; the archive's own entries are never in it

    def withheld(self) -> Sequence[Mapping[str, Any]]:
        return ()

    def check(self, survey: ExportSurvey) -> None:
        """An extraction has a limit of its own."""

    def shows(self, survey: ExportSurvey) -> None:
        """Nothing leaves yet."""


def asked_at_node(
    node: Node, reader: Reader, form: Mapping[str, object], scan: bytes
) -> tuple[AskedExtraction, str]:
    """The form on record, and the request for its approval. Raises as both verbs do."""
    host = NodeExtraction(node)
    done = ask_extraction(host, form, scan, reader.person, lambda count: None)
    return done, ask_approval(node.archive, done.extraction, Requester(reader.person, reader.account))


def run_at_node(node: Node, reader: Reader, id: str) -> SentExtraction:
    """Run it, or take the file of its run. Takes long. Raises as ``run_extraction``; Busy: it is stopping."""
    archive = node.archive
    host = NodeExtraction(node)
    host.level()
    known = known_extractions(archive)
    found = known.get(id)  # its id becomes a name of a file: only one on record does
    if found.who != reader.person:
        raise NotFound(f"{reader.person} asked for no extraction {id[:40]!r}", hint="GET /v1/extractions")
    _sweep(archive.home / _FOLDER, known, archive.clock.now())  # what is over takes no room

    def step(entries: int) -> None:
        if node.refusing.is_set():
            raise Busy("the node is shutting down", retry_after=_RETRY_S)

    output = archive.home / _FOLDER / f"{found.id}.zip"
    who = Requester(reader.person, reader.account)
    done = run_extraction(host, found.id, output, who, lambda ids: None, step)
    return SentExtraction(done, output.open("rb"), _ids_in(output))


def _ids_in(path: Path) -> tuple[str, ...]:
    with zipfile.ZipFile(path) as file, file.open("items.ndjson") as lines:
        return tuple(orjson.loads(line)["id"] for line in lines)


def sweep_task(archive: Archive, exports: Executor) -> Task:
    """Rounds at a serving node, on the thread of its exports: no run is at one of the files meanwhile."""

    def sweep(stop: Signal) -> None:
        folder = archive.home / _FOLDER
        work = exports.submit(lambda: _sweep(folder, known_extractions(archive), archive.clock.now()))
        while not wait((work,), timeout=_LOOK_EVERY_S).done:
            if stop.is_set():
                work.cancel()
                return
        work.result()

    return Task("extraction-files", sweep, every_s=_SWEEP_EVERY_S)


def _sweep(folder: Path, known: Extractions, now: datetime) -> None:
    """Remove files that nobody needs any more, finished or not: they are not encrypted."""
    for one in known:
        if one.state(now) in _ENDED:
            (folder / f"{one.id}.zip").unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.rmtree(folder / f"{one.id}.zip.part")
