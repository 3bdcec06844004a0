"""A batch is compared with its segment in everything; a plan takes only what is covered and long over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.compacted import CompactedLab
from vanvault.archiver.core.format.batches import BatchTable, read_batch_table
from vanvault.recovery.clearing.comparing import difference
from vanvault.recovery.clearing.plan import Waiting
from vanvault.recovery.verify import RemadeBatch, segment_at_site

Pair = tuple[BatchTable, RemadeBatch]


def pairs(lab: CompactedLab) -> list[Pair]:
    """Every batch of the first segment, and what the segment makes of it."""
    with lab.open() as archive:
        archive.catch_up()
        (known,) = [one for one in archive.catalogue.segments() if one.key == lab.part("manifest", 0)]
        held = segment_at_site(archive, "primary", known)
        return [
            (read_batch_table(one.evidence.key, lab.data("primary", one.evidence.key), archive.parquet), one)
            for one in held.batches()
        ]


def other_column(held: RemadeBatch) -> RemadeBatch:
    columns = {name: list(values) for name, values in held.columns.items()}
    columns["gateway"][0] += "-"
    return replace(held, columns=columns)


def other_body(held: RemadeBatch) -> RemadeBatch:
    return replace(held, bodies=[None] * len(held.bodies))


def other(name: str) -> Callable[[RemadeBatch], RemadeBatch]:
    def change(held: RemadeBatch) -> RemadeBatch:
        value = getattr(held.evidence, name)
        return replace(held, evidence=replace(held.evidence, **{name: value + b" "}))

    return change


def without_commit(held: RemadeBatch) -> RemadeBatch:
    return replace(held, evidence=replace(held.evidence, commit=None))


def test_each_is_what_its_segment_holds(compacted: CompactedLab) -> None:
    found = pairs(compacted)
    assert len(found) > 10
    assert {batch.header.kind for batch, _ in found} == {"messages", "events"}
    assert [difference(batch, held) for batch, held in found] == [""] * len(found)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (other("header_text"), "header"),
        (other("proof"), "proof"),
        (without_commit, "commit record"),
        (other_column, "rows"),
        (other_body, "originals"),
    ],
)
def test_each_difference_is_told(
    compacted: CompactedLab, change: Callable[[RemadeBatch], RemadeBatch], told: str
) -> None:
    batch, held = next(
        (batch, held) for batch, held in pairs(compacted) if any(one is not None for one in held.bodies)
    )
    assert told in difference(batch, change(held))


@pytest.mark.parametrize(
    ("until", "over"),
    [(None, False), (0, False), (-30, True), (-31, True), (-29, False), (30, False)],
)
def test_a_lock_is_over_thirty_days_after_it_ended(until: int | None, over: bool) -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    lock = None if until is None else now + timedelta(days=until)
    assert Waiting(timedelta(days=30), 10, timedelta(days=46)).is_over(lock, now) is over
