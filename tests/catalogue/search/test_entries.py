"""Each entry is found by position, batch and time, however far apart the times of its chunk's rows are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.catalogue.search.entries import WRITERS, drafts, folded, item_of, keys_of

from vanvault.archiver.catalogue import FoldedBatch, HotTail
from vanvault.archiver.catalogue.hot_tail import SearchSecrets, position_of
from vanvault.archiver.catalogue.hot_tail.entry_tokens import EntryTokens
from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.model import Event

LAST = b"\xff" * 12
#: Groups of entries of one writer, and how much later than the one before each entry came, in microseconds.
groups = st.lists(
    st.tuples(
        st.sampled_from(WRITERS),
        st.lists(st.tuples(drafts, st.sampled_from([1, 90_000, 260_000])), min_size=1, max_size=50),
    ),
    min_size=1,
    max_size=4,
)


def batches_of(drawn: Any) -> list[FoldedBatch]:
    """Batches whose entries came at these times; those of both writers lie among each other."""
    plain = [
        (
            writer,
            [
                (kind, gateway, f"{n}-{row}", _digest(row), about)
                for row, about_row in enumerate(rows)
                for (kind, gateway, _, about), _ in [about_row]
            ],
        )
        for n, (writer, rows) in enumerate(drawn)
    ]
    times = dict.fromkeys(WRITERS, 1_000)
    batches = []
    for batch, (writer, rows) in zip(folded(plain), drawn, strict=True):
        entries = []
        for entry, (_, later) in zip(batch.entries, rows, strict=True):
            times[writer] += later
            entries.append(replace(entry, received_us=times[writer]))
        batches.append(replace(batch, entries=tuple(entries)))
    return batches


def _digest(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


@given(
    groups, st.randoms(use_true_random=False), st.tuples(st.integers(0, 2_000_000), st.integers(0, 2_000_000))
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
def test_entries_are_found_by_position_batch_and_time(
    new_tail: Callable[[], HotTail], drawn: Any, order: Any, span: tuple[int, int]
) -> None:
    batches = batches_of(drawn)
    tail = new_tail()
    order.shuffle(batches)
    for batch in batches:
        tail.apply([batch])
    placed = sorted(
        (position_of(entry, batch.header.writer), entry) for batch in batches for entry in batch.entries
    )
    for position, entry in placed:
        assert tail.at(position)[0] == item_of(entry)
        assert tail.by_id(entry.id)[0] == item_of(entry)
    with pytest.raises(NotFound):
        tail.at(LAST)
    for number, batch in enumerate(batches):
        n = tail.batch_of(batch.key).n
        assert [entry.id for entry in tail.entries(n)] == [entry.id for entry in batch.entries], number
    low, high = (us.to_bytes(8) + bytes(4) for us in sorted(span))
    for bounds in ((b"", LAST), (low, high)):
        wanted = [position for position, _ in placed if bounds[0] <= position < bounds[1]]
        for newest in (False, True):
            with tail.snapshot():
                found = [row.position for row in tail.scan([], *bounds, newest=newest)]
            assert found == (wanted[::-1] if newest else wanted)


@given(groups)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_the_tokens_of_an_entry_are_those_of_its_keys(secrets: SearchSecrets, drawn: Any) -> None:
    quick = EntryTokens(secrets)
    for batch in batches_of(drawn):
        for entry in batch.entries:
            tokens: list[bytes] = []
            assert quick.add(entry, tokens) == len(tokens)
            assert sorted(tokens) == sorted(secrets.token(*pair) for pair in keys_of(entry))
            kind = "event" if isinstance(entry, Event) else "message"
            assert quick.claim(entry) == secrets.claim(kind, entry.gateway, entry.client_id)
