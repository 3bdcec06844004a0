"""Searches that would look at everything: bounded, partial, and whole when they are gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.catalogue.search.brute import Pager, Scanned, expected, scan, search_all
from tests.support.archives import Node, event, message

from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.model import MessageDraft, Metadata
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.upkeep import compact

EACH = 1_300  # rows of a segment: some row groups


class Hurried:
    """A stopwatch for which ten seconds pass between any two looks."""

    def __init__(self) -> None:
        self._now = 0.0

    def seconds(self) -> float:
        self._now += 10
        return self._now


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two segments of several row groups, and as much in the hot tail."""
    home = tmp_path_factory.mktemp("bounds") / "home"
    init_home(home)
    with Archive.open(home) as archive:
        for turn in range(3):
            with Node(archive) as node:
                node.wait_ready()
                drafts: list[Any] = [drafted(turn, n) for n in range(EACH)]
                drafts[::7] = [event(f"e{turn}-{n}") for n in range(len(drafts[::7]))]
                for at in range(0, EACH, 200):
                    node.submit(drafts[at : at + 200])
            if turn < 2:
                compact(archive, until=archive.clock.now())
    return home


def drafted(turn: int, n: int) -> MessageDraft:
    about = Metadata(
        employer_code="E",
        state="rare" if n % 500 == 499 else "usual",
        procedure="600" if n % 2 else "607",
        dossier_number=f"{turn}{n % 90:04d}/2026/07900",
    )
    return message(f"m{turn}-{n}", b"<m/>", given=about)


@pytest.fixture
def hurried(made: Path) -> Iterator[Archive]:
    with Archive.open(made, ports=Ports(stopwatch=Hurried())) as archive:
        archive.catch_up()
        yield archive


@pytest.fixture
def truth(hurried: Archive) -> list[Scanned]:
    return scan(hurried)


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("limit", [60, 1_000])
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"entry": "message", "gateway": "gateway-1"},
        {"state": "rare"},
        {"state": "rare", "procedure": "607"},
        {"state": "nothing"},
        {"employer_code": "E", "state": "rare"},
        {"dossier_prefix": "00004", "entry": "message"},
    ],
)
def test_all_partial_pages_together_are_a_scan(
    hurried: Archive, truth: list[Scanned], filters: dict[str, str], limit: int, order: Any
) -> None:
    pager = Pager(Query(filters, to_us=truth[-1].entry.received_us + 1, order=order, limit=limit))
    partial = 0
    while (page := pager.next(hurried)) is not None:
        partial += bool(page.partial)
        assert not page.partial or page.next
        assert not page.unread
    assert pager.found == expected(truth, Query(filters, to_us=pager.query.to_us, order=order))
    if filters == {"state": "rare"}:
        assert partial
    if filters == {"state": "nothing"}:
        assert pager.found == []


def test_a_time_range_bounds_what_is_looked_at(hurried: Archive, truth: list[Scanned]) -> None:
    times = [one.entry.received_us for one in truth]
    query = Query({"entry": "message"}, from_us=times[900], to_us=times[3_100], limit=300)
    pager = Pager(query)
    while pager.next(hurried) is not None:
        pass
    assert pager.found == expected(truth, query)


def test_prefixes_find_what_a_scan_finds(made: Path, truth: list[Scanned]) -> None:
    with Archive.open(made) as archive:
        archive.catch_up()
        cut = truth[-1].entry.received_us + 1
        for filters in (
            {"dossier_prefix": "10004/2026/0"},
            {"dossier_prefix": "1000"},
            {"dossier_prefix": "200", "state": "rare"},
            {"dossier_prefix": "0000", "procedure": "607", "gateway": "gateway-1"},
            {"dossier_prefix": "%", "employer_code": "E"},
            {"dossier_prefix": "1000_"},
            {"dossier_prefix": "zzz"},
        ):
            for order in ("newest", "oldest"):
                query = Query(filters, to_us=cut, order=order, limit=9)  # type: ignore[arg-type]
                assert search_all(archive, query) == expected(truth, query)


def test_too_many_dossiers_begin_so(
    made: Path, monkeypatch: pytest.MonkeyPatch, truth: list[Scanned]
) -> None:
    monkeypatch.setattr("vanvault.archiver.catalogue.search.candidates.MAX_DOSSIERS", 5)
    with Archive.open(made) as archive:
        archive.catch_up()
        with pytest.raises(InvalidInput, match="more than 5 dossier numbers") as caught:
            archive.search.page(Query({"dossier_prefix": "000"}))
        assert caught.value.field == "dossier_prefix"
        assert "more of the number" in caught.value.hint
        narrowed = Query({"dossier_prefix": "000", "message_id": "m0-1"})
        assert search_all(archive, narrowed) == expected(truth, narrowed) != []
