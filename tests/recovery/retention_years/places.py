"""The two kinds of sites on which the years pass: in memory, and as folders."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from tests.support.archives import Home, memory_home
from tests.support.clearing import disposers_of
from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.stores import Disposer

_CACHES = ("cache", "index", "index-work")


class Place(Protocol):
    """A home with its two sites."""

    @property
    def clock(self) -> ManualClock:
        """What the archive, and memory sites, go by."""

    def open(self) -> Archive:
        """As a newly started process opens it."""

    def lose(self, site: str) -> None:
        """All that a site holds is gone, and the site is there, empty."""

    def disposers(self, archive: Archive) -> Mapping[str, Disposer]:
        """Who may remove what has expired, at each site."""

    def keep_copy(self, site: str) -> None:
        """As somebody who copies a site's folder to a disk in a drawer."""

    def bring_back(self, site: str) -> None:
        """What is in the drawer is put beside what the site holds."""

    def forget_node(self) -> None:
        """A new machine: the home's keys and settings, and nothing that a node remembers."""


@dataclass
class MemoryPlace:
    """Sites that tell of every caller that breaks a rule of the store."""

    home: Home
    lost: int = 0
    drawer: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)

    @property
    def clock(self) -> ManualClock:
        return self.home.clock

    def open(self) -> Archive:
        return self.home.archive()

    def lose(self, site: str) -> None:
        self.home.check()
        self.lost += 1
        first = 1 + 100_000 * self.lost
        self.home.sites[site] = MemorySite(site, clock=self.home.clock, first_version=first)

    def disposers(self, archive: Archive) -> Mapping[str, Disposer]:
        return self.home.sites

    def keep_copy(self, site: str) -> None:
        store = self.home.sites[site]
        self.drawer[site] = [(one.key, store.get(one.key, one.version)) for one in store.list()]

    def bring_back(self, site: str) -> None:
        store = self.home.sites[site]
        for key, data in self.drawer[site]:
            if not store.versions(key):
                until = (self.clock.now() + timedelta(days=1)).replace(microsecond=0)
                store.put(key, data, sha256=hashlib.sha256(data).digest(), retain_until=until)

    def forget_node(self) -> None:
        _forget(self.home.path)


@dataclass
class FolderPlace:
    """Sites as ``vanvault init`` makes them."""

    path: Path
    clock: ManualClock

    def open(self) -> Archive:
        return Archive.open(self.path, ports=Ports.under(self.clock))

    def lose(self, site: str) -> None:
        shutil.rmtree(self.path / "sites" / site)

    def disposers(self, archive: Archive) -> Mapping[str, Disposer]:
        return disposers_of(archive)

    def keep_copy(self, site: str) -> None:
        shutil.copytree(self.path / "sites" / site, self._drawer(site), dirs_exist_ok=True)

    def bring_back(self, site: str) -> None:
        shutil.copytree(self._drawer(site), self.path / "sites" / site, dirs_exist_ok=True)

    def forget_node(self) -> None:
        _forget(self.path)

    def _drawer(self, site: str) -> Path:
        return self.path.parent / f"drawer-{site}"


def _forget(home: Path) -> None:
    for name in _CACHES:
        shutil.rmtree(home / name, ignore_errors=True)


@contextmanager
def memory_place(path: Path) -> Iterator[MemoryPlace]:
    with memory_home(path) as home:
        yield MemoryPlace(home)
        home.check()


@contextmanager
def folder_place(path: Path) -> Iterator[FolderPlace]:
    clock = ManualClock()
    init_home(path, clock=clock)
    yield FolderPlace(path, clock)


PLACES: Mapping[str, Callable[[Path], AbstractContextManager[Place]]] = {
    "memory": memory_place,
    "folders": folder_place,
}
