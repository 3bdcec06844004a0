"""An archive with messages and events of every kind, and how tests look at it and at exports."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import Home, Node, event, memory_home, message
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item, Query
from vanvault.archiver.core.model import Draft, Metadata
from vanvault.archiver.export import ExportReport, export, parse_request, verify_offline

#: What a spreadsheet would run, and what CSV has to quote.
NASTY = (
    "=cmd|'/c calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "＝1", "'=1", "'", 'a"b', "a,b", "đã ký; 1", '=H("x")',
)  # fmt: skip


def drafts() -> list[Draft]:
    """Messages with nasty metadata, of several types and sizes, and events, in turn."""
    found: list[Draft] = []
    for number, text in enumerate(NASTY):
        given = Metadata(
            employer_code="TA0001A",
            agency=text,
            dossier_number=f"{number:05d}/2026/07900",
            insurance_numbers=("7900000001", text)[: number % 3],
        )
        body = f"<x>{number}</x>".encode() * (1 + 50 * number)
        draft = message(text, body, given=given)
        types = ("application/xml; charset=utf-8", "../../evil", "application/pdf", "")
        found += [
            replace(draft, content_type=types[number % 4]),
            event(f"e-{number}", type=f"type-{number % 2}"),
        ]
    return found


@dataclass
class Filled:
    """An archive at rest, and the originals that went into it by message id."""

    home: Home
    archive: Archive
    bodies: dict[str, bytes] = field(default_factory=dict)

    def export(self, output: Path, format: str, **given: str) -> ExportReport:
        parameters = [(name.rstrip("_"), value) for name, value in given.items()]
        request = parse_request(parameters, format=format, reason="an audit")
        return export(self.archive, request, output, who="auditor")

    def items(self, **filters: str) -> list[Item]:
        """Every entry that matches, oldest first, by a plain scan of all."""
        page = self.archive.search.page(Query(order="oldest", limit=1000))
        assert page.next is None
        return [
            item for item in page.items if all(item.get(name) == value for name, value in filters.items())
        ]

    def events(self, type: str) -> list[dict[str, Any]]:
        """Details of the archive's own events."""
        query = Query(filters={"type": f"vanvault.{type}"}, order="oldest", limit=1000)
        return [json.loads(item["detail"]) for item in self.archive.search.page(query).items]


def filled(home: Home) -> Filled:
    archive = home.archive()
    given = drafts()
    with Node(archive) as node:
        node.wait_ready()
        for outcome, _ in node.submit(given):
            assert isinstance(outcome, dict), outcome
        large = node.placed(message("large", b"<large/>" * 5000))
        node.push(large)
    archive.catch_up()
    bodies = {draft.client_id: draft.body for draft in given if draft.entry == "message"}  # type: ignore[union-attr]
    return Filled(home, archive, bodies | {"large": b"<large/>" * 5000})


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Filled]:
    with memory_home(tmp_path / "home") as home:
        yield filled(home)
        home.check()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """For tests that only read."""
    with memory_home(tmp_path_factory.mktemp("shared") / "home") as home:
        yield filled(home)


def members(path: Path) -> dict[str, bytes]:
    """Every member of a ZIP; fails when one does not fit its checksum."""
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def run_verifier(path: Path, *arguments: Path | str, python: str = sys.executable) -> tuple[int, str]:
    """The verifier as a court runs it: a script alone, and the standard library alone."""
    script = path.with_name("verify-alone.py")
    script.write_bytes(Path(verify_offline.__file__).read_bytes())
    done = subprocess.run(
        [python, "-I", "-S", str(script), str(path), *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def manifest_beside(report: ExportReport) -> dict[str, Any]:
    assert report.manifest_path is not None
    found: dict[str, Any] = json.loads(report.manifest_path.read_bytes())
    return found
