"""Which segments count is the same whatever is heard of first; a manifest must fit what it replaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.names import segment_key

from vanvault.archiver.catalogue.catalogue import Catalogue
from vanvault.archiver.catalogue.hot_tail import HotTail, SearchSecrets
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.format.segments import (
    decode_manifest,
    encode_manifest,
    manifest_statement,
    standing,
)
from vanvault.archiver.core.model import Covered, SegmentManifest, SegmentPart
from vanvault.archiver.core.names import (
    PART_NUMBERS,
    RESIDUE_NUMBERS,
    WRITER_ENTROPY,
    SegmentKind,
    new_writer_id,
)
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import KeyFiles, SigningKeys

START = datetime(2026, 11, 1, tzinfo=UTC)
WRITER = new_writer_id(START, bytes(WRITER_ENTROPY))
DISPOSAL = "d-0123456789abcdef"


def id_of(number: int) -> str:
    return new_writer_id(START + timedelta(hours=number), bytes(WRITER_ENTROPY))


def manifest(number: int, first: int, last: int, replaces: tuple[int, ...] = ()) -> SegmentManifest:
    """Segment ``number`` (ids rise with it) over a range of one writer; unsigned."""
    rows = last - first + 1
    numbers = RESIDUE_NUMBERS if replaces else PART_NUMBERS
    kinds: tuple[SegmentKind, ...] = ("log", "evidence", "residue") if replaces else ("log", "evidence")
    parts = tuple(
        SegmentPart(
            kind,
            segment_key(id_of(number), numbers[kind], kind, bytes(32)),
            1,
            1 if kind == "residue" else rows,
            "2037-11-23T00:00:00Z",
            bytes(16),
        )
        for kind in kinds
    )
    return SegmentManifest(
        archive="archive-1",
        segment=id_of(number),
        day="2026-11-20",
        created_us=9,
        first_us=1,
        last_us=2,
        messages=rows,
        events=0,
        raw_bytes=rows,
        covers=(Covered(WRITER, first, last),),
        parts=parts,
        replaces=tuple(id_of(one) for one in replaces),
        disposal=DISPOSAL if replaces else "",
    )


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> SigningKeys:
    folder: Path = tmp_path_factory.mktemp("signing")
    folder.chmod(0o700)
    SigningKeys.create(folder, SystemEntropy())
    return SigningKeys(folder)


def signed(one: SegmentManifest, signing: SigningKeys) -> SegmentManifest:
    signer = signing.active()
    named = replace(one, signing_key=signer.key_id)
    return replace(named, signature=signer.sign(manifest_statement(named)))


NewCatalogue = Callable[[], Catalogue]


@pytest.fixture
def new_catalogue(tmp_path: Path) -> Iterator[NewCatalogue]:
    keys = tmp_path / "keys"
    KeyFiles.create(keys, SystemEntropy())
    secrets = SearchSecrets.of(KeyFiles(keys, SystemEntropy()))
    tails: list[HotTail] = []

    def make() -> Catalogue:
        path = tmp_path / f"{len(tails)}.sqlite"
        tails.append(HotTail(path, secrets, SystemEntropy(), archive="archive-1"))
        return Catalogue(tails[-1])

    yield make
    for tail in tails:
        tail.close()


def key_of(one: SegmentManifest) -> str:
    number = (RESIDUE_NUMBERS if one.is_residue else PART_NUMBERS)["manifest"]
    return segment_key(one.segment, number, "manifest", bytes(32))


def ids(found: tuple[object, ...]) -> list[str]:
    return sorted(one.manifest.segment for one in found)  # type: ignore[attr-defined]


OLD, FIRST, SECOND = manifest(1, 0, 4), manifest(2, 0, 4, (1,)), manifest(3, 0, 4, (1, 2))
TOO_MUCH = manifest(4, 0, 3, (1,))  # it lacks a batch of what it names


@pytest.mark.parametrize("order", list(permutations((OLD, FIRST, SECOND))), ids=str)
def test_the_last_of_a_line_counts_in_whatever_order(
    new_catalogue: NewCatalogue, order: tuple[SegmentManifest, ...]
) -> None:
    catalogue = new_catalogue()
    for one in order:
        catalogue.add(key_of(one), one)
    assert ids(catalogue.segments(spare=True)) == [id_of(3)]
    assert ids(catalogue.replaced()) == [id_of(1), id_of(2)]
    assert catalogue.refused() == ()
    covering = catalogue.covering(WRITER, 4)
    assert covering is not None
    assert covering.manifest.segment == id_of(3)


@pytest.mark.parametrize("order", [(OLD, TOO_MUCH), (TOO_MUCH, OLD)], ids=["after", "before"])
def test_one_that_replaces_what_it_does_not_hold_is_refused(
    new_catalogue: NewCatalogue, order: tuple[SegmentManifest, ...]
) -> None:
    catalogue = new_catalogue()
    for one in order:
        catalogue.add(key_of(one), one)
    assert ids(catalogue.segments(spare=True)) == [id_of(1)]
    assert ids(catalogue.refused()) == [id_of(4)]
    assert catalogue.replaced() == ()
    assert {n for ranges in catalogue.ranges().values() for _, _, n in ranges} == {catalogue.segments()[0].n}


def test_a_segment_that_nobody_knew_of_does_not_bring_anything_back(new_catalogue: NewCatalogue) -> None:
    """Another node had made it of the same batches, and its id is the smaller one."""
    unknown = manifest(0, 0, 4)
    catalogue = new_catalogue()
    for one in (OLD, FIRST, unknown):
        catalogue.add(key_of(one), one)
    assert ids(catalogue.segments()) == [id_of(2)]
    assert ids(catalogue.segments(spare=True)) == [id_of(0), id_of(2)]


segments = st.builds(
    lambda first, more, names: (first, first + more, tuple(sorted(names))),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sets(st.integers(0, 4), max_size=2),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(segments, min_size=1, max_size=5), data=st.data())
def test_every_node_comes_to_the_same_answer(
    new_catalogue: NewCatalogue, drawn: list[tuple[int, int, tuple[int, ...]]], data: st.DataObject
) -> None:
    made = [
        manifest(number, first, last, tuple(name for name in names if name < number))
        for number, (first, last, names) in enumerate(drawn)
    ]
    catalogue = new_catalogue()
    for one in data.draw(st.permutations(made)):
        catalogue.add(key_of(one), one)
    found = standing(made)
    assert ids(catalogue.replaced()) == sorted(found.replaced)
    assert ids(catalogue.refused()) == sorted(found.refused)
    for one in made:
        if one.segment not in found.refused:
            assert all(catalogue.holds(WRITER, n) for n in range(one.covers[0].first, one.covers[0].last + 1))


def test_a_manifest_reads_back_and_says_what_it_stands_for(signing: SigningKeys) -> None:
    one = signed(SECOND, signing)
    assert decode_manifest(encode_manifest(one), signing.public, key=key_of(one)) == one
    plain = signed(OLD, signing)
    assert b"replaces" not in encode_manifest(plain)
    assert decode_manifest(encode_manifest(plain), signing.public, key=key_of(plain)) == plain


@pytest.mark.parametrize(
    "forged",
    [
        replace(SECOND, replaces=()),
        replace(SECOND, replaces=(id_of(2), id_of(1))),
        replace(SECOND, replaces=(id_of(1), id_of(1))),
        replace(SECOND, replaces=(id_of(3),)),
        replace(SECOND, replaces=(id_of(5),)),
        replace(SECOND, replaces=("none",)),
        replace(SECOND, disposal="d-1"),
        replace(SECOND, disposal=""),
        replace(SECOND, parts=SECOND.parts[:2]),
        replace(SECOND, parts=(*OLD.parts, SECOND.parts[2])),
        replace(OLD, parts=SECOND.parts),
        replace(SECOND, parts=(*SECOND.parts[:2], replace(SECOND.parts[2], rows=6))),
    ],
    ids=(
        "replaces nothing",
        "not in order",
        "twice",
        "itself",
        "a later one",
        "no id",
        "no disposal's id",
        "no disposal",
        "no residue",
        "parts of another sort",
        "an old one with a residue",
        "more gone than it holds",
    ),
)
def test_one_that_contradicts_itself_is_no_manifest(signing: SigningKeys, forged: SegmentManifest) -> None:
    one = signed(forged, signing)
    with pytest.raises(Damaged):
        decode_manifest(encode_manifest(one), signing.public, key=key_of(one))


def test_a_residue_manifest_has_the_name_of_one(signing: SigningKeys) -> None:
    one, plain = signed(SECOND, signing), signed(OLD, signing)
    for found, number in ((one, PART_NUMBERS["manifest"]), (plain, RESIDUE_NUMBERS["manifest"])):
        key = segment_key(found.segment, number, "manifest", bytes(32))
        with pytest.raises(Damaged):
            decode_manifest(encode_manifest(found), signing.public, key=key)
