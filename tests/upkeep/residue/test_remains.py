"""What a residue segment replaced lies at sites and in indexes until it is removed; all of it is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.archives import SITES
from tests.support.residues import Disposable, disposable

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.upkeep.residue import drop_from_index, replaced_objects


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Disposable]:
    with disposable(tmp_path / "home") as found:
        yield found


def test_segments_batches_and_large_objects_that_are_gone_remain_to_be_removed(made: Disposable) -> None:
    before = made.segment
    kept = {version.key for version in made.home.primary.list("large/")}
    assert len(kept) == 1
    made.dispose("m-1")
    remains = replaced_objects(made.archive, made.segment)
    assert remains.keys() == set(SITES)
    keys = {version.key for version in remains["primary"]}
    segment = {version.key for version in made.home.primary.list(f"segment/{before.manifest.segment}/")}
    assert segment <= keys
    assert not keys & kept
    assert {key.split("/")[0] for key in keys - segment} == {"batch"}
    assert all(made.archive.catalogue.covers(key) for key in keys - segment)

    made.dispose(originals=["m-large"], disposal="d-00000000000000a2")
    later = replaced_objects(made.archive, made.segment, site="standby")
    assert kept < {version.key for version in later["standby"]}
    assert later.keys() == {"standby"}


def test_only_of_a_residue_segment_that_counts(made: Disposable) -> None:
    with pytest.raises(InvalidInput):
        replaced_objects(made.archive, made.segment)
    before = made.segment
    made.dispose("m-1")
    with pytest.raises(InvalidInput):
        replaced_objects(made.archive, before)


def test_the_index_lets_go_of_what_is_replaced(made: Disposable) -> None:
    files = made.archive.index.names()
    made.dispose("m-1")
    assert drop_from_index(made.archive, made.segment) == ()
    assert not files & made.archive.index.names()
    assert made.archive.index.wanting() == []
