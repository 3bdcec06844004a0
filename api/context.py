"""What the routes of one node share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from vanvault.api.upkeep import Upkeep
from vanvault.archiver.access.gateways import Gateways
from vanvault.archiver.archive import Archive
from vanvault.archiver.errors import AccessDenied, Busy
from vanvault.archiver.intake.budget import ByteBudget
from vanvault.archiver.intake.intake import Intake, release_here
from vanvault.archiver.intake.large import LargeObjects
from vanvault.archiver.intake.pool import Ticket

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
    draining: threading.Event
    upkeep: Upkeep

    @property
    def gateways(self) -> Gateways:
        return self.archive.gateways

    def stop(self) -> bool:
        """Write what was accepted, close the chain and the archive; false when that took too long."""
        self.upkeep.stop(0)  # it ends at its next step, while what was accepted is written
        stopped = self.intake.stop()
        self.workers.shutdown(wait=True, cancel_futures=True)
        stopped = self.upkeep.stop() and stopped
        self.archive.close()
        return stopped


def start_node(archive: Archive, loop: asyncio.AbstractEventLoop) -> Node:
    """Start intake on an open archive; outcomes are handed to ``loop``, a whole group at a time."""

    def release(tickets: Sequence[Ticket]) -> None:
        if tickets and not loop.is_closed():
            loop.call_soon_threadsafe(release_here, tickets)

    intake = archive.open_intake(release)
    node = Node(
        archive=archive,
        intake=intake,
        large=LargeObjects(archive.sites, archive.keys, archive.entropy),
        budget=ByteBudget(archive.settings.intake.memory_bytes),
        workers=ThreadPoolExecutor(_WORKERS, thread_name_prefix="worker"),
        draining=threading.Event(),
        upkeep=Upkeep(archive),
    )
    intake.start()
    if archive.settings.compaction.in_serve:
        node.upkeep.start()
    return node


def node_of(connection: HTTPConnection) -> Node:
    """The node that serves this request."""
    node: Node | None = getattr(connection.app.state, "node", None)
    if node is None:
        raise Busy("the node is starting", retry_after=1)
    return node


def gateway_of(connection: HTTPConnection, node: Node) -> str:
    """The gateway that sent this request. Raises AccessDenied."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise AccessDenied("there is no bearer token", hint="Send: Authorization: Bearer TOKEN.")
    return node.gateways.authenticate(token.strip())
