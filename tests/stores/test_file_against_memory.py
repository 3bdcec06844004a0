"""A file site and a memory site get the same orders, in any order, and must tell the same story."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from tests.contract.harness import DisposableSite
from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.stores import (
    FileSite,
    StoredVersion,
)

KEYS = st.sampled_from(["a", "a/b", "a-b", "a0", "b/0000000001-x", "b/0000001001-x", "b/0000001001-x/c"])
PREFIXES = st.sampled_from(["", "a", "a/", "b/", "b/0000001", "c"])
DAYS = st.integers(-2, 30)


class FileAgainstMemory(RuleBasedStateMachine):
    """Versions are named by both sites' ids; outcomes are compared without the ids."""

    pairs = Bundle("pairs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="vanvault-test-"))
        self.clock = ManualClock()
        FileSite.create(self.folder / "site", "both", archive="test", clock=self.clock)
        self.file = FileSite(self.folder / "site", "both", clock=self.clock)
        self.memory = MemorySite("both", clock=self.clock)
        self.twins: dict[str, str] = {}  # file version -> memory version

    def teardown(self) -> None:
        self.file.close()
        shutil.rmtree(self.folder)

    @initialize(target=pairs, data=st.binary(max_size=20))
    def first(self, data: bytes) -> tuple[str, str]:
        return self.stored("a", data, self.later(5))

    @rule(target=pairs, key=KEYS, data=st.binary(max_size=20), days=DAYS)
    def put(self, key: str, data: bytes, days: int) -> object:
        if days <= 0:
            self.same(lambda site: self.facts(self.put_one(site, key, data, self.later(days))))
            return multiple()
        return self.stored(key, data, self.later(days))

    @rule(pair=pairs, days=DAYS)
    def extend(self, pair: tuple[str, str], days: int) -> None:
        key, version = pair
        self.same(lambda site: self.facts(site.extend(key, self.of(site, version), self.later(days))))

    @rule(pair=pairs)
    def delete(self, pair: tuple[str, str]) -> None:
        key, version = pair
        self.same(lambda site: site.delete(key, self.of(site, version)))

    @rule(pair=consumes(pairs))
    def forget(self, pair: tuple[str, str]) -> None:
        """Another version of the bundle gets its turn."""

    @rule(hours=st.integers(0, 100))
    def advance(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours, milliseconds=1))

    @rule()
    def restart(self) -> None:
        """A second passes: which of two processes' versions is newer is only as exact as the host's clock."""
        self.clock.advance(timedelta(seconds=1))
        self.file.close()
        self.file = FileSite(self.folder / "site", "both", clock=self.clock)

    @rule(pair=pairs, offset=st.integers(0, 25), length=st.integers(0, 25))
    def read(self, pair: tuple[str, str], offset: int, length: int) -> None:
        key, version = pair
        self.same(lambda site: site.get(key, self.of(site, version)))
        self.same(lambda site: site.get(key))
        self.same(lambda site: site.get_range(key, offset, length, self.of(site, version)))
        self.same(lambda site: self.facts(site.stat(key, self.of(site, version))))
        self.same(lambda site: [self.facts(found) for found in site.versions(key)])

    @rule(prefix=PREFIXES, after=KEYS)
    def list(self, prefix: str, after: str) -> None:
        self.same(lambda site: [self.facts(found) for found in site.list(prefix)])
        self.same(lambda site: [self.facts(found) for found in site.list(prefix, after)])

    @invariant()
    def nothing_strange_on_disk(self) -> None:
        assert not any(self.file.strays())

    def later(self, days: int) -> datetime:
        return self.clock.now().replace(microsecond=0) + timedelta(days=days)

    def put_one(self, site: DisposableSite, key: str, data: bytes, until: datetime) -> StoredVersion:
        return site.put(key, data, sha256=hashlib.sha256(data).digest(), retain_until=until)

    def stored(self, key: str, data: bytes, until: datetime) -> tuple[str, str]:
        on_disk, in_memory = (self.put_one(site, key, data, until) for site in (self.file, self.memory))
        self.twins[on_disk.version] = in_memory.version
        assert self.facts(on_disk) == self.facts(in_memory)
        return key, on_disk.version

    def of(self, site: DisposableSite, version: str) -> str:
        return version if site is self.file else self.twins[version]

    def facts(self, found: StoredVersion) -> tuple[str, str, int, datetime | None]:
        """What both sites must agree on, the version by the name that it has in memory."""
        return found.key, self.twins.get(found.version, found.version), found.size, found.retain_until

    def same(self, order: Callable[[DisposableSite], object]) -> None:
        outcomes = []
        for site in (self.file, self.memory):
            try:
                outcomes.append(order(site))
            except VanVaultError as error:
                outcomes.append(type(error))
        assert outcomes[0] == outcomes[1]


TestFileAgainstMemory = FileAgainstMemory.TestCase
TestFileAgainstMemory.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
