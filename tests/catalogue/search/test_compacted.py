"""Search, receipts and idempotency before, during and after compaction: as if every entry were looked at."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.catalogue.search.brute import Pager, Scanned, expected, scan, search_all
from tests.support.archives import GATEWAY, Home, Node, event, memory_home, message, second_home

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.catalogue.items import matches
from vanvault.archiver.catalogue.search.histogram import HistogramQuery
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.core.model import Draft, MessageDraft, Metadata
from vanvault.archiver.core.names import parse_archive_id
from vanvault.archiver.upkeep import compact

#: An example is an archive with a life of its own: making it smaller would take minutes.
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
DAY = timedelta(days=1)
NUMBERS = ("7912345678", "7900000001", "1")
VALUES = ("", "a", "A ", "b", "à", "a\u0300")
READS = ("get", "get_range", "list", "stat", "versions", "now")
_SEARCHED = ("kind", "transaction_id", "employer_code", "procedure", "state", "dossier_number")

about = st.builds(
    Metadata,
    **{name: st.sampled_from(VALUES) for name in _SEARCHED},
    insurance_numbers=st.lists(st.sampled_from(NUMBERS), unique=True, max_size=2).map(tuple),
)
#: Node, gateway, number of the id, whether the body is another than usual, class, metadata.
pushes = st.tuples(
    st.integers(0, 1),
    st.sampled_from([GATEWAY, "gateway-2"]),
    st.integers(0, 25),
    st.sampled_from([False, False, False, True]),
    st.sampled_from(["message", "message", "large", "event"]),
    about,
)
days = st.lists(st.lists(pushes, min_size=1, max_size=14), min_size=2, max_size=3)
filters = st.dictionaries(
    st.sampled_from((*_SEARCHED, "insurance_number", "entry", "gateway", "message_id", "event_id", "type")),
    st.sampled_from([*VALUES[1:], *NUMBERS, GATEWAY, "message", "event", "m-3", "e-4", "dossier.received"]),
    max_size=3,
)
queries = st.tuples(
    filters, st.sampled_from(["newest", "oldest"]), st.integers(1, 9), st.integers(0, 5), st.integers(0, 5)
)


def body_of(gateway: str, number: int, other: bool) -> bytes:
    return f"<m of='{gateway}' n='{number}' other='{other}'/>".encode() * 3


def draft_of(node: Node, push: Any) -> Draft:
    _, gateway, number, other, kind, metadata = push
    if kind == "event":
        return event(f"e-{number}", transaction_id=f"t-{number % 3}")
    body = body_of(gateway, number, other)
    draft = message(f"m-{number}", body, gateway=gateway, given=metadata)
    return node.placed(draft) if kind == "large" else draft


class World:
    """Two nodes that wrote some days, ready to be compacted; what they answered, and every entry."""

    def __init__(self, home: Home, other: Home, days: Sequence[Sequence[Any]]) -> None:
        self.home = home
        self.receipts: list[tuple[int, Draft, Any]] = []
        self.archives = (home.archive(), other.archive())
        for day in days:
            with Node(self.archives[0]) as one, Node(self.archives[1]) as two:
                for node in (one, two):
                    node.wait_ready()
                for number, node in enumerate((one, two)):
                    drafts = [draft_of(node, push) for push in day if push[0] == number]
                    for draft, (outcome, _) in zip(drafts, node.submit(drafts), strict=True):
                        self.receipts.append((number, draft, outcome))
            home.clock.advance(DAY)
            for archive in self.archives:
                archive.catch_up(settle=True)
        self.scanned: list[Scanned] = scan(self.archives[0])
        self.cut = self.scanned[-1].entry.received_us + 1

    def query(self, drawn: Any) -> Query:
        """A query whose times are about those of the entries."""
        wanted, order, limit, low, high = drawn
        times = [one.entry.received_us for one in self.scanned]
        start = times[len(times) * low // 6] if low else 0
        end = times[-1 - len(times) * high // 6] + 1 if high else self.cut
        return Query(dict(wanted), from_us=start, to_us=max(end, start + 1), order=order, limit=limit)


@contextmanager
def world(days: Sequence[Sequence[Any]]) -> Iterator[World]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home = stack.enter_context(memory_home(folder / "one"))
        other = stack.enter_context(second_home(home, folder / "two"))
        yield World(home, other, days)


def away(home: Home, site: str, *, gone: bool) -> None:
    """A site that answers nothing, or answers again."""
    for operation in READS:
        home.sites[site].fail_next(operation, times=10**6 if gone else 0)  # type: ignore[arg-type]


@given(days, st.lists(queries, min_size=3, max_size=5))
@settings(
    max_examples=4,
    phases=NO_SHRINKING,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_search_is_a_scan_before_during_and_after_compaction(days: Any, drawn: Any) -> None:
    with world(days) as made:
        asked = [made.query(one) for one in drawn]
        asked += [Query(to_us=made.cut, order=order, limit=7) for order in ("newest", "oldest")]  # type: ignore[arg-type]
        truth = [expected(made.scanned, query) for query in asked]
        carried = [Pager(query) for query in asked]
        counted = [
            HistogramQuery("state", {"gateway": GATEWAY}),
            HistogramQuery("day", {"entry": "message"}),
            HistogramQuery("month", {"gateway": GATEWAY}),
        ]
        first, second = made.archives

        def check(*archives: Archive) -> None:
            for archive in archives:
                assert [search_all(archive, query) for query in asked] == truth
                for one in counted:
                    check_histogram(archive, made, one)
            for pager in carried:
                page = pager.next(first)
                assert page is None or not page.unread

        def at_step(step: str) -> None:
            check(first)
            if step == "segment-trusted":  # another node sees the manifest before this one's catalogue has it
                second.catch_up()
                check(second)

        check(first, second)
        run = compact(first, fault=at_step, done=lambda manifest: check(first))
        assert run.report.rows > 0
        check(first, second)
        for pager, ids in zip(carried, truth, strict=True):
            assert pager.rest(first) == ids
        second.catch_up()
        check(second)
        check_receipts(made, first)
        first.close()
        check_fresh(made, asked, truth)


def check_fresh(made: World, asked: Sequence[Query], truth: Sequence[list[str]]) -> None:
    """The same when the hot tail, the index, or both are lost; and with the standby alone."""
    home = made.home
    for lost in (("cache",), ("index",), ("cache", "index")):
        for folder in lost:
            shutil.rmtree(home.path / folder)
        archive = home.archive()
        archive.catch_up()
        assert [search_all(archive, query) for query in asked] == list(truth)
        away(home, "primary", gone=True)
        assert [search_all(archive, query) for query in asked] == list(truth)
        away(home, "primary", gone=False)
        archive.close()
    shutil.rmtree(home.path / "cache")
    away(home, "primary", gone=True)
    archive = home.archive()
    with pytest.raises(SiteUnavailable, match="primary"):
        archive.catch_up()  # what is not compacted needs both sites; what is compacted is found
    compacted = {one.entry.id for one in made.scanned if is_compacted(archive, one.entry.id)}
    assert compacted
    for query, ids in zip(asked, truth, strict=True):
        assert search_all(archive, query) == [id for id in ids if id in compacted]
    away(home, "primary", gone=False)


def check_histogram(archive: Archive, made: World, asked: HistogramQuery) -> None:
    """Counts are those of a scan. (Filtered so that what VanVault logs meanwhile is not among them.)"""
    found = archive.histograms.of(asked)
    assert not found.unread
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for one in made.scanned:
        if matches(one.item, asked.filters):
            length = {"day": 10, "month": 7}.get(asked.by)
            value = one.item["received_at"][:length] if length else one.item[asked.by]
            counts[value] += 1
            sizes[value] += one.item["size"]
    assert {bar.value: bar.entries for bar in found.bars} == dict(counts)
    assert {bar.value: bar.bytes for bar in found.bars} == dict(sizes)
    assert (found.entries, found.bytes) == (counts.total(), sizes.total())


def is_compacted(archive: Archive, entry: str) -> bool:
    writer, sequence, _ = parse_archive_id(entry)
    return archive.catalogue.covering(writer, sequence) is not None


def check_receipts(made: World, archive: Archive) -> None:
    """Receipts and originals are those of the day on which they were given."""
    for _, draft, outcome in made.receipts:
        if isinstance(outcome, dict):
            assert archive.receipts.of(outcome["id"]) == outcome
            item = archive.search.entry(outcome["id"])
            assert (item["sha256"], item["sha512"]) == (outcome["sha256"], outcome["sha512"])
            if isinstance(draft, MessageDraft):
                assert hashlib.sha256(archive.original(item)).hexdigest() == outcome["sha256"]
