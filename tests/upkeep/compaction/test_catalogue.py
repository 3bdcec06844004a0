"""What a node knows of segments: in whatever order it heard of them, the same ones stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.names import batch_key, segment_key

from vanvault.archiver.catalogue import Catalogue, HotTail
from vanvault.archiver.catalogue.hot_tail import SearchSecrets
from vanvault.archiver.core.format.segments import manifest_statement
from vanvault.archiver.core.model import Covered, SegmentManifest, SegmentPart
from vanvault.archiver.core.names import WRITER_ENTROPY, new_writer_id
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.core.times import to_us
from vanvault.archiver.keys import KeyFiles, SigningKeys

START = datetime(2026, 11, 20, tzinfo=UTC)
WRITER = "0123456789abcdeg"
NewCatalogue = Callable[[], Catalogue]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    folder.chmod(0o700)
    KeyFiles.create(folder, SystemEntropy())
    SigningKeys.create(folder, SystemEntropy())
    return folder


@pytest.fixture
def new_catalogue(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewCatalogue]:
    folder, tails = tmp_path_factory.mktemp("tails"), []
    secrets = SearchSecrets.of(KeyFiles(keys, SystemEntropy()))

    def make() -> Catalogue:
        tails.append(HotTail(folder / f"{len(tails)}.sqlite", secrets, SystemEntropy(), archive="archive-1"))
        return Catalogue(tails[-1])

    yield make
    for tail in tails:
        tail.close()


def manifest(number: int, covers: list[tuple[int, int]], keys: Path) -> tuple[str, SegmentManifest]:
    """Segment ``number`` (ids rise with it) over ranges of one writer."""
    segment = new_writer_id(START + timedelta(hours=number), bytes(WRITER_ENTROPY))
    rows = sum(last - first + 1 for first, last in covers)
    parts = tuple(
        SegmentPart(kind, segment_key(segment, n, kind, bytes(32)), 1, rows, "2037-11-23T00:00:00Z")  # type: ignore[arg-type]
        for n, kind in ((0, "log"), (2, "evidence"))
    )
    signer = SigningKeys(keys).active()
    ranges = tuple(Covered(WRITER, first, last) for first, last in covers)
    plain = SegmentManifest(
        "archive-1", segment, "2026-11-20", 9, 1, 2, rows, 0, rows, ranges, parts, signer.key_id
    )
    found = SegmentManifest(
        **{name: getattr(plain, name) for name in plain.__dataclass_fields__ if name != "signature"},
        signature=signer.sign(manifest_statement(plain)),
    )
    return segment_key(segment, 3, "manifest", bytes([number]) * 32), found


def standing(catalogue: Catalogue) -> list[str]:
    return [segment.key for segment in catalogue.segments()]


def covers_of(catalogue: Catalogue, sequences: range) -> list[bool]:
    return [catalogue.covers(batch_key(WRITER, n, "messages", bytes(32))) for n in sequences]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_over_the_same_batches_the_smaller_id_stands(
    new_catalogue: NewCatalogue, keys: Path, order: tuple[int, int]
) -> None:
    two = [manifest(number, [(0, 4)], keys) for number in (1, 2)]
    catalogue = new_catalogue()
    news = [catalogue.add(*two[n]) for n in order]
    assert news == ([True, False] if order == (0, 1) else [True, True])
    assert standing(catalogue) == [two[0][0]]
    found = catalogue.covering(WRITER, 3)
    assert found is not None
    assert found.key == two[0][0]
    assert len(catalogue.segments(spare=True)) == 2
    assert not any(catalogue.add(*one) for one in two)


def test_one_that_is_indexed_stands_until_its_smaller_rival_is(
    new_catalogue: NewCatalogue, keys: Path
) -> None:
    """In between no entry may be found neither in the tail nor in the index."""
    small, large = (manifest(number, [(0, 4)], keys) for number in (1, 2))
    catalogue = new_catalogue()
    catalogue.add(*large)
    catalogue.indexed(catalogue.segments()[0].n)
    assert catalogue.add(*small)
    assert sorted(standing(catalogue)) == [small[0], large[0]]
    catalogue.indexed(next(one.n for one in catalogue.segments() if one.key == small[0]))
    assert standing(catalogue) == [small[0]]


def test_two_that_share_some_batches_both_stand(new_catalogue: NewCatalogue, keys: Path) -> None:
    one, two = manifest(1, [(0, 4)], keys), manifest(2, [(3, 7)], keys)
    catalogue = new_catalogue()
    assert [catalogue.add(*two), catalogue.add(*one)] == [True, True]
    assert standing(catalogue) == [one[0], two[0]]
    assert covers_of(catalogue, range(10)) == [True] * 8 + [False] * 2


ranges = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=2, unique=True)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), drawn=st.lists(ranges, min_size=1, max_size=5))
def test_the_same_ones_stand_in_whatever_order_they_came(
    new_catalogue: NewCatalogue, keys: Path, data: st.DataObject, drawn: list[list[tuple[int, int]]]
) -> None:
    made = []
    for number, pieces in enumerate(drawn):
        held = sorted({n for first, more in pieces for n in range(first, first + more + 1)})
        starts = [n for n in held if n - 1 not in held]
        ends = [n for n in held if n + 1 not in held]
        made.append((manifest(number, list(zip(starts, ends, strict=True)), keys), set(held)))
    expected, taken = set(), set[int]()
    for (key, _), held_by in made:
        if not held_by <= taken:
            expected.add(key)
        taken |= held_by
    catalogue = new_catalogue()
    for (key, one), _ in data.draw(st.permutations(made)):
        catalogue.add(key, one)
    assert set(standing(catalogue)) == expected
    assert covers_of(catalogue, range(12)) == [n in taken for n in range(12)]
    assert catalogue.counts()["segments"] == len(expected)


def test_listings_go_on_from_the_newest_known(new_catalogue: NewCatalogue, keys: Path) -> None:
    catalogue = new_catalogue()
    assert catalogue.listing_start(to_us(START + timedelta(days=400))) == ""
    old, slow, new = (manifest(number, [(number, number)], keys) for number in (1, 60, 100))
    catalogue.add(*new)
    assert old[0] < catalogue.listing_start(to_us(START + timedelta(days=400))) < slow[0] < new[0]
