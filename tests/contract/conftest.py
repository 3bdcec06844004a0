"""Every test of this folder runs against every store."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import LOCAL, SERVERS, DisposableSite, Harness, s3

_numbers = itertools.count()


@pytest.fixture(params=[*LOCAL, *SERVERS])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    if request.param in LOCAL:
        made = LOCAL[request.param](tmp_path / "site")
    else:
        fixture, options = SERVERS[request.param]
        made = s3(request.getfixturevalue(fixture), options)
    with made as found:
        yield found


@pytest.fixture
def site(harness: Harness) -> DisposableSite:
    return harness.site


@pytest.fixture
def room() -> str:
    """A prefix that no other test uses."""
    return f"contract/{next(_numbers):06d}"
