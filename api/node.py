"""One serving node: its parts, and its end. ``start.py`` puts it together."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from vanvault.api.callers import CallersOfTurn
from vanvault.api.metrics import Metrics
from vanvault.api.quotas import Quotas
from vanvault.api.receive_pace import BodyPace
from vanvault.api.saturation import Saturation
from vanvault.api.together import EntriesOfTurn
from vanvault.archiver.appliance import Archive
from vanvault.archiver.intake import Intake
from vanvault.archiver.people import Gateways, Network, parse_network
from vanvault.archiver.replicas import LargeObjects
from vanvault.archiver.upkeep.periodic import (
    Maintenance,
    PeerSync,
    Sampler,
    Supervisor,
)
from vanvault.recovery.access import LookRecorder, ReadCounter
from vanvault.recovery.conditions import ConditionWatch
from vanvault.recovery.person_tokens import PersonTokensView
from vanvault.recovery.schedule import AskedJobs
from vanvault.recovery.sign_on import SignOns

#: The node did not drain when one of these is still running at the end.
_MUST_END = frozenset(("committer", "maintenance"))


@dataclass(frozen=True, slots=True)
class NodeThreads:
    """Where the event loop hands work to. Work that may wait for a site never shares threads with other work:
    a site that hangs takes those of its own kind only."""

    compute: ThreadPoolExecutor  # hashes and parses; waits for nothing
    reads: ThreadPoolExecutor  # reads the archive; may wait for a site
    lookups: ThreadPoolExecutor  # asks whether a large message is archived; may wait for a site
    large: ThreadPoolExecutor  # puts large messages; waits for every site
    sign_on: ThreadPoolExecutor  # knows sessions, asks the identity provider; waits for the record
    passwords: ThreadPoolExecutor  # checks passwords, each of which takes 64 MiB
    exports: ThreadPoolExecutor  # makes exports, one after the other
    listings: ThreadPoolExecutor  # lists whole sites, for answers that tell of all that lies there

    def close(self) -> None:
        """Wait for what runs; what has not begun is cancelled."""
        own = (self.compute, self.reads, self.lookups, self.large, self.sign_on, self.passwords)
        for threads in (*own, self.exports, self.listings):
            threads.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Duties:
    """Periodic work whose last result requests, health or metrics read."""

    sampler: Sampler
    peers: PeerSync
    maintenance: Maintenance
    conditions: ConditionWatch
    looks: LookRecorder
    reads: ReadCounter
    asked_jobs: AskedJobs


@dataclass(slots=True)
class Node:
    """One running node."""

    archive: Archive
    intake: Intake
    large: LargeObjects
    quotas: Quotas
    saturation: Saturation
    body_pace: BodyPace
    threads: NodeThreads
    duties: Duties
    supervisor: Supervisor
    metrics: Metrics
    sign_ons: SignOns
    person_tokens: PersonTokensView
    draining: threading.Event = field(default_factory=threading.Event)  # readiness says no
    refusing: threading.Event = field(default_factory=threading.Event)  # new requests get 503
    proxies: tuple[Network, ...] = field(init=False)  # whose word about a caller's address is believed
    together: EntriesOfTurn = field(init=False)
    callers: CallersOfTurn = field(init=False)

    def __post_init__(self) -> None:
        self.callers = CallersOfTurn(self.archive.gateways)
        self.together = EntriesOfTurn(self.intake)
        self.proxies = tuple(map(parse_network, self.archive.settings.http.proxies))

    @property
    def gateways(self) -> Gateways:
        return self.archive.gateways

    @property
    def needs_every_site(self) -> bool:
        """Is nothing accepted while one site is away?"""
        return not self.archive.policy.may_degrade()

    def stop(self) -> bool:
        """Write what was accepted, close the chain and the archive; false when that took too long."""
        late = self.supervisor.stop()
        self.threads.close()
        self.archive.close()
        return not _MUST_END.intersection(late)
