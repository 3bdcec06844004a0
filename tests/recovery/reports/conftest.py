"""An archive whose clock a test moves, and the lines of its log, exported and counted by other means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import Home, memory_home
from tests.support.lab import event, message
from vanvault.archiver.appliance import Archive
from vanvault.archiver.export import export, parse_request
from vanvault.archiver.people.accounts import Account
from vanvault.archiver.people.looks import Look, LookAct, Viewer
from vanvault.recovery.access import look_event
from vanvault.recovery.accounts import Desk
from vanvault.recovery.reports import KeptReport, ReportRequest, make_report

Line = dict[str, Any]


@dataclass
class Office:
    """An archive and whoever works with it."""

    home: Home
    archive: Archive
    folder: Path
    _exports: int = 0

    @property
    def desk(self) -> Desk:
        """Where the account manager enters what letters say."""
        return Desk(self.archive, "minh")

    def on(self, text: str) -> None:
        """It becomes this time of Vietnam, such as ``2026-12-01 09:00``."""
        local = datetime.strptime(f"{text} +0700", "%Y-%m-%d %H:%M %z")
        assert local >= self.home.clock.moment, "time goes on"
        self.home.clock.advance(local.astimezone(UTC) - self.home.clock.moment)

    def looks(self, account: Account, act: LookAct, shown: Sequence[str]) -> None:
        """Somebody who is signed on is shown entries; that is on record, as a node writes it."""
        viewer = Viewer(account.name, "account", account.id, "203.0.113.7", 51234)
        look = Look(viewer, act, {"purpose": "inspection"}, shown=tuple(shown), count=len(shown))
        self.archive.record_aside([look_event(look, self.archive.clock.now())])

    def receives(self, messages: Sequence[int], events: Sequence[int] = ()) -> None:
        """Messages and log lines of a gateway, by their numbers."""
        writer, _ = self.archive.open_writer(trusted=False)
        try:
            drafts = [message(self.archive, number, body=b"<dossier/>" * (number + 1)) for number in messages]
            last = writer.commit([*drafts, *(event(self.archive, number) for number in events)], final=True)
            self.archive.tail.apply([batch.folded for batch in last])
        finally:
            writer.close()

    def report(self, name: str, period: str, *, full: bool = False) -> KeptReport:
        return make_report(self.archive, ReportRequest(name, period, full=full, who="minh"))

    def exported(self, start: str, end: str) -> list[Line]:
        """Every line of the log and every message that was received in [start, end) of Vietnam's calendar."""
        self._exports += 1
        path = self.folder / f"export-{self._exports}.ndjson"
        span = [("from", f"{start}T00:00:00+07:00"), ("to", f"{end}T00:00:00+07:00")]
        request = parse_request(span, format="ndjson", reason="an independent count")
        export(self.archive, request, path, who="auditor")
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def own(lines: Sequence[Line], *types: str) -> list[Line]:
    """The archive's own lines of these types, or all."""
    names = {f"vanvault.{type}" for type in types}
    return [
        line
        for line in lines
        if line["gateway"] == "vanvault" and line["entry"] == "event" and (not names or line["type"] in names)
    ]


def table(report: KeptReport, name: str) -> list[dict[str, Any]]:
    """The rows of one table, each by the names of its columns."""
    found = next(one for one in report.report["tables"] if one["name"] == name)
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with memory_home(tmp_path / "home") as home:
        yield Office(home, home.archive(), tmp_path)


A_DAY = timedelta(days=1)
