"""The world of a run on sites in memory: a home, its nodes, and clocks that can be wrong."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from tests.faults.chaos.checker import Verdict
from tests.faults.chaos.ledger import LARGE_BYTES, Ledger
from tests.faults.chaos.plan import POLICIES
from tests.support.archives import SITES, Home, Node, memory_home
from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite, Operation
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.ports import ClockStopwatch, Ports
from vanvault.archiver.stores import Site

OPERATIONS: tuple[Operation, ...] = ("put", "get", "get_range", "stat", "versions", "list", "now", "extend")
FOR_EVER = 1_000_000
_SETTINGS = {
    "VANVAULT_INTAKE__LARGE_MESSAGE_BYTES": str(LARGE_BYTES),
    "VANVAULT_INTAKE__LINGER_MS": "0",
    "VANVAULT_HEALTH__BACK_S": "0",
    "VANVAULT_CLOCK__CHECK_INTERVAL_S": "0.05",
    "VANVAULT_COMPACTION__SETTLE_HOURS": "0",
    "VANVAULT_JOBS__WORKERS": "1",
}


class HostClock(ManualClock):
    """The host's clock, which may be set wrong; the sites keep the right time."""

    def __init__(self, right: ManualClock) -> None:
        super().__init__(right.moment)
        self.right, self.off = right, timedelta()

    def now(self) -> datetime:
        return self.right.now() + self.off


@dataclass
class ChaosHome(Home):
    """A home whose nodes count seconds right, whatever their clock says."""

    def archive(self, sites: Mapping[str, Site] | None = None) -> Archive:
        assert isinstance(self.clock, HostClock)
        ports = Ports(self.clock, ClockStopwatch(self.clock.right))
        archive = Archive.open(self.path, ports=ports, sites=sites or self.sites, fault=self.fault)
        self._archives.append(archive)
        return archive


@dataclass
class World:
    """The home, its nodes, and what goes on."""

    home: ChaosHome
    clock: HostClock
    random: Random
    name: str
    ledger: Ledger
    verdict: Verdict
    policy: str
    victim: str
    nodes: list[Node] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    harmed: bool = False
    healed: bool = False  # every site answers and takes again
    sent: int = 0
    events: int = 0

    def note(self, action: str, outcome: object = "ok", **more: object) -> None:
        self.verdict.history.note("run", action, str(outcome), **more)

    def start(self, count: int = 2) -> None:
        self.set_policy(self.policy)
        self.nodes = [Node(self.home.archive()) for _ in range(count)]
        for node in self.nodes:
            if not self.away:
                node.wait_ready()

    def set_policy(self, policy: str) -> None:
        self.policy = policy
        os.environ["VANVAULT_SITES__POLICY"] = "any" if policy == "any" else "all"
        os.environ["VANVAULT_SITES__FALL_BACK"] = str(policy == "fall-back").lower()

    def stop(self) -> None:
        for node in self.nodes:
            if node.supervisor.stop():
                self.verdict.is_unverified("node", "did not stop")
        self.nodes = []

    def some_node(self) -> Node:
        return self.random.choice(self.nodes)

    def passes(self, seconds: float) -> None:
        self.clock.right.advance(timedelta(seconds=seconds))


@contextmanager
def open_world(random: Random, name: str, ledger: Ledger, verdict: Verdict) -> Iterator[World]:
    before = {key: os.environ.get(key) for key in (*_SETTINGS, *_POLICY_NAMES)}
    os.environ.update(_SETTINGS)
    policy, victim = random.choice(POLICIES), random.choice(SITES)
    try:
        with tempfile.TemporaryDirectory() as folder, memory_home(Path(folder) / "home") as made:
            clock = HostClock(made.clock)
            ledger.now = clock.right.now
            home = ChaosHome(made.path, clock, made.sites)
            world = World(home, clock, random, name, ledger, verdict, policy, victim)
            verdict.history.note("run", "planned", policy, victim=victim)
            world.start()
            try:
                yield world
            finally:
                for site in home.sites.values():
                    answers(site)
                clock.off = timedelta()
                world.stop()
                home.close()
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


_POLICY_NAMES = ("VANVAULT_SITES__POLICY", "VANVAULT_SITES__FALL_BACK")


def answers(site: MemorySite) -> None:
    for operation in OPERATIONS:
        site.fail_next(operation, times=0)
