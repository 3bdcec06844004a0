"""Archives for tests: a home in a temporary folder, with its two sites in memory or in files."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite
from tests.support.waiting import PATIENCE_S, wait_for
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.appliance.places import HOT_TAIL
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.model import Draft, EventDraft, MessageDraft, Metadata, MetadataReading
from vanvault.archiver.core.outcome import Outcome
from vanvault.archiver.core.ports import Ports, SystemStopwatch
from vanvault.archiver.core.times import from_us
from vanvault.archiver.intake import Intake, event_draft, message_draft
from vanvault.archiver.replicas import LargeObjects, still_to_come
from vanvault.archiver.stores import Site
from vanvault.archiver.upkeep.periodic import Supervisor

GATEWAY = "gateway-1"
SITES = ("primary", "standby")


def message(
    message_id: str,
    body: bytes,
    *,
    gateway: str = GATEWAY,
    received_us: int = 0,
    given: Metadata | None = None,
) -> MessageDraft:
    """A draft of an opaque message."""
    return message_draft(
        gateway=gateway,
        message_id=message_id,
        received=from_us(received_us),
        content_type="application/xml",
        body=body,
        sha256=hashlib.sha256(body).digest(),
        sha512=hashlib.sha512(body).digest(),
        given=given or Metadata(),
        reading=MetadataReading(Metadata()),
    )


def event(event_id: str, *, type: str = "dossier.received", transaction_id: str = "t-1") -> EventDraft:
    """A draft of a line of the log."""
    fields = {
        "event_id": event_id,
        "occurred_at": "2026-11-22T08:00:00+07:00",
        "type": type,
        "transaction_id": transaction_id,
    }
    return event_draft(GATEWAY, fields, received=from_us(0))


@dataclass
class Home:
    """A home whose sites are in memory, so that they can fail and rot on demand."""

    path: Path
    clock: ManualClock
    sites: dict[str, MemorySite]
    fault: Fault = no_fault
    _archives: list[Archive] = field(default_factory=list)

    @property
    def primary(self) -> MemorySite:
        return self.sites["primary"]

    @property
    def standby(self) -> MemorySite:
        return self.sites["standby"]

    def archive(self, sites: Mapping[str, Site] | None = None) -> Archive:
        """The home as a newly started process opens it; ``sites`` in place of the home's own."""
        archive = Archive.open(
            self.path, ports=Ports.under(self.clock), sites=sites or self.sites, fault=self.fault
        )
        self._archives.append(archive)
        return archive

    def forget_hot_tail(self) -> None:
        """What a lost disk of a node does."""
        for file in (self.path / HOT_TAIL).parent.glob("hot-tail*"):
            file.unlink()

    def check(self) -> None:
        """No caller broke a rule of the store at either site."""
        for site in self.sites.values():
            site.check()

    def close(self) -> None:
        for archive in self._archives:
            archive.close()


@contextmanager
def memory_home(path: Path) -> Iterator[Home]:
    """A new home at ``path``."""
    clock = ManualClock()
    init_home(path, clock=clock)
    home = Home(path, clock, {name: MemorySite(name, clock=clock) for name in SITES})
    try:
        yield home
    finally:
        home.close()


@contextmanager
def second_home(home: Home, path: Path) -> Iterator[Home]:
    """Another node on the same sites: the same keys, a hot tail and an index of its own."""
    shutil.copytree(home.path, path, ignore=shutil.ignore_patterns("cache", "index", "index-work", "sites"))
    other = Home(path, home.clock, home.sites)
    try:
        yield other
    finally:
        other.close()


def run(intake: Intake, archive: Archive) -> Supervisor:
    """The tasks of an intake, started."""
    supervisor = Supervisor(clock=archive.clock, stopwatch=SystemStopwatch())
    supervisor.at_stop("intake", intake.close)
    supervisor.add(*intake.tasks)
    supervisor.start()
    return supervisor


class Node:
    """A started intake, with calls that wait for their answer as a client would."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.intake: Intake = archive.open_intake()
        self.large = LargeObjects(
            archive.sites, archive.keys, archive.entropy, archive.object_signer, policy=archive.policy
        )
        self.supervisor = run(self.intake, archive)

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        assert self.supervisor.stop() == ()

    def wait_ready(self) -> None:
        """Until the node accepts."""
        self.wait_for_state("ready")

    def wait_for_state(self, state: str) -> None:
        wait_for(lambda: self.intake.committer.state == state, f"the node is {state}")

    def submit(self, drafts: Sequence[Draft]) -> list[tuple[Outcome, bool]]:
        """Submit all at once and wait for every (receipt or error, repeated)."""
        outcomes: dict[int, tuple[Outcome, bool]] = {}
        done = threading.Semaphore(0)

        def settle(index: int, outcome: Outcome, repeated: bool) -> None:
            outcomes[index] = (outcome, repeated)
            done.release()

        self.intake.pool.arriving(1)  # they belong into one group
        self.intake.submit_all(
            [(draft, partial(settle, index)) for index, draft in enumerate(drafts)], requests=1
        )
        for _ in drafts:
            assert done.acquire(timeout=PATIENCE_S), "no answer came"
        return [outcomes[index] for index in range(len(drafts))]

    def placed(self, draft: MessageDraft, *, degraded: bool = False) -> MessageDraft:
        """The draft with its body in an object of its own, as the API does it with a large one."""
        writer = self.intake.committer.writer
        assert writer is not None
        assert draft.body is not None
        copies = self.large.place(
            draft.body,
            writer=writer.id,
            executor=writer.executor,
            retain_until=self.archive.retain_until("messages", self.archive.clock.now()),
            degraded=degraded,
        )
        return replace(draft, body=None, large=copies)

    def push(self, draft: Draft) -> Receipt:
        """The receipt of one draft; raises the error that the client would be told."""
        outcome, _ = self.submit([draft])[0]
        if isinstance(outcome, VanVaultError):
            raise outcome
        return outcome

    def push_until_accepted(self, draft: Draft) -> Receipt:
        """As a patient client: the same again until it is accepted."""
        receipts: list[Receipt] = []

        def accepted() -> bool:
            with suppress(VanVaultError):
                receipts.append(self.push(draft))
            return bool(receipts)

        wait_for(accepted, "the node accepts the draft")
        return receipts[0]


def crash(node: Node, home: Home) -> None:
    """End the node as a kill would leave it: no closing object at any site."""
    for site in home.sites.values():
        site.fail_next("put", times=1_000)
    node.stop()
    for site in home.sites.values():
        site.fail_next("put", times=0)


def rebuilt(site: MemorySite, clock: ManualClock) -> MemorySite:
    """A new, empty site into which every object was copied: same keys and locks, other version ids."""
    fresh = MemorySite(site.site, clock=clock, first_version=1001)
    for version in site.list():
        assert version.retain_until is not None
        data = site.get(version.key, version.version)
        until = still_to_come(version.retain_until, clock.now())
        fresh.put(version.key, data, sha256=hashlib.sha256(data).digest(), retain_until=until)
    return fresh
