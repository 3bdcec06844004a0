"""Searches read row blocks: few of them, the same answers as from columns, and no harm goes unnoticed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.catalogue.search.brute import Scanned, expected, scan, search_all
from tests.support.archives import Home, Node, event, memory_home, message
from tests.support.memory_site import MemorySite

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.format.row_blocks import RowArea
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.upkeep import compact
from vanvault.archiver.upkeep.compaction import segment_writer, steps

GROUP_ROWS = 4
EACH = 40
DAYS = 4  # the last of them is not compacted, and the second is written without row blocks
STATES, PROCEDURES = ("paid", "Paid ", "closed"), ("600", "601", "602", "603", "604")

_WRITE = steps.write_part
_small_groups = partial(segment_writer.log_header, group_rows=GROUP_ROWS)


class Written:
    """Days of an archive, all but the last compacted into a segment each."""

    def __init__(self, home: Home, days: int, without_blocks: tuple[int, ...] = ()) -> None:
        self.home = home
        self.archive = home.archive()
        for day in range(days):
            self.write(day)
            home.clock.advance(timedelta(days=1))
        self.cut = self.archive.tail.last_received_us() + 1
        self.scanned: list[Scanned] = scan(self.archive)
        logs = count()

        def encode(*arguments: Any, rows: Any, **options: Any) -> bytes:
            left_out = rows is not None and next(logs) in without_blocks
            return _WRITE(*arguments, **options, rows=None if left_out else rows)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(segment_writer, "log_header", _small_groups)
            patch.setattr(steps, "write_part", encode)
            assert len(compact(self.archive).report.segments) == days - 1

    def write(self, day: int) -> None:
        with Node(self.archive) as node:
            node.wait_ready()
            drafts: list[Any] = []
            for n in range(EACH):
                about = Metadata(
                    procedure=PROCEDURES[n % 5],
                    state=STATES[n * n % 3],
                    employer_code=f"E{n % 7}",
                    transaction_id=f"t-{day}-{n // 4}",
                    insurance_numbers=(f"79{n % 6}",),
                    dossier_number=f"{day}/{n:03d}",
                )
                drafts.append(message(f"m-{day}-{n}", f"<m>{day} {n}</m>".encode(), given=about))
            drafts.append(event(f"e-{day}", transaction_id=f"t-{day}-0"))
            for _ in node.submit(drafts):
                pass
        self.archive.catch_up()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    with memory_home(tmp_path_factory.mktemp("mixed") / "home") as home:
        made = Written(home, DAYS, without_blocks=(1,))
        yield made
        made.archive.close()


filters = st.fixed_dictionaries(
    {},
    optional={
        "procedure": st.sampled_from(PROCEDURES),
        "state": st.sampled_from([*STATES, "none"]),
        "employer_code": st.sampled_from(["E1", "e2 "]),
        "insurance_number": st.sampled_from(["790", "795"]),
        "entry": st.sampled_from(["message", "event"]),
        "transaction_id": st.sampled_from(["t-0-1", "T-1-2"]),
        "dossier_prefix": st.sampled_from(["0/00", "1/0", "3/01"]),
        "message_id": st.sampled_from(["m-0-3", "m-1-7"]),
    },
)


tenths = st.integers(0, 9)


@given(filters, st.sampled_from(["newest", "oldest"]), st.integers(1, 30), tenths, tenths)
@settings(max_examples=60, deadline=None)
def test_any_search_of_any_mixture_of_segments_is_a_scan(
    mixed: Written, wanted: dict[str, str], order: Any, limit: int, low: int, high: int
) -> None:
    times = [one.entry.received_us for one in mixed.scanned]
    start, end = times[len(times) * low // 10] if low else 0, times[-1 - len(times) * high // 10] + 1
    query = Query(wanted, from_us=start, to_us=max(end, start + 1), order=order, limit=limit)
    assert search_all(mixed.archive, query) == expected(mixed.scanned, query)


def test_a_hit_says_the_same_whatever_it_was_read_from(mixed: Written) -> None:
    page = mixed.archive.search.page(Query(to_us=mixed.cut, limit=1000), bare=True)
    items = {one.entry.id: one.item for one in mixed.scanned}
    assert len(page.items) == len(items)
    for found in page.items:
        wanted = {name: value for name, value in items[found["id"]].items() if name != "sha512"}
        assert {name: found[name] for name in wanted} == wanted


class Counted:
    """What searches read since it was made."""

    def __init__(self) -> None:
        self.blocks = 0  # opened
        self.requests = 0  # ranges of bytes
        self.parquet = 0  # row groups that Parquet decoded


@contextmanager
def counted() -> Iterator[Counted]:
    found = Counted()
    block, fetch, read = RowArea.block, MemorySite.get_range, pq.ParquetFile.read_row_group

    def counted_block(*arguments: Any) -> Any:
        found.blocks += 1
        return block(*arguments)

    def counted_fetch(*arguments: Any, **named: Any) -> bytes:
        found.requests += 1
        return fetch(*arguments, **named)

    def counted_read(*arguments: Any, **named: Any) -> Any:
        found.parquet += 1
        return read(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RowArea, "block", counted_block)
        patch.setattr(MemorySite, "get_range", counted_fetch)
        patch.setattr(pq.ParquetFile, "read_row_group", counted_read)
        yield found


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[Home, Archive, int]]:
    """One day in a segment of eleven row groups, opened anew, so that nothing is in memory; and its end."""
    with memory_home(tmp_path / "home") as home:
        made = Written(home, 2)
        made.archive.close()
        archive = home.archive()
        archive.catch_up()
        (segment,) = archive.catalogue.segments()
        yield home, archive, segment.manifest.last_us + 1
        archive.close()


def test_the_newest_of_a_procedure_and_state_open_few_blocks_with_few_requests(
    fresh: tuple[Home, Archive, int],
) -> None:
    _, archive, end = fresh
    with counted() as found:
        page = archive.search.page(
            Query({"procedure": "600", "state": "paid"}, to_us=end, limit=2), bare=True
        )
    assert [item["message_id"] for item in page.items] == ["m-0-35", "m-0-30"]
    assert page.next is not None
    assert found.parquet == 0
    assert found.blocks <= 4, "the row groups that the index names, until there are enough hits"
    assert found.requests <= 4, "the head, and stretches of row groups, one of them ahead"


def test_the_newest_of_a_procedure_open_as_many_blocks_as_hold_them(fresh: tuple[Home, Archive, int]) -> None:
    _, archive, end = fresh
    with counted() as found:
        page = archive.search.page(Query({"procedure": "601"}, to_us=end, limit=2), bare=True)
    assert [item["message_id"] for item in page.items] == ["m-0-36", "m-0-31"]
    assert (found.parquet, found.blocks) == (0, 3)
    assert found.requests <= 4, "the head, two stretches of row groups, one ahead"
    with counted() as found:
        archive.search.page(Query({"procedure": "601"}, to_us=end, limit=2), bare=True)
    assert (found.parquet, found.blocks, found.requests) == (0, 0, 0), "they are held"


def test_a_key_opens_the_block_of_its_row(fresh: tuple[Home, Archive, int]) -> None:
    _, archive, end = fresh
    with counted() as found:
        page = archive.search.page(Query({"message_id": "m-0-17"}, to_us=end), bare=True)
    assert len(page.items) == 1
    assert (found.parquet, found.blocks, found.requests) == (0, 1, 2)


@pytest.mark.parametrize("place", ["magic", "head", "block"])
def test_harm_to_row_blocks_at_both_sites_is_told(fresh: tuple[Home, Archive, int], place: str) -> None:
    home, archive, end = fresh
    (key,) = [one.key for one in home.primary.list("segment/") if ".log." in one.key]
    at = {"magic": 5, "head": 150, "block": 1000}[place]
    home.primary.damage.flip(key, 8 * at)
    assert len(archive.search.page(Query({"procedure": "600"}, to_us=end), bare=True).items) == 8, (
        "the other site gives it"
    )
    home.standby.damage.flip(key, 8 * at)
    archive.close()
    shutil.rmtree(home.path / "cache")
    again = home.archive()
    again.catch_up()
    page = again.search.page(Query({"procedure": "600"}, to_us=end), bare=True)
    again.close()
    assert (page.items, [one.reason for one in page.unread]) == ([], ["damaged"])
