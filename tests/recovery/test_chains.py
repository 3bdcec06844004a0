"""One writer's chain by itself: what follows the last object, and in which order times come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import pytest

from tests.support.names import batch_key
from vanvault.archiver.core.model import BatchHeader
from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.recovery.verify.chains import Chain, ChainFinding, Gap
from vanvault.recovery.verify.contents import BatchContent

WRITER = "0123456789abcdef"


def name_of(sequence: int) -> ObjectName:
    name = parse_key(batch_key(WRITER, sequence, "messages", hashlib.sha256(b"%d" % sequence).digest()))
    assert name is not None
    return name


def content(
    sequence: int, first_us: int, last_us: int = 0, *, previous: int | None = None, final: bool = False
) -> BatchContent:
    """A batch that follows the one before it, unless it is told to name another."""
    before = sequence - 1 if previous is None else previous
    header = BatchHeader(
        archive="archive-1",
        writer=WRITER,
        sequence=sequence,
        kind="messages",
        created_us=last_us or first_us,
        retain_until="2037-11-23T00:00:00Z",
        rows=2,
        previous=name_of(before).sha256.hex() if before >= 0 else "",
        final=final,
    )
    return BatchContent("messages/1", header, None, first_us, last_us or first_us, (), ())


def walk(*contents: BatchContent | None, first: int = 0) -> list[ChainFinding]:
    chain = Chain(WRITER)
    found: list[ChainFinding] = []
    for sequence, one in enumerate(contents, start=first):
        found.extend(chain.add(name_of(sequence), one))
    return [*found, *chain.finish()]


def problems(found: Iterable[ChainFinding]) -> list[str]:
    return [one[1] if isinstance(one, tuple) else repr(one) for one in found]


def test_a_whole_chain_has_no_findings() -> None:
    assert walk(content(0, 10, 20), content(1, 21, 30), content(2, 31, final=True)) == []


def test_an_object_after_the_one_that_closed_is_told_though_its_link_is_right() -> None:
    found = walk(content(0, 10), content(1, 20, final=True), content(2, 30), content(3, 40))
    assert problems(found) == ["its writer closed with object 1"] * 2


@pytest.mark.parametrize(("first_us", "told"), [(19, True), (20, True), (21, False)])
def test_a_first_row_must_be_later_than_the_last_row_before_it(first_us: int, told: bool) -> None:
    found = walk(content(0, 10, 20), content(1, first_us, 30))
    assert problems(found) == ["its first row is not later than the last row before it"] * told


def test_a_wrong_link_is_told_once() -> None:
    found = walk(content(0, 10), content(1, 20), content(2, 30, previous=0), content(3, 40))
    (text,) = problems(found)
    assert text.startswith("the previous object that it names is not ")


def test_the_first_object_names_no_other() -> None:
    (text,) = problems(walk(content(0, 10, previous=7)))
    assert "yet names a previous object" in text


def test_two_objects_of_one_sequence_are_a_fork() -> None:
    chain = Chain(WRITER)
    other = parse_key(batch_key(WRITER, 0, "messages", hashlib.sha256(b"other").digest()))
    assert other is not None
    assert list(chain.add(name_of(0), content(0, 10))) == []
    assert [one[0] for one in chain.add(other, content(0, 10)) if isinstance(one, tuple)] == ["fork"]


def test_what_lies_between_is_a_gap_and_what_follows_it_needs_no_link() -> None:
    chain = Chain(WRITER)
    assert list(chain.add(name_of(0), content(0, 10))) == []
    assert list(chain.add(name_of(3), content(3, 40))) == [Gap(WRITER, 1, 2)]
    assert list(chain.add(name_of(4), content(4, 50))) == []


def test_an_object_that_was_not_opened_proves_no_link_and_breaks_none() -> None:
    assert walk(content(0, 10), None, content(2, 30)) == []
    (text,) = problems(walk(content(0, 10), None, content(2, 30, previous=0)))
    assert text.startswith("the previous object that it names is not ")
