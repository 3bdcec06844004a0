"""Putting an object everywhere: what a site holds already counts only with its bytes and its whole lock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite
from tests.support.names import large_key
from vanvault.archiver.replicas import Placing, copy_object, place_everywhere
from vanvault.archiver.replicas.placing import find_held

DATA = b"the right bytes"
DIGEST = hashlib.sha256(DATA).digest()
KEY = large_key("1m80yt0rdsqw5e1d", 4, DIGEST)
CLOCK = ManualClock()


def in_days(days: int) -> datetime:
    return CLOCK.now().replace(microsecond=0) + timedelta(days=days)


@pytest.fixture
def sites() -> dict[str, MemorySite]:
    return {name: MemorySite(name, clock=CLOCK) for name in ("primary", "standby")}


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as found:
        yield found


def put(site: MemorySite, days: int) -> str:
    site.allow_put_again(KEY)
    return site.put(KEY, DATA, sha256=DIGEST, retain_until=in_days(days)).version


def operations(site: MemorySite) -> list[str]:
    return [call.operation for call in site.calls]


def test_what_is_held_is_the_oldest_version_with_the_bytes_and_the_whole_lock(
    sites: dict[str, MemorySite],
) -> None:
    site = sites["primary"]
    put(site, 39)
    long_enough, newer = put(site, 40), put(site, 41)
    assert find_held(site, KEY, DIGEST, in_days(40)).version == long_enough  # type: ignore[union-attr]
    assert find_held(site, KEY, DIGEST, in_days(41)).version == newer  # type: ignore[union-attr]
    assert find_held(site, KEY, DIGEST, in_days(42)) is None
    assert find_held(site, KEY, hashlib.sha256(b"other").digest(), in_days(40)) is None


def test_a_copy_under_a_shorter_lock_is_put_again(sites: dict[str, MemorySite]) -> None:
    put(sites["primary"], 40)
    put(sites["standby"], 39)
    sites["standby"].allow_put_again(KEY)
    placements = place_everywhere(sites, KEY, in_days(40), now=CLOCK.now)
    for placement in placements:
        held = sites[placement.site].stat(KEY, placement.version).retain_until
        assert held is not None
        assert held >= in_days(40)
    assert [len(site.versions(KEY)) for site in sites.values()] == [1, 2]


def test_an_object_is_copied_with_its_lock_and_only_once(sites: dict[str, MemorySite]) -> None:
    put(sites["primary"], 40)
    for _ in range(2):
        copied = copy_object(sites["primary"], sites["standby"], KEY, retain_until=in_days(40), now=CLOCK.now)
        (version,) = sites["standby"].versions(KEY)
        assert (copied.version, version.retain_until) == (version.version, in_days(40))


def test_a_try_again_looks_before_it_puts(sites: dict[str, MemorySite], executor: ThreadPoolExecutor) -> None:
    """The put failed, but was stored: a second version would be one that no receipt names."""
    placing = Placing(KEY, DATA, DIGEST, in_days(40))
    sites["standby"].fail_next("put", "after")
    assert not placing.put(sites, executor)
    assert not placing.surely_nowhere
    assert placing.put(sites, executor)
    (version,) = sites["standby"].versions(KEY)
    assert placing.placements["standby"].version == version.version
    assert operations(sites["standby"]).count("put") == 1
    assert operations(sites["primary"]) == ["put"]


def test_a_put_that_was_refused_everywhere_may_be_forgotten_and_one_in_doubt_may_not(
    sites: dict[str, MemorySite], executor: ThreadPoolExecutor
) -> None:
    placing = Placing(KEY, DATA, DIGEST, in_days(40))
    for site in sites.values():
        site.fail_next("put")
    assert not placing.put(sites, executor)
    assert placing.surely_nowhere
    sites["primary"].fail_next("put", "after")
    sites["standby"].fail_next("put")
    assert not placing.put(sites, executor)
    assert not placing.surely_nowhere
    sites["primary"].fail_next("versions")
    sites["standby"].fail_next("put")
    assert not placing.put(sites, executor)
    assert not placing.surely_nowhere  # a later failure does not undo an earlier doubt
