"""Commit records in the hot tail: which of several stands, in whatever order they are folded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import pytest
from tests.catalogue.search.entries import GATEWAYS, WRITERS, folded

from vanvault.archiver.catalogue.hot_tail import FoldedBatch, HotTail
from vanvault.archiver.core.model import Commit, Message, Metadata

DIGEST = hashlib.sha256(b"one").digest()


def three() -> tuple[FoldedBatch, FoldedBatch, FoldedBatch, Commit, Commit]:
    """A batch, two later ones, and two records of its commit: of one copy, and of both."""
    groups = [
        (WRITERS[n % 2], [(Message, GATEWAYS[0], f"m-{n}", DIGEST, Metadata())])  # writers in turn
        for n in range(3)
    ]
    first, second, third = folded(groups)
    whole = Commit(first.key, first.placements, "key-1", bytes(64))
    part = replace(whole, placements=first.placements[:1])
    return first, second, third, part, whole


def recording(batch: FoldedBatch, commit: Commit) -> FoldedBatch:
    return replace(batch, header=replace(batch.header, commits=(commit,)))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_two_records_the_one_of_more_copies_stands(
    new_tail: Callable[[], HotTail], order: tuple[int, ...]
) -> None:
    """A clock that went back lets a later writer's objects be folded before the batch itself."""
    first, second, third, part, whole = three()
    batches = [first, recording(second, part), recording(third, whole)]
    tail = new_tail()
    for n in order:
        tail.apply([batches[n]])
    assert tail.batch_of(first.key).commit == whole
    assert tail.degraded() == []
    assert first.key not in {batch.key for batch in tail.uncommitted()}


@pytest.mark.parametrize("early", [True, False])
def test_a_record_that_comes_before_its_batch_is_its_own(
    new_tail: Callable[[], HotTail], early: bool
) -> None:
    first, second, _, part, _ = three()
    tail = new_tail()
    batches = [recording(second, part), first] if early else [first, recording(second, part)]
    for batch in batches:
        tail.apply([batch])
    assert tail.batch_of(first.key).commit == part
    assert tail.degraded() == [first.key]


def test_what_lies_at_one_site_is_known_as_degraded_until_it_lies_at_both(
    new_tail: Callable[[], HotTail],
) -> None:
    first, _, _, part, whole = three()
    tail = new_tail()
    tail.apply([replace(first, placements=first.placements[:1], commit=part)])
    assert tail.degraded() == [first.key]
    tail.learn(whole)
    assert tail.degraded() == []
    tail.learn(part)
    assert tail.batch_of(first.key).commit == whole
