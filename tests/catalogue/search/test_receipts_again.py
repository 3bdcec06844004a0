"""First receipts that are made again: by the record that stands, and no longer degraded than they must be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.archives import Home, Node, crash, message
from tests.support.compacted import CompactedLab

from vanvault.archiver.catalogue.hot_tail import FoldedBatch
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.format.batches import decode_batch


def away(home: Home, times: int) -> None:
    """The standby answers nothing so often; zero: again."""
    for operation in ("put", "get", "get_range", "stat", "versions", "list", "now", "extend"):
        home.standby.fail_next(operation, times=times)  # type: ignore[arg-type]


def unrecorded(home: Home) -> Receipt:
    """A message of a node that was killed: no object holds its commit, and the hot tail is lost."""
    node = Node(home.archive())
    node.wait_ready()
    receipt = node.push(message("m-1", b"<x/>"))
    crash(node, home)
    home.forget_hot_tail()
    return receipt


def test_a_receipt_is_whole_as_soon_as_the_other_site_is_back(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANVAULT_SITES__POLICY", "any")
    first = unrecorded(home)
    archive = home.archive()
    archive.catch_up()
    away(home, 1_000_000)
    assert archive.receipts.of(first["id"])["degraded"] is True
    away(home, 0)
    again = archive.receipts.of(first["id"])
    assert "degraded" not in again
    assert again["placements"] == first["placements"]


def test_a_record_that_comes_later_stands_over_what_was_made_again(home: Home) -> None:
    """Another node recorded other versions: its receipt is the first one."""
    first = unrecorded(home)
    archive = home.archive()
    archive.catch_up()
    assert archive.receipts.of(first["id"])["placements"] == first["placements"]
    batch = archive.tail.batch_of(first["object"])
    made = archive.receipts.commit_of(batch.n)
    named = tuple(replace(one, version=f"other-{one.site}") for one in made.placements)
    archive.tail.learn(replace(made, placements=named))
    assert [one["version"] for one in archive.receipts.of(first["id"])["placements"]] == [
        one.version for one in named
    ]


def test_a_batch_that_a_segment_holds_is_not_folded_again(compacted: CompactedLab) -> None:
    """Its rows would be found twice, and claim their ids a second time."""
    key = compacted.compacted()[1]
    with compacted.open() as archive:
        archive.catch_up()
        batch = decode_batch(key, compacted.data("primary", key), archive.parquet, bodies=False)
        before = archive.tail.counts()
        assert archive.tail.apply([FoldedBatch(key, batch.header, batch.entries, ())]) == 0
        assert archive.tail.knows([key]) == set()
        assert archive.tail.counts() == before
