"""The power goes after any step: what is acknowledged is there, whole; what is listed is whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.clocks import ManualClock
from tests.support.losing_disk import WORLDS, LosingDisk
from vanvault.archiver.stores import FileSite

KEY = "batch/0abcdefghjkmnpqr/0000000001-00ff.messages.parquet"
OTHER = "batch/0abcdefghjkmnpqr/0000000002-00ee.messages.parquet"
DATA = b"an original message" * 100


@pytest.fixture
def disk(root: Path) -> Iterator[LosingDisk]:
    found = LosingDisk(root)
    yield found
    found.close()


def put(site: FileSite, clock: ManualClock, key: str = KEY) -> str:
    until = clock.now().replace(microsecond=0) + timedelta(days=10)
    return site.put(key, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until).version


def left_by(disk: LosingDisk, clock: ManualClock, target: Path) -> list[list[tuple[str, bytes, int]]]:
    """What a site lists in each world, if the power goes now: key, bytes and days of the lock."""
    found = []
    for world in WORLDS:
        site = FileSite(disk.after_power_cut(world, target), "primary", clock=clock)
        found.append([])
        for version in site.list():
            assert version.retain_until is not None
            days = (version.retain_until - clock.now()).days + 1
            found[-1].append((version.key, site.get(version.key, version.version), days))
        site.close()
    return found


def cuts(disk: LosingDisk, clock: ManualClock, target: Path, act: Callable[[], object]) -> list[list]:  # type: ignore[type-arg]
    """What would be left after each step of ``act``, in both worlds."""
    seen: list[list[tuple[str, bytes, int]]] = []
    with disk.watched(lambda step: seen.extend(left_by(disk, clock, target))):
        act()
    assert len(seen) > 4
    return seen


def test_what_was_put_is_whole_wherever_the_power_goes(
    site: FileSite, disk: LosingDisk, clock: ManualClock, tmp_path: Path
) -> None:
    whole = [(KEY, DATA, 10)]
    for left in cuts(disk, clock, tmp_path / "left", lambda: put(site, clock)):
        assert left in ([], whole)
    assert left_by(disk, clock, tmp_path / "left") == [whole, whole]


def test_what_was_put_into_a_folder_that_another_made_is_there(
    root: Path, site: FileSite, disk: LosingDisk, clock: ManualClock, tmp_path: Path
) -> None:
    """The other process has made the folder, and not synced it yet."""
    with disk.watched():
        os.makedirs(root / "objects" / "batch" / "0abcdefghjkmnpqr" / "~0000000")
        put(site, clock)
        put(site, clock, OTHER)
    whole = [(KEY, DATA, 10), (OTHER, DATA, 10)]
    assert left_by(disk, clock, tmp_path / "left") == [whole, whole]


def test_a_lock_that_was_extended_stays_so(
    site: FileSite, disk: LosingDisk, clock: ManualClock, tmp_path: Path
) -> None:
    later = clock.now().replace(microsecond=0) + timedelta(days=20)
    with disk.watched():
        version = put(site, clock)
    for left in cuts(disk, clock, tmp_path / "left", lambda: site.extend(KEY, version, later)):
        assert left in ([(KEY, DATA, 10)], [(KEY, DATA, 20)])
    assert left_by(disk, clock, tmp_path / "left") == [[(KEY, DATA, 20)]] * 2


def test_what_was_disposed_of_does_not_come_back(
    site: FileSite, disk: LosingDisk, clock: ManualClock, tmp_path: Path
) -> None:
    with disk.watched():
        version = put(site, clock)
        put(site, clock, OTHER)
    clock.advance(timedelta(days=11))
    with disk.watched():
        site.delete(KEY, version)
    assert [[key for key, *_ in left] for left in left_by(disk, clock, tmp_path / "left")] == [[OTHER]] * 2


def test_a_disposal_never_leaves_a_marker_without_its_data(
    root: Path, site: FileSite, disk: LosingDisk, clock: ManualClock, tmp_path: Path
) -> None:
    """Names that vanish in the order in which they were removed: no later marker is ever left alone."""
    with disk.watched():
        version = put(site, clock)
        site.extend(KEY, version, clock.now().replace(microsecond=0) + timedelta(days=20))
    clock.advance(timedelta(days=21))
    strays: list[str] = []

    def look(step: str) -> None:
        left = FileSite(disk.after_power_cut("kept", tmp_path / "left"), "primary", clock=clock)
        strays.extend(stray.path for stray in left.strays())
        left.close()

    with disk.watched(look):
        site.delete(KEY, version)
    assert strays == []


def test_a_new_site_is_there_once_it_was_made(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "disk").mkdir()
    disk = LosingDisk(tmp_path / "disk")
    with disk.watched():
        FileSite.create(tmp_path / "disk" / "sites" / "primary", "primary", archive="test", clock=clock)
    for world in WORLDS:
        left = disk.after_power_cut(world, tmp_path / "left") / "sites" / "primary"
        FileSite(left, "primary", clock=clock).close()
    disk.close()
