"""How much a new node asks of a site before its first answer, with the primary lost."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.catalogue.kept.making import Kept
from tests.support.clocks import ManualClock
from tests.support.counting import CountingSite
from tests.support.lab import message
from tests.support.waiting import PATIENCE_S

from vanvault.archiver.appliance import Archive, init_home, open_components
from vanvault.archiver.catalogue import Query
from vanvault.archiver.catalogue.kept.place import KeptPlace
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.stores import Site
from vanvault.archiver.upkeep import compact

SEGMENTS = 40


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A segment for each of 40 days, and the index kept; the primary is lost. Only to be read."""
    home, clock = tmp_path_factory.mktemp("many") / "home", ManualClock()
    init_home(home, clock=clock)
    kept = Kept(home, clock)
    with kept.open() as archive:
        for day in range(SEGMENTS):
            writer, _ = archive.open_writer()
            writer.commit([message(archive, day)], final=True)
            writer.close()
            clock.advance(timedelta(days=1))
        archive.catch_up()
        assert len(compact(archive, until=clock.now()).report.segments) == SEGMENTS
        archive.catch_up()
        archive.keep_index()
    shutil.rmtree(home / "sites" / "primary")
    return kept


class TogetherSite:
    """Gives a manifest only while another one is being read, too."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._two = threading.Barrier(2)

    def get(self, key: str, *arguments: Any, **options: Any) -> bytes:
        if key.startswith("segment/") and key.endswith("manifest"):
            self._two.wait(PATIENCE_S)
        return self._site.get(key, *arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)


@pytest.fixture
def node(many: Kept, tmp_path: Path) -> Iterator[Path]:
    path = many.new_node(tmp_path.name)
    yield path
    shutil.rmtree(path)


def opened(many: Kept, home: Path, standby: type[Any]) -> tuple[Archive, Any]:
    """A new node's archive, whose standby lies behind another one."""
    components = open_components(home, ports=Ports.under(many.clock))
    double = standby(components.sites["standby"])
    return Archive.of(replace(components, sites={**components.sites, "standby": double})), double


def test_the_first_answer_takes_one_request_a_segment_and_few_a_file_of_the_index(
    many: Kept, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()
    read, directory = KeptPlace.read, KeptPlace.directory

    def counted_read(self: KeptPlace, name: str, offset: int, length: int) -> bytes:
        asked[f"{self.site} read"] += 1
        return read(self, name, offset, length)

    def counted_directory(self: KeptPlace) -> bytes:
        asked[f"{self.site} directory"] += 1
        return directory(self)

    monkeypatch.setattr(KeptPlace, "read", counted_read)
    monkeypatch.setattr(KeptPlace, "directory", counted_directory)
    archive, standby = opened(many, node, CountingSite)
    with archive:
        archive.refresh()
        page = archive.search.page(Query({"message_id": "message-0"}, limit=50))
        assert [item["message_id"] for item in page.items] == ["message-0"]
        assert page.unread == ()
        files = len(archive.index.names())
    assert standby.asked["get"] >= SEGMENTS  # it counts
    assert standby.asked.total() <= SEGMENTS + 20
    # Of each: header, directory, filter, and blocks of the answer.
    assert asked["standby directory"] == 1
    assert asked["primary directory"] <= 1  # the lost site is asked once whether it keeps an index
    assert asked["primary read"] == 0
    assert asked["standby read"] <= 8 * files


def test_manifests_are_read_together(many: Kept, node: Path) -> None:
    archive, _ = opened(many, node, TogetherSite)
    with archive:
        assert archive.catch_up_segments().segments == SEGMENTS
