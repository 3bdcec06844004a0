"""A site that may be away: opened late, opened again after trouble, never for nothing."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite
from vanvault.archiver.core.errors import NotFound, SiteFull, SiteUnavailable
from vanvault.archiver.stores import (
    FileSite,
    Site,
    StoredVersion,
    open_site,
)
from vanvault.archiver.stores.lazy import LazySite


class Opener:
    """Counts how often a site is opened; raises while it is away."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.away = False
        self.times = 0

    def __call__(self) -> Site:
        self.times += 1
        if self.away:
            raise SiteUnavailable("away", site="primary", may_be_stored=False)
        return self.site


def put(site: Site, clock: ManualClock, key: str = "a") -> StoredVersion:
    until = clock.now().replace(microsecond=0) + timedelta(days=1)
    return site.put(key, b"data", sha256=hashlib.sha256(b"data").digest(), retain_until=until)


@pytest.fixture
def memory(clock: ManualClock) -> MemorySite:
    return MemorySite("primary", clock=clock)


def test_opened_at_first_use_and_once(memory: MemorySite, clock: ManualClock) -> None:
    opener = Opener(memory)
    site = LazySite("primary", opener)
    assert (site.site, opener.times) == ("primary", 0)
    stored = put(site, clock)
    assert site.get("a", stored.version) == b"data"
    assert site.get_range("a", 1, 2) == b"at"
    assert site.get_locked("a", stored.version) == (b"data", stored)
    assert site.stat("a") == stored
    assert site.versions("a") == list(site.list()) == [stored]
    assert list(site.strays()) == []
    assert site.now() == clock.now()
    assert site.extend("a", stored.version, clock.now().replace(microsecond=0) + timedelta(days=2))
    assert site.capabilities == memory.capabilities
    assert opener.times == 1


def test_away_and_back(memory: MemorySite, clock: ManualClock) -> None:
    opener = Opener(memory)
    opener.away = True
    site = LazySite("primary", opener)
    for _ in range(2):
        with pytest.raises(SiteUnavailable):
            put(site, clock)
    opener.away = False
    put(site, clock)
    memory.fail_next("list")
    with pytest.raises(SiteUnavailable):
        list(site.list())
    assert [version.key for version in site.list()] == ["a"]
    assert opener.times == 4


def test_not_opened_again_for_what_is_no_trouble(memory: MemorySite, clock: ManualClock) -> None:
    opener = Opener(memory)
    site = LazySite("primary", opener)
    with pytest.raises(NotFound):
        site.get("nothing")
    memory.fail_next("put", error=SiteFull("full", site="primary"))
    with pytest.raises(SiteFull):
        put(site, clock)
    put(site, clock)
    assert opener.times == 1


def test_a_new_folder_at_the_old_path_is_found(root: Path, clock: ManualClock) -> None:
    site = open_site("primary", f"file:{root}", home=root, archive="test", clock=clock)
    put(site, clock)
    root.rename(root.with_name("moved"))
    FileSite.create(root, "primary", archive="test", clock=clock)
    with pytest.raises(SiteUnavailable):
        put(site, clock)
    put(site, clock)
    assert len(site.versions("a")) == 1
    site.close()


def test_trouble_without_end_costs_no_descriptors(root: Path, clock: ManualClock) -> None:
    def fault(step: str) -> None:
        if step == "before-link":
            raise OSError(5, "Input/output error")

    site = open_site("primary", f"file:{root}", home=root, archive="test", clock=clock, fault=fault)
    with pytest.raises(SiteUnavailable):
        put(site, clock)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with pytest.raises(SiteUnavailable):
            put(site, clock)
    assert len(os.listdir("/proc/self/fd")) <= before + 2
    site.close()
