"""A hot tail that a test may fill by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vanvault.archiver.catalogue import HotTail
from vanvault.archiver.catalogue.hot_tail import SearchSecrets
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import KeyFiles


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> SearchSecrets:
    return SearchSecrets.of(KeyFiles.create(tmp_path_factory.mktemp("keys"), SystemEntropy()))


@pytest.fixture
def new_tail(
    tmp_path_factory: pytest.TempPathFactory, secrets: SearchSecrets
) -> Iterator[Callable[[], HotTail]]:
    """Makes empty hot tails."""
    made: list[HotTail] = []
    folder: Path = tmp_path_factory.mktemp("tails")

    def make() -> HotTail:
        path = folder / f"{len(made)}.sqlite"
        made.append(HotTail(path, secrets, SystemEntropy(), archive="archive-1"))
        return made[-1]

    yield make
    for tail in made:
        tail.close()
