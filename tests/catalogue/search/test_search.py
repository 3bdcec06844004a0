"""Search against the plain way: look at every entry."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.catalogue.search.entries import GATEWAYS, WRITERS, drafts, folded, item_of, keys_of
from tests.support.searching import search_over

from vanvault.archiver.catalogue import (
    FoldedBatch,
    HotTail,
    Query,
    Search,
)
from vanvault.archiver.catalogue.hot_tail import SearchSecrets
from vanvault.archiver.catalogue.search.query import open_cursor, seal_cursor
from vanvault.archiver.core.errors import InvalidInput, NotFound
from vanvault.archiver.core.model import Entry, Message, Metadata
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.core.search_form import search_form

NewTail = Callable[[], HotTail]

filters = st.dictionaries(
    st.sampled_from([name for name in Query.FIELDS if name != "sha256"]),
    st.sampled_from([*GATEWAYS, "message", "event", "a", "b", "à", "7912345678", "m-1", "type-a", "nothing"]),
    max_size=3,
)
groups = st.lists(
    st.tuples(st.sampled_from(WRITERS), st.lists(drafts, min_size=1, max_size=12)), min_size=1, max_size=6
)
orders = st.sampled_from(["newest", "oldest"])


def batches_of(drawn: list[tuple[str, list[tuple[type, str, int, Metadata]]]]) -> list[FoldedBatch]:
    """Drawn groups as folded batches, every id once."""
    seen: set[tuple[type, str, int]] = set()
    rows = []
    for writer, entries in drawn:
        fresh = [entry for entry in entries if entry[:3] not in seen and not seen.add(entry[:3])]  # type: ignore[func-returns-value]
        if fresh:
            rows.append(
                (
                    writer,
                    [(kind, gateway, f"m-{n}", digest_of(n), about) for kind, gateway, n, about in fresh],
                )
            )
    return folded(rows)


def digest_of(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def brute_force(entries: list[Entry], query: Query) -> list[str]:
    """Ids of the entries that a query means, in its order."""
    found = [
        entry
        for entry in entries
        if _means(query.filters, entry) and query.from_us <= entry.received_us < query.to_us
    ]
    found.sort(key=lambda entry: entry.received_us, reverse=query.order == "newest")
    return [entry.id for entry in found]


def _means(filters: Mapping[str, str], entry: Entry) -> bool:
    item = item_of(entry)
    asked = _forms(pair for pair in filters.items() if pair[0] != Query.PREFIX_FIELD)
    begins = search_form("dossier_number", filters.get(Query.PREFIX_FIELD, ""))
    number = search_form("dossier_number", item["dossier_number"])
    return asked <= _forms([*keys_of(entry), ("entry", item["entry"])]) and number.startswith(begins)


def _forms(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(field, search_form(field, value)) for field, value in pairs}


def all_pages(search: Search, query: Query) -> list[str]:
    found: list[str] = []
    while True:
        page = search.page(query)
        assert len(page.items) <= query.limit
        found += [item["id"] for item in page.items]
        if page.next is None:
            return found
        query = query.continued(page.next, search.cursor_key)


@given(groups, filters, orders, st.integers(1, 7), st.tuples(st.integers(990, 1080), st.integers(1, 90)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
def test_search_is_what_looking_at_every_entry_finds(
    new_tail: NewTail,
    drawn: Any,
    wanted: dict[str, str],
    order: Any,
    limit: int,
    span: Any,
) -> None:
    batches = batches_of(drawn)
    tail = new_tail()
    tail.apply(batches)
    search = search_over(tail)
    entries = [entry for batch in batches for entry in batch.entries]
    query = Query(wanted, from_us=span[0], to_us=span[0] + span[1], order=order, limit=limit)
    assert all_pages(search, query) == brute_force(entries, query)
    for entry in entries:
        item = search.entry(entry.id)
        assert item_of(entry).items() <= item.items()
        assert [placement["site"] for placement in item["placements"]] == ["primary", "standby"]


@given(groups, orders, st.integers(1, 5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=25)
def test_pages_are_stable_while_new_entries_arrive(
    new_tail: NewTail, drawn: Any, order: Any, limit: int
) -> None:
    """Nothing twice, and nothing left out of what was there at the first page."""
    batches = batches_of(drawn)
    first, later = batches[: len(batches) // 2 + 1], batches[len(batches) // 2 + 1 :]
    tail = new_tail()
    tail.apply(first)
    search = search_over(tail)
    query = Query(order=order, limit=limit)
    found: list[str] = []
    while True:
        page = search.page(query)
        found += [item["id"] for item in page.items]
        if later:
            tail.apply([later.pop(0)])
        if page.next is None:
            break
        query = query.continued(page.next, search.cursor_key)
    there = [entry.id for batch in first for entry in batch.entries]
    assert len(found) == len(set(found))
    assert [id for id in found if id in there] == (there[::-1] if order == "newest" else there)


class ConstantHasher:
    """Gives one digest, whatever it is given."""

    def __init__(self, digest: bytes) -> None:
        self._digest = digest

    def copy(self) -> Self:
        return self

    def update(self, data: bytes) -> None:
        """Leaves it out."""

    def digest(self) -> bytes:
        return self._digest


class CollidingSecrets(SearchSecrets):
    """Secrets under which all values of a field have one token, as two in 2**64 may."""

    def hasher(self, field: str) -> Any:
        return ConstantHasher(super().hasher(field).digest())


def test_entries_whose_tokens_collide_are_told_apart(tmp_path: Path, secrets: SearchSecrets) -> None:
    colliding = CollidingSecrets(secrets.key_id, secrets.tokens, secrets.cursors, secrets.sealing)
    rows = [
        (Message, GATEWAYS[0], f"m-{n}", digest_of(n), Metadata(state="b" if n % 100 == 7 else "a"))
        for n in range(1000)
    ]
    tail = HotTail(tmp_path / "tail.sqlite", colliding, SystemEntropy(), archive="archive-1")
    tail.apply(folded([(WRITERS[0], rows)]))
    found = all_pages(search_over(tail), Query({"state": "b"}, order="oldest", limit=3))
    tail.close()
    assert found == [f"{WRITERS[0]}-0-{n}" for n in range(7, 1000, 100)]


def test_many_small_batches_are_searched_as_one(new_tail: NewTail) -> None:
    """As many folds as a busy hour makes, so that everything that is merged behind was merged."""
    random = Random(11)
    rows = [
        (
            WRITERS[n % 2],
            [
                (
                    Message,
                    GATEWAYS[0],
                    f"m-{n}-{row}",
                    digest_of(n),
                    Metadata(state=random.choice("abc"), period=random.choice("xy")),
                )
                for row in range(random.randrange(1, 9))
            ],
        )
        for n in range(600)
    ]
    batches = folded(rows)
    tail = new_tail()
    for batch in batches:
        tail.apply([batch])
    entries = [entry for batch in batches for entry in batch.entries]
    search = search_over(tail)
    for wanted in (
        {"state": "a"},
        {"state": "b", "period": "x"},
        {"gateway": GATEWAYS[0]},
        {"message_id": "m-7-0"},
    ):
        for order in ("newest", "oldest"):
            query = Query(wanted, from_us=1_500, to_us=3_000, order=order, limit=97)
            assert all_pages(search, query) == brute_force(entries, query)


def test_what_is_not_there(new_tail: NewTail) -> None:
    search = search_over(new_tail())
    assert search.page(Query()).items == []
    assert search.timeline("t-1").items == []
    with pytest.raises(NotFound):
        search.entry(f"{WRITERS[0]}-0-0")
    with pytest.raises(InvalidInput):
        search.entry("m-1")


def test_a_timeline_is_oldest_first_and_of_one_transaction(new_tail: NewTail) -> None:
    about = [Metadata(transaction_id=f"t-{n % 2}") for n in range(2500)]
    rows = [(Message, GATEWAYS[n % 3 % 2], f"m-{n}", digest_of(n), about[n]) for n in range(2500)]
    tail = new_tail()
    tail.apply(folded([(WRITERS[0], rows)]))
    search = search_over(tail)
    found = search.timeline("t-1").items
    assert [item["message_id"] for item in found] == [f"m-{n}" for n in range(1, 2500, 2)]
    assert [item["message_id"] for item in search.timeline("t-1", GATEWAYS[1]).items] == [
        f"m-{n}" for n in range(1, 2500, 2) if n % 3 % 2
    ]


CURSOR_KEY = bytes(32)


@given(st.binary(min_size=12, max_size=12), filters, filters, orders, orders)
def test_a_cursor_belongs_to_its_query(
    position: bytes, mine: dict[str, str], other: dict[str, str], order: Any, other_order: Any
) -> None:
    query, another = Query(mine, order=order), Query(other, order=other_order)
    cursor = seal_cursor(position, query, CURSOR_KEY)
    assert open_cursor(cursor, query, CURSOR_KEY) == position
    assert open_cursor(cursor, replace(query, limit=7), CURSOR_KEY) == position
    if (mine, order) != (other, other_order):
        with pytest.raises(InvalidInput):
            open_cursor(cursor, another, CURSOR_KEY)
    with pytest.raises(InvalidInput):
        open_cursor(cursor, query, bytes(31) + b"\1")


@given(st.binary(min_size=12, max_size=12), st.data())
def test_a_changed_cursor_is_refused(position: bytes, data: st.DataObject) -> None:
    cursor = seal_cursor(position, Query(), CURSOR_KEY)
    changed = data.draw(
        st.one_of(
            st.integers(0, len(cursor) - 1).map(
                lambda n: cursor[:n] + ("A" if cursor[n] != "A" else "B") + cursor[n + 1 :]
            ),
            st.integers(0, len(cursor) - 1).map(lambda n: cursor[:n]),
            st.text(max_size=60).filter(lambda text: text != cursor),
        )
    )
    with pytest.raises(InvalidInput):
        open_cursor(changed, Query(), CURSOR_KEY)


def test_a_query_from_parameters_carries_its_cursor() -> None:
    plain = [("state", "a"), ("from", "2026-11-22"), ("limit", "3")]
    query = Query.parse(plain, CURSOR_KEY)
    cursor = seal_cursor(b"p" * 12, query, CURSOR_KEY)
    assert Query.parse([*plain, ("cursor", cursor)], CURSOR_KEY) == replace(query, after=b"p" * 12)
    with pytest.raises(InvalidInput, match="cursor"):
        Query.parse([("state", "b"), ("cursor", cursor)], CURSOR_KEY)
