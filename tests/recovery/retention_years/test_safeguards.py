"""The checker can fail: each safeguard is switched off once, and it must see what comes of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.recovery.retention_years.checker import Broken, Checker
from tests.recovery.retention_years.office import Office
from tests.recovery.retention_years.places import memory_place
from tests.support.archives import Home
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment
from vanvault.archiver.retention import HoldScope
from vanvault.recovery.clearing import run as clearing
from vanvault.recovery.verify import SegmentAtSite, segment_at_site

#: In the first page of a part.
DAMAGED_BIT = 8 * 40


@dataclass
class Scene:
    """An office in memory, and who looks at it."""

    home: Home
    office: Office
    checker: Checker

    def one(self, name: str, *things: str) -> None:
        """A transaction of its own, of which these things are pushed at once."""
        case = self.office.case("gateway-1", name, f"TZ-{name}")
        self.office.push([(case, what) for what in things])

    def months(self, count: int) -> None:
        """A round of the keepers in each; after it nothing that is needed may have run out."""
        for _ in range(count):
            self.office.pass_time(30)
            self.office.keep()
            self.checker.monthly()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with memory_place(tmp_path / "home") as place:
        office = Office.at(place)
        yield Scene(place.home, office, Checker(office))


def it_stays_open_for_longer_than_its_lock(scene: Scene) -> None:
    scene.one("open", "message")
    scene.office.upkeep()
    scene.months(144)


def a_court_holds_what_would_have_run_out(scene: Scene) -> None:
    scene.one("held", "message", "transaction.returned")
    scene.office.hold(lambda paper: True, HoldScope(filters={"employer_code": "TZ-held"}))
    scene.office.upkeep()
    scene.months(144)


def nobody_compacts_for_half_a_year(scene: Scene) -> None:
    scene.one("waits", "message", "transaction.returned")
    scene.months(6)


def a_site_with_a_damaged_segment_is_the_only_one_left(scene: Scene) -> None:
    """The damage came after the last verification; the batches lay beside it still, at that site."""
    scene.one("prompt", "message", "transaction.returned")
    scene.office.upkeep()
    scene.months(4)
    scene.office.verify()
    (segment,) = [one for one in scene.office.archive.catalogue.segments() if one.manifest.messages]
    originals = segment.manifest.part("originals")
    assert originals is not None
    scene.home.standby.damage.flip(originals.key, bit=DAMAGED_BIT)
    scene.office.clear()
    scene.checker.either_way()


Off = Callable[[Scene, pytest.MonkeyPatch], None]


def rests(keeper: str) -> Off:
    return lambda scene, patch: scene.office.resting.add(keeper)


def segments_are_read_at_the_primary_alone(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    def elsewhere(archive: Archive, site: str, known: KnownSegment) -> SegmentAtSite:
        return segment_at_site(archive, "primary", known)

    patch.setattr(clearing, "segment_at_site", elsewhere)


#: What happens, and how the safeguard that keeps it from harm is switched off.
SAFEGUARDS: dict[str, tuple[Callable[[Scene], None], Off]] = {
    "the clock keeper prolongs what is open": (it_stays_open_for_longer_than_its_lock, rests("clocks")),
    "the hold keeper prolongs what is held": (a_court_holds_what_would_have_run_out, rests("holds")),
    "the lock keeper prolongs what waits for a segment": (nobody_compacts_for_half_a_year, rests("batches")),
    "a batch goes only where the segment beside it is whole": (
        a_site_with_a_damaged_segment_is_the_only_one_left,
        segments_are_read_at_the_primary_alone,
    ),
}


@pytest.mark.parametrize("name", SAFEGUARDS)
def test_with_the_safeguard_nothing_is_broken(name: str, scene: Scene) -> None:
    happens, _ = SAFEGUARDS[name]
    happens(scene)
    scene.checker.monthly()


@pytest.mark.parametrize("name", SAFEGUARDS)
def test_without_it_the_checker_sees_what_broke(
    name: str, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens, off = SAFEGUARDS[name]
    off(scene, monkeypatch)
    with pytest.raises(Broken):
        happens(scene)
