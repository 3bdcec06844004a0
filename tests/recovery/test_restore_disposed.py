"""Large objects that a disposal let go of are given to no rebuilt site, as long as it can be told which."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.archives import SITES
from tests.support.memory_site import MemorySite
from tests.support.residues import Disposable, disposable
from vanvault.recovery.restore import RestoreRequest, restore
from vanvault.recovery.work.observer import QuietObserver


class Heard(QuietObserver):
    """Keeps what an operator is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def warn(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Disposable]:
    with disposable(tmp_path / "home") as found:
        yield found


def large(site: MemorySite) -> list[str]:
    return [one.key for one in site.list("large/")]


def rebuilt(made: Disposable) -> tuple[MemorySite, list[str]]:
    """The primary, which was lost, and what the restore told."""
    primary, heard = MemorySite("primary", clock=made.home.clock), Heard()
    with made.home.archive({**made.home.sites, "primary": primary}) as archive:
        assert restore(archive, RestoreRequest("standby", verify=False), heard).report.whole
    return primary, heard.said


def test_one_that_entries_have_is_copied(made: Disposable) -> None:
    made.dispose("m-1")
    primary, said = rebuilt(made)
    assert large(primary) == large(made.home.standby) != []
    assert not any("large objects" in one for one in said)


def test_one_that_was_let_go_of_is_not(made: Disposable) -> None:
    made.dispose("m-1", originals=["m-large"])
    assert large(made.home.standby)
    primary, _ = rebuilt(made)
    assert large(primary) == []


def test_where_that_cannot_be_told_it_is_copied_and_said(made: Disposable) -> None:
    made.dispose("m-1", originals=["m-large"])
    for name in SITES:
        site = made.home.sites[name]
        for part in [one.key for one in site.list("segment/") if "residue" in one.key]:
            site.damage.flip(part)
    primary, heard = MemorySite("primary", clock=made.home.clock), Heard()
    with made.home.archive({**made.home.sites, "primary": primary}) as archive:
        restore(archive, RestoreRequest("standby", verify=False), heard)
    assert large(primary) == large(made.home.standby) != []
    assert any("which large objects a disposal let go of cannot be told" in one for one in heard.said)
