"""Fixtures of the tests of kept index files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.catalogue.kept.making import EACH, SEGMENTS, Kept
from tests.support.archives import Node, message
from tests.support.clocks import ManualClock

from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.upkeep import compact


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Five segments, each in an index file of its own; only to be read."""
    home = tmp_path_factory.mktemp("kept") / "home"
    clock = ManualClock()
    init_home(home, clock=clock)
    kept = Kept(home, clock)
    for turn in range(SEGMENTS):
        with kept.open() as archive:
            with Node(archive) as node:
                node.wait_ready()
                given = Metadata(employer_code="E", dossier_number=f"0012{turn}/2026/07900")
                node.submit([message(f"m{turn}-{n}", b"<m>%d</m>" % n, given=given) for n in range(EACH)])
            clock.advance(timedelta(days=1))
            compact(archive, until=archive.clock.now())
            archive.catch_up()
            archive.keep_index()
        if turn == 1:
            kept.old = (kept.folder("primary") / "directory.json").read_bytes()
    return kept


@pytest.fixture
def kept(template: Kept, tmp_path: Path) -> Iterator[Kept]:
    home = tmp_path / "home"
    shutil.copytree(template.home, home)
    clock = ManualClock()
    clock.advance(template.clock.now() - clock.now())
    return Kept(home, clock, template.old)
