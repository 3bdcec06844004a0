"""What the routes of one node share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from vanvault.api.ledger import recorder_of
from vanvault.api.metrics import Metrics
from vanvault.api.observe import GATEWAY
from vanvault.api.sampler import Sampler
from vanvault.api.upkeep import Upkeep
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import AccessDenied, Busy
from vanvault.archiver.core.model import Commit
from vanvault.archiver.intake import (
    ByteBudget,
    Follower,
    HealthWatch,
    Intake,
    Ticket,
    WaitingChanges,
    release_here,
)
from vanvault.archiver.journal.availability import Recorder
from vanvault.archiver.people import Gateways
from vanvault.archiver.replicas import LargeObjects
from vanvault.recovery.coverage import count_verifications
from vanvault.recovery.reconcile import Keeper

#: Threads for what would hold up the event loop: large bodies, reads of the archive.
_WORKERS = 4


@dataclass(slots=True)
class Node:
    """One running node."""

    archive: Archive
    intake: Intake
    large: LargeObjects
    budget: ByteBudget
    workers: ThreadPoolExecutor
    metrics: Metrics
    sampler: Sampler
    follower: Follower
    health: HealthWatch
    keeper: Keeper
    upkeep: Upkeep
    recorder: Recorder | None = None
    draining: threading.Event = field(default_factory=threading.Event)  # readiness says no
    refusing: threading.Event = field(default_factory=threading.Event)  # new requests get 503

    @property
    def gateways(self) -> Gateways:
        return self.archive.gateways

    @property
    def needs_every_site(self) -> bool:
        """Is nothing accepted while one site is away?"""
        return not self.archive.policy.may_degrade()

    def stop(self) -> bool:
        """Write what was accepted, close the chain and the archive; false when that took too long."""
        recorder = self.recorder
        if recorder is not None:
            recorder.stop()
        self.follower.stop()
        self.sampler.stop()
        self.health.stop()
        self.keeper.stop()
        self.upkeep.stop(0)  # it ends at its next step, while what was accepted is written
        stopped = self.intake.stop()
        if recorder is not None and stopped:
            recorder.finish()
        self.workers.shutdown(wait=True, cancel_futures=True)
        stopped = self.upkeep.stop() and stopped
        self.archive.close()
        return stopped


def start_node(archive: Archive, loop: asyncio.AbstractEventLoop, metrics: Metrics) -> Node:
    """Start intake on an open archive; outcomes are handed to ``loop``, a whole group at a time."""

    def release(tickets: Sequence[Ticket]) -> None:
        if tickets and not loop.is_closed():
            loop.call_soon_threadsafe(release_here, tickets)

    count_verifications(archive)
    intake = archive.open_intake(release, metrics.group)

    def look() -> None:
        writer = intake.committer.writer
        if writer is not None:  # before, its start folds everything
            intake.folder.flush()  # what a new leader lacks of this node's own must be known
            archive.follow(own=writer.id)

    def record(upgrades: Sequence[Commit]) -> None:
        if intake.committer.writer is not None:
            intake.committer.writer.record(upgrades)

    node = Node(
        archive=archive,
        intake=intake,
        large=LargeObjects(archive.sites, archive.keys, archive.entropy, policy=archive.policy),
        budget=ByteBudget(archive.settings.intake.memory_bytes),
        workers=ThreadPoolExecutor(_WORKERS, thread_name_prefix="worker"),
        metrics=metrics,
        sampler=Sampler(archive, states=lambda: {one.site: one.state for one in archive.health.snapshot()}),
        follower=Follower(look, archive.settings.intake.follow_interval_s),
        health=HealthWatch(
            archive.readable,
            archive.health,
            submit=intake.submit,
            waiting=WaitingChanges(archive.home / "cache" / "health", archive.entropy),
            clock=archive.clock,
            is_open=lambda: intake.refusal is None,
            may_degrade=archive.policy.may_degrade,
            interval_s=archive.settings.health.check_interval_s,
        ),
        keeper=Keeper(archive, record),
        upkeep=Upkeep(archive),
    )
    intake.start()
    node.health.start()
    node.keeper.start()
    node.sampler.start()
    node.follower.start()
    node.recorder = recorder_of(node)
    node.recorder.start()
    if archive.settings.compaction.in_serve:
        node.upkeep.start()
    return node


def node_of(connection: HTTPConnection) -> Node:
    """The node that serves this request."""
    node: Node | None = getattr(connection.app.state, "node", None)
    if node is None:
        raise Busy("the node is starting", retry_after=1)
    if node.refusing.is_set():
        raise Busy("the node is shutting down", retry_after=1, hint="Send it again; another node takes it.")
    return node


def gateway_of(connection: HTTPConnection, node: Node) -> str:
    """The gateway that sent this request. Raises AccessDenied."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise AccessDenied("there is no bearer token", hint="Send: Authorization: Bearer TOKEN.")
    name = node.gateways.authenticate(token.strip())
    connection.scope[GATEWAY] = name  # for the log
    return name
