"""The auditor's first hour, followed command by command at a home with such a case in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runbooks.pages import commands_in
from tests.support.archives import Node, event, message
from tests.support.command import run_cli
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.model import Metadata

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("auditors.md", "auditors.vi.md")
_MAIN = "from vanvault.cli.main import main; main()"
#: What a command may end with; all others end with 0.
ENDS = {"status": {0, 3}, "keys": {2}}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("auditors") / "home"
    init_home(path)
    about = Metadata(
        employer_code="TZ1234Z", dossier_number="00123/2026/07900", transaction_id="t-1", procedure="600a"
    )
    with Archive.open(path) as archive, Node(archive) as node:
        node.wait_ready()
        node.submit([message("m-1", b"<HoSo><So>1</So></HoSo>", given=about), event("e-1")])
    assert run_cli(path, "verify").exit_code == 0
    return path


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def test_both_languages_give_the_same_commands() -> None:
    english, vietnamese = (commands_in(text_of(page)) for page in PAGES)
    assert english == vietnamese
    assert len(english) > 12


def test_every_command_of_the_hour_works(home: Path, tmp_path: Path) -> None:
    with Archive.open(home) as archive:
        archive.refresh()
        (found,) = archive.search.every(Query({"message_id": "m-1"}))
    said: list[str] = []
    for words in commands_in(text_of("auditors.md")):
        words = [found["id"] if word == "ID" else word for word in words]
        target = words[words.index(">") + 1] if ">" in words else None
        words = words[: words.index(">")] if target else words
        program = [sys.executable, "-c", _MAIN] if words[0] == "vanvault" else [sys.executable]
        assert words[0] in ("vanvault", "python3"), words
        done = subprocess.run(
            [*program, *words[1:]],
            capture_output=True, text=True, timeout=280, check=False, cwd=tmp_path,
            env={**os.environ, "VANVAULT_HOME": str(home)},
        )  # fmt: skip
        assert done.returncode in ENDS.get(words[1], {0}), (words, done.stdout, done.stderr)
        said.append(done.stdout)
        if target:
            (tmp_path / target).write_text(done.stdout)
    assert any(one.startswith("good: 1 entries, 1 originals") for one in said)
    assert (tmp_path / "original.xml").read_bytes() == b"<HoSo><So>1</So></HoSo>"
    assert "NGUYÊN VẸN" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "export" in said[-2], "the export is on record"
    shutil.rmtree(tmp_path / "export")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text_of(page))
    assert links
    for link in links:
        assert (DOCS / link).exists(), link
